"""The wheel holds the whole program below one name, and works where there is no checkout."""

from __future__ import annotations

import subprocess
import sys
import tomllib
import venv
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from gettext import translation
from importlib.metadata import packages_distributions, version
from pathlib import Path, PurePath

import pytest

from resources import ROOT

VENV = Path(sys.prefix)
FILES = ("rules", "scenarios", "docs/vi")
MODULES = ("worker.py", "resources.py", "errors.py")
PATH = "/usr/bin:/bin"


def packages() -> list[str]:
    """The packages of the program: those for which import rules are checked."""
    found: list[str] = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["root_packages"]
    return found


def expected() -> set[str]:
    """Every file that the wheel must hold below `thidua/`, from what lies in the checkout."""
    found = {file.name for file in (ROOT / "thidua").glob("*.py")} | set(MODULES)
    for top in (*packages(), *FILES):
        for file in (ROOT / top).rglob("*"):
            if file.suffix == ".po":
                found.add(f"i18n/locale/{file.stem}/LC_MESSAGES/thidua.mo")
            elif file.is_file() and "__pycache__" not in file.parts:
                found.add(str(file.relative_to(ROOT)))
    return found


@dataclass(frozen=True, slots=True)
class Installed:
    """The wheel in an environment of its own, with the dependencies of this one, and an empty folder to work in."""

    wheel: Path
    environment: Path
    folder: Path

    @property
    def program(self) -> Path:
        (found,) = self.environment.glob("lib/python3*/site-packages/thidua")
        return found

    def run(self, *command: str, **env: str) -> subprocess.CompletedProcess[str]:
        """Run a program of the environment; the checkout is named nowhere in the child's surroundings."""
        program, *words = command
        settings = {
            "PATH": PATH, "HOME": str(self.folder), "COLUMNS": "120", "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONPYCACHEPREFIX": sys.pycache_prefix or "",
        }  # fmt: skip
        return subprocess.run(
            [str(self.environment / "bin" / program), *words], cwd=self.folder, env={**settings, **env},
            capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip

    def answer(self, *command: str, **env: str) -> str:
        done = self.run(*command, **env)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(out)], cwd=ROOT, check=True,
        capture_output=True,
    )  # fmt: skip
    (found,) = out.iterdir()
    return found


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installed]:
    place = tmp_path_factory.mktemp("installed")
    venv.create(place / "environment", with_pip=False)
    environment, folder = place / "environment", place / "empty"
    folder.mkdir()
    (site,) = environment.glob("lib/python3*/site-packages")
    (dependencies,) = VENV.glob("lib/python3*/site-packages")
    # A folder on the path, not a folder of packages: its own .pth files, such as the checkout's, are not read.
    (site / "dependencies.pth").write_text(f"{dependencies}\n")
    subprocess.run(
        [str(VENV / "uv" / "bin" / "uv"), "pip", "install", "--quiet", "--offline", "--no-deps", "--no-cache",
         "--python", str(environment / "bin" / "python"), str(wheel)],
        env={"PATH": PATH, "HOME": str(folder)}, check=True,
    )  # fmt: skip
    yield Installed(wheel, environment, folder)
    assert list(folder.iterdir()) == [], "a command that only reads files has written some"


def test_the_wheel_takes_one_name_and_holds_the_program_and_nothing_else(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0] for name in names} == {"thidua", f"thidua-{version('thidua')}.dist-info"}
    held = {name.removeprefix("thidua/") for name in names if name.startswith("thidua/")}
    assert held == expected()
    assert len(names) == len(set(names))


@pytest.mark.parametrize(
    "kind",
    [
        "rules/*.yaml", "rules/real/*.yaml", "scenarios/*.yaml", "docs/vi/*.md", "docs/vi/hinh/*.svg",
        "i18n/locale/vi/LC_MESSAGES/*.mo", "web/static/*.woff2", "web/static/*.LICENSE", "web/static/*.css",
        "web/templates/*.html", "*/schema.sql", "local/go.lock",
    ],
)  # fmt: skip
def test_every_kind_of_resource_is_in_it(wheel: Path, kind: str) -> None:
    assert any(PurePath(name).match(f"thidua/{kind}") for name in zipfile.ZipFile(wheel).namelist())


def test_no_name_of_ours_hides_the_library_or_a_dependency() -> None:
    """The program's folder is first on the path."""
    ours = {name.split("/")[0].removesuffix(".py") for name in expected()} - {"__init__", "__main__"}
    assert {"cli", "domain", "rules", "worker"} <= ours
    assert ours.isdisjoint(sys.stdlib_module_names)
    assert ours.isdisjoint(packages_distributions())


