"""Writes docs/acts.md and docs/vi/viec.md: every act of a year, from what the code says of it. `make acts-doc`."""

from __future__ import annotations

from i18n import in_language
from i18n.acts_page import acts_page
from resources import ROOT

PAGES = {"en": ROOT / "docs" / "acts.md", "vi": ROOT / "docs" / "vi" / "viec.md"}


def main() -> None:
    """Write both pages, and print their names."""
    for language, file in PAGES.items():
        with in_language(language):
            file.write_text(acts_page())
        print(file.relative_to(ROOT))


if __name__ == "__main__":
    main()
