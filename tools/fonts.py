"""Cut the page's font to Latin and Vietnamese letters, as WOFF2, into the virtual environment.

Source Sans Pro (SIL Open Font License 1.1) comes from its package on the registry; two weights of twenty kilobytes each
are what a page loads.
"""

from __future__ import annotations

import sys
from importlib.resources import files
from pathlib import Path

from fontTools import subset

LETTERS = "U+0020-024F,U+1EA0-1EF9,U+2010-2044,U+20AB,U+2190-2193,U+2212"
WEIGHTS = {"regular": "Regular", "semibold": "Semibold"}


def main(target: Path) -> None:
    """Write the files that are missing."""
    target.mkdir(parents=True, exist_ok=True)
    for name, weight in WEIGHTS.items():
        if not (out := target / f"{name}.woff2").exists():
            source = files("font_source_sans_pro") / "files" / f"SourceSansPro-{weight}.ttf"
            subset.main(
                [
                    str(source),
                    f"--unicodes={LETTERS}",
                    "--flavor=woff2",
                    f"--output-file={out}",
                    "--layout-features=kern,tnum,locl,ccmp,mark,mkmk",
                ]
            )


if __name__ == "__main__":
    main(Path(sys.prefix) / "share" / "fonts")
