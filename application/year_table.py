"""A year's clusters and units as a table, one row for each unit and contact, read into a year file with remarks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError
from pydantic_core import PydanticCustomError

from application.contact_cells import is_day, is_formula, mail_addresses, mended_phone
from application.pasted_text import clean_text
from application.slugs import MOST_CHARS, account_name_of, slug_of
from application.table_columns import Head
from application.tables import Rows
from application.year_columns import COLUMNS, REQUIRED, find_year_head
from application.year_file import YearFile
from domain.problems import first_problem
from domain.records import NO_PERSONS
from errors import InputError
from i18n.sorting import folded
from vault.persons import Contact

Remarks = list[tuple[int, str, Mapping[str, Any]]]


@dataclass(slots=True)
class TableResult:
    """The year file of a table, and remarks (line, code, facts) on entries that are probably wrong.

    `changes` counts what was changed in the cells of each column that the person should know of.
    """

    year: YearFile
    remarks: Remarks
    changes: Mapping[str, Mapping[str, int]]
    head: Head


def read_table(
    rows: Rows, head: Mapping[str, Any], choices: Mapping[int, str] | None = None, people: Iterable[Contact] = ()
) -> TableResult:
    """Read a table into a year file. `head` holds organiser, organiser_name, year, plan and edition.

    Cells are cleaned as all text that is pasted (`clean_text`). `choices`: what a person chose for columns, by index.
    `people` are those who are entered already: a contact of the same unit and name is the same person, and new ones
    get other account names.

    Raises:
        InputError: a required column or cell is missing, a cell cannot be kept, or the year is invalid.
    """
    if not any(rows):
        raise InputError("table_empty")
    found = find_year_head(rows, choices or {})
    if found.missing:
        raise InputError("table_head", missing=", ".join(found.missing))
    reader = _RowReader(found.indexes(), found.width, people)
    for line, row in enumerate(rows[found.line :], start=found.line + 1):
        if row and not found.repeated_in(row):
            reader.read(line, row)
    if not reader.clusters:
        raise InputError("table_without_units")
    remarks = [*((0, "column_not_read", {"column": one.title}) for one in found.unknown), *reader.finish()]
    file = {**head, "clusters": [one.fields() for one in reader.clusters.values()], "people": reader.people}
    try:
        return TableResult(YearFile.model_validate(file), remarks, reader.changes, found)
    except ValidationError as error:
        problem = first_problem(error)
        path = ".".join(map(str, problem.pop("place")))
        raise InputError("table_wrong", place=path, **problem) from None


@dataclass(slots=True)
class _Unit:
    id: str
    name: str
    kind: str | None
    code: str
    line: int
    contacts: set[tuple[str, str, str]] = field(default_factory=set)
    """Its contacts: each with name, kind of address ("" for the name alone), and address."""


@dataclass(slots=True)
class _Cluster:
    id: str
    name: str
    line: int
    overseer: str = ""
    units: list[_Unit] = field(default_factory=list)

    def fields(self) -> dict[str, Any]:
        """As a year file has it."""
        units = [{"id": unit.id, "name": unit.name, "kind": unit.kind} for unit in self.units]
        overseer = {"overseer": {"office": self.overseer}} if self.overseer else {}
        return {"id": self.id, "name": self.name, "units": units, **overseer}


class _RowReader:
    """Collects clusters, units and contacts, row by row. Names are the same when they are spelled the same."""

    def __init__(self, indexes: Mapping[str, int], width: int, people: Iterable[Contact]) -> None:
        self.clusters: dict[str, _Cluster] = {}
        self.people: list[dict[str, Any]] = []
        self.remarks: Remarks = []
        self.changes: dict[str, Counter[str]] = {}
        self._indexes, self._width = indexes, width
        self._units: dict[str, tuple[_Cluster, _Unit]] = {}
        self._named: dict[tuple[str, str], _Unit] = {}
        self._entered: dict[tuple[str, str], list[Contact]] = {}
        for one in people:
            self._entered.setdefault((one.unit, one.name), []).append(one)
        known = {one.id for entered in self._entered.values() for one in entered}
        self._ids: dict[str, set[str]] = {"cluster": set(), "unit": set(), "person": known | NO_PERSONS}
        self._numbers: Counter[tuple[str, str]] = Counter()
        self._last = ""

    def read(self, line: int, row: list[str]) -> None:
        """Take a row.

        Raises:
            InputError: a required cell is missing, or a cell cannot be kept.
        """
        cells = self._cells(line, row)
        if not any(cells.values()):
            return
        if not cells["cụm"] and cells["đơn vị"] and self._last:
            cells["cụm"] = self._last
            self._count("cụm", "from_above")
        for name in REQUIRED:
            if not cells[name]:
                raise InputError("table_cell_missing", line=line, column=name)
        self._last = cells["cụm"]
        cluster = self._cluster(line, cells)
        unit, is_new = self._unit(line, cells, cluster)
        named = bool(cells["người liên hệ"]) and self._contact(line, unit, cells)
        if not cells["người liên hệ"] and (cells["thư điện tử"] or cells["điện thoại"]):
            given = cells["thư điện tử"] or cells["điện thoại"]
            self.remarks.append((line, "contact_without_name", {"unit": unit.name, "found": given}))
        elif not is_new and not named:
            self.remarks.append((line, "unit_twice_in_table", {"unit": unit.name, "first": unit.line}))

    # Cells ----------------------------------------------------------------------------------

    def _cells(self, line: int, row: list[str]) -> dict[str, str]:
        row = self._shifted_back(row)
        if len(row) > self._width:
            self.remarks.append((line, "cells_beyond_columns", {"found": "; ".join(row[self._width :])[:80]}))
        cells = dict.fromkeys(COLUMNS, "")
        for name, index in self._indexes.items():
            if index < len(row):
                cells[name] = self._clean(row[index], line, name)
        for name in ("chức vụ", "người liên hệ", "loại"):
            if is_day(cells[name]):
                self.remarks.append((line, "day_in_column", {"column": name, "found": cells[name]}))
                cells[name] = ""
        return cells

    def _shifted_back(self, row: list[str]) -> list[str]:
        """A row in which a second mail address, behind a semicolon, became a cell of its own and moved the others."""
        mail = self._indexes.get("thư điện tử")
        while mail is not None and len(row) > self._width and mail + 1 < len(row) and mail_addresses(row[mail + 1])[0]:
            row = [*row[:mail], f"{row[mail]}; {row[mail + 1]}", *row[mail + 2 :]]
        return row

    def _clean(self, cell: str, line: int, column: str) -> str:
        """Return a cell as one clean line, and count what was changed in its column.

        Raises:
            InputError: `table_cell_bad`: it holds what cannot be kept; `table_formula`: a required one has no result.
        """
        try:
            found = clean_text(cell, one_line=True)
        except PydanticCustomError as error:
            # The line is that of the table: a cell is one line.
            given = {**(error.context or {}), "line": str(line)}
            raise InputError("table_cell_bad", column=column, line=line, problem=error.type, given=given) from None
        for kind, count in found.changes.items():
            self._count(column, kind, count)
        if is_formula(found.text):
            if column in REQUIRED:
                raise InputError("table_formula", line=line, column=column, found=found.text[:60])
            self.remarks.append((line, "formula_without_result", {"column": column, "found": found.text[:60]}))
            return ""
        return " ".join(found.text.split())

    def _count(self, column: str, kind: str, count: int = 1) -> None:
        self.changes.setdefault(column, Counter())[kind] += count

    # Clusters and units ---------------------------------------------------------------------

    def _cluster(self, line: int, cells: Mapping[str, str]) -> _Cluster:
        name = cells["cụm"]
        if name not in self.clusters:
            slug = slug_of(name, "cum").replace("cum-thi-dua-so-", "cum-")
            self.clusters[name] = _Cluster(self._new_id("cluster", slug), name, line)
        cluster = self.clusters[name]
        if (office := cells["phụ trách cụm"]) and not cluster.overseer:
            cluster.overseer = office
        elif office and office != cluster.overseer:
            self.remarks.append((line, "overseers_differ", {"cluster": name, "found": office}))
        return cluster

    def _unit(self, line: int, cells: Mapping[str, str], cluster: _Cluster) -> tuple[_Unit, bool]:
        """The unit of a row, and whether it is its first row.

        Raises:
            InputError: `table_unit_elsewhere`: it is in another cluster already.
        """
        name, code = cells["đơn vị"], cells["mã đơn vị"]
        here = self._named.get((cluster.name, name))
        known = self._units.get(f"={code}") if code else None
        if known is None and here is not None and not (code and here.code):  # one of its rows may lack the code
            known = (cluster, here)
        elif known is None and not code:
            known = self._units.get(name)
        if known is None:
            kind = slug_of(cells["loại"]) if cells["loại"] else None
            unit = _Unit(self._new_id("unit", unit_slug(code or name)), name, kind, code, line)
            cluster.units.append(unit)
            self._named.setdefault((cluster.name, name), unit)
            self._units.setdefault(f"={code}" if code else name, (cluster, unit))
            return unit, True
        place, unit = known
        if place is not cluster:
            facts = {"line": line, "unit": name, "first": unit.line, "cluster": place.name}
            raise InputError("table_unit_elsewhere", **facts)
        if unit.name != name:
            self.remarks.append((line, "unit_names_differ", {"unit": unit.name, "found": name, "code": code}))
        return unit, False

    def _new_id(self, kind: str, slug: str, between: str = "-") -> str:
        taken = self._ids[kind]
        number = self._numbers[kind, slug] or 1
        found = slug if number == 1 else ""
        while not found or found in taken:
            number += 1
            found = f"{slug[: MOST_CHARS - 5].strip('-')}{between}{number}"
        self._numbers[kind, slug] = number
        taken.add(found)
        return found

    # Contacts -------------------------------------------------------------------------------

    def _contact(self, line: int, unit: _Unit, cells: Mapping[str, str]) -> bool:
        """Take the contact of a row; return whether it is another one than those before."""
        person: dict[str, Any] = {"unit": unit.id, "name": cells["người liên hệ"]}
        if cells["chức vụ"]:
            person["office"] = cells["chức vụ"]
        mail, phone = self._reached(line, cells)
        person.update({name: value for name, value in (("email", mail), ("phone", phone)) if value})
        keys = {(person["name"], name, person[name]) for name in ("email", "phone") if name in person}
        if keys & unit.contacts or (not keys and (person["name"], "", "") in unit.contacts):
            return False
        if (person["name"], "", "") in unit.contacts:
            self.remarks.append((line, "namesakes", {"person": person["name"], "unit": unit.name}))
        unit.contacts |= {(person["name"], "", ""), *keys}
        self.people.append(person)
        if "email" not in person and not cells["thư điện tử"]:
            self.remarks.append((line, "contact_without_mail", {"person": person["name"]}))
        return True

    def _give_ids(self) -> None:
        """Give each contact an id: of namesakes first those with the mail address of one who is entered already.

        The id of a person who is entered already is no other contact's.
        """
        for by_mail in (True, False):
            for person in self.people:
                entered = self._entered.get((person["unit"], person["name"]), [])
                same = [one for one in entered if not by_mail or one.email == person.get("email")]
                if "id" not in person and same:
                    entered.remove(same[0])
                    person["id"] = same[0].id
        for person in self.people:
            if "id" not in person:
                person["id"] = self._new_id("person", account_name_of(person["name"]), "")

    def _reached(self, line: int, cells: Mapping[str, str]) -> tuple[str, str]:
        """The mail address and the telephone number of a row; remarks on what cannot be used."""
        mails, others = mail_addresses(cells["thư điện tử"])
        phone = cells["điện thoại"]
        if moved := mail_addresses(phone)[0]:  # a second address stands where the number should
            mails, phone = [*mails, *moved], " ".join(mail_addresses(phone)[1])
        if others:
            self.remarks.append((line, "bad_email", {"found": " ".join(others)[:80]}))
        if len(mails) > 1:
            self.remarks.append((line, "more_mails", {"taken": mails[0], "found": ", ".join(mails[1:])[:80]}))
        found = mended_phone(phone) if phone else ("", False)
        if found is None:
            self.remarks.append((line, "bad_phone", {"found": phone}))
            found = ("", False)
        if found[1]:
            self._count("điện thoại", "zeros")
        return (mails[0] if mails else ""), found[0]

    # The whole ------------------------------------------------------------------------------

    def finish(self) -> Remarks:
        """Give the contacts their ids, and return all remarks, those on the whole table last."""
        self._give_ids()
        remarks = [*self.remarks]
        for name, other, line in _alike((one.name, one.line) for one in self.clusters.values()):
            remarks.append((line, "clusters_alike", {"cluster": name, "other": other}))
        for cluster in self.clusters.values():
            for name, other, line in _alike((unit.name, unit.line) for unit in cluster.units):
                remarks.append((line, "units_alike", {"unit": name, "other": other}))
            if len(cluster.units) == 1:
                remarks.append((0, "cluster_of_one", {"cluster": cluster.name}))
            if not cluster.overseer:
                remarks.append((0, "cluster_without_overseer", {"cluster": cluster.name}))
            if missing := [unit.name for unit in cluster.units if not unit.contacts]:
                remarks.append((0, "units_without_contact", {"cluster": cluster.name, "whom": ", ".join(missing)}))
        return remarks


def _alike(names: Iterable[tuple[str, int]]) -> list[tuple[str, str, int]]:
    """Names that differ only in case, diacritics and signs from one before, with that one."""
    first: dict[str, str] = {}
    found = []
    for name, line in names:
        key = "".join(filter(str.isalnum, folded(name)))
        if key in first:
            found.append((name, first[key], line))
        else:
            first[key] = name
    return found


_COMMITTEE = ("ban-thuong-truc-", "uy-ban-", "mat-tran-to-quoc-", "mttq-", "viet-nam-")
"""How long names of committees begin: what tells one from another stands behind."""


def unit_slug(name: str) -> str:
    """An id from a name; of a name that is too long for one, what tells it from others stays."""
    whole = short = slug_of(name, most=len(name) * 2)
    if len(whole) <= MOST_CHARS:
        return whole
    for part in _COMMITTEE:
        short = short.removeprefix(part)
    return (whole if short == whole else f"mttq-{short}")[:MOST_CHARS].strip("-")
