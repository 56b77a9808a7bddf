"""Build hook of the wheel: adds the entry module and the compiled message catalogues to what `pyproject.toml` maps.

The entry stands in `thidua/` in the checkout and must not become `thidua/thidua/`. Catalogues are compiled into a
temporary folder, so that a build writes nothing into the checkout.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from hatchling.builders.hooks.plugin.interface import BuildHookInterface

SAME_DAY = datetime(2020, 2, 2, tzinfo=UTC)
"""The date in every compiled catalogue, so that two builds give the same wheel; hatchling dates files likewise."""


class WheelHook(BuildHookInterface[Any]):
    """Hatchling calls it before and after it writes the wheel. An editable install needs none of it."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Name the files to add, by their place below `thidua/` in the wheel."""
        if version == "editable":
            return
        added = {file: file.name for file in Path(self.root, "thidua").glob("*.py")}
        self._compiled = TemporaryDirectory()
        for source in Path(self.root, "i18n", "catalogues").glob("*.po"):
            language, target = source.stem, Path(self._compiled.name, f"{source.stem}.mo")
            with source.open("rb") as read, target.open("wb") as written:
                catalogue = read_po(read, locale=language)
                catalogue.creation_date = SAME_DAY
                write_mo(written, catalogue)
            added[target] = f"i18n/locale/{language}/LC_MESSAGES/thidua.mo"
        build_data["force_include"].update({str(file): place for file, place in added.items()})

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:  # noqa: ARG002 - theirs
        """Remove the temporary folder."""
        if version != "editable":
            self._compiled.cleanup()