def test_without_the_entry_point_no_module_is_found(installed: Installed) -> None:
    """Neither the wheel's nor the checkout's: the other tests would prove nothing."""
    done = installed.run("python", "-c", "import cli")
    assert "ModuleNotFoundError: No module named 'cli'" in done.stderr
    assert installed.answer("python", "-c", "import thidua; print(*thidua.__path__)").strip() == str(installed.program)


def test_the_command_line_works_and_speaks_vietnamese(installed: Installed) -> None:
    assert "Các lệnh" in installed.answer("thidua", "--help")
    assert "Commands" in installed.answer("python", "-m", "thidua", "--help", THIDUA_LANG="en")
    assert "take-stance" in installed.answer("thidua", "acts")
    edition = installed.program / "rules" / "real" / "quang-tri.yaml"
    assert "125" in installed.answer("thidua", "rules", "check", str(edition))
    assert '"$defs"' in installed.answer("thidua", "schema", "rules")


def test_vietnamese_comes_from_the_catalogue_of_the_wheel(installed: Installed) -> None:
    (catalogue,) = installed.program.glob("i18n/locale/vi/LC_MESSAGES/thidua.mo")
    away = catalogue.rename(catalogue.with_suffix(".away"))
    try:
        assert "Commands" in installed.answer("thidua", "--help")
    finally:
        away.rename(catalogue)


def test_the_catalogue_is_the_one_that_set_up_compiles(installed: Installed) -> None:
    folders = (installed.program / "i18n" / "locale", VENV / "share" / "locale")
    ours, of_set_up = (translation("thidua", folder, languages=["vi"])._catalog for folder in folders)
    assert len(ours) > 1000
    assert ours | {"": None} == of_set_up | {"": None}  # the first entry holds dates


CHILDREN = """
import sys, types
from pathlib import Path
from local.engine import Endpoints, start_web, start_worker
from local.paths import Paths

here = Path(sys.argv[1])
paths, endpoints = Paths(here, here, here), Endpoints("", "", "", "", None, "thidua", {})
for child in (start_worker(paths, endpoints, types.SimpleNamespace(id="x")), start_web(paths, endpoints)[0]):
    child.process.wait(60)
    print(child.log.read_text().strip())
"""
"""Starts worker and web as the engine does, without a setting that each of them needs: they end and say which."""


def test_worker_and_web_find_their_modules(installed: Installed, tmp_path: Path) -> None:
    found = installed.answer("python", "-c", CHILDREN, str(tmp_path), PYTHONPATH=str(installed.program))
    assert found.splitlines() == ["worker: THIDUA_DATABASE_URL is not set", "web: THIDUA_WEB_DATABASE_URL is not set"]


WORKBOOK = """
import asyncio, io
from openpyxl import Workbook
from application.tables import table_of

book, body = Workbook(), io.BytesIO()
book.active.append(["đơn vị", 7])
book.save(body)
print(asyncio.run(table_of(body.getvalue())).rows)
"""


def test_the_reader_of_workbooks_finds_its_module(installed: Installed) -> None:
    assert installed.answer("python", "-c", WORKBOOK, PYTHONPATH=str(installed.program)) == "[['đơn vị', '7']]\n"


RESOURCES = """
import resources
from pathlib import Path
from i18n.guides import NAMES, guide
from web.render import asset, environment

for name, path in vars(resources).items():
    made = name == "COMPILED_TEMPLATES"  # by set-up, beside the wheel
    if isinstance(path, Path) and not made and not (path.exists() and path.is_relative_to(resources.ROOT)):
        print("missing:", name)
print("schemas", all(path.is_file() and path.is_relative_to(resources.ROOT) for path in resources.SCHEMA_FILES))
print("guides", all(guide(name) for name in NAMES))
print("templates", bool(environment().get_template("base.html")), asset("desk.css").split("=")[0])
"""


def test_every_resource_is_found_in_the_wheel(installed: Installed) -> None:
    found = installed.answer("python", "-c", RESOURCES, PYTHONPATH=str(installed.program))
    assert found.splitlines() == ["schemas True", "guides True", "templates True /static/desk.css?v"]


def test_pages_load_their_font_from_a_file_of_ours() -> None:
    style = (ROOT / "web" / "static" / "desk.css").read_text()
    for file in ("thidua-sans-regular.woff2", "thidua-sans-semibold.woff2"):
        assert f'url("{file}")' in style
        assert (ROOT / "web" / "static" / file).read_bytes().startswith(b"wOF2")
