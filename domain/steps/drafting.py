"""Plan draft: the papers a cluster works under (plan, operating regulations, covenant, criteria), each in versions.

A version is a document; its text lies beside the ledger by digest, and may be unknown. A version that comes
after the signing is a re-issue, linked to the version that was signed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from domain import limits
from domain.rules import DraftKind, Edition
from domain.steps.membership import require_member
from domain.types import (
    AlreadySaid,
    Command,
    Document,
    Event,
    Label,
    Meta,
    Refused,
    StepDecider,
    UnitId,
    When,
    with_entry,
)

if TYPE_CHECKING:
    from domain.cycle import State


CovenantKind = Literal["covenant", "term-covenant"]
"""A cluster can bind itself for a year and, beside that, for a longer term."""


class PresentDraft(Command, name="present-draft"):
    """A paper is laid before the cluster. Who presents it is a fact of the meeting, not of a role.

    `term` is how long it holds, in words, where that is not the year: 2017-2022.
    """

    kind: DraftKind
    document: Document
    presented_by: UnitId | None = None
    term: Label | None = None


class DraftPresented(Event, name="DraftPresented"):
    kind: DraftKind
    number: int
    document: Document
    presented_by: UnitId | None
    reissues: int | None
    """The signed version that this one follows; None before the signing."""
    term: Label | None = None


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a paper; `version` is the event's place in the stream."""

    number: int
    document: Document
    presented_by: str | None
    reissues: int | None
    when: When
    sureness: str
    version: int
    term: str | None = None


Drafts = Mapping[DraftKind, tuple[Version, ...]]


def present(cmd: PresentDraft, meta: Meta, state: State, rules: Edition) -> Iterator[Event]:
    if cmd.presented_by is not None and cmd.presented_by != state.lifecycle.organiser:
        require_member(cmd.presented_by, meta, state)
    versions = state.drafts.get(cmd.kind, ())
    if versions and versions[-1].document == cmd.document:
        raise AlreadySaid(versions[-1].version)
    if len(versions) >= limits.VERSIONS_PER_DRAFT:
        raise Refused("too_many_versions", kind=cmd.kind, most=limits.VERSIONS_PER_DRAFT)
    covenants = {"covenant": state.signing, "term-covenant": state.term_signing}
    signed = covenants[cmd.kind].signed_version if cmd.kind in covenants else None
    after_signing = cmd.kind != "term-covenant" and state.signing.first_signed is not None and versions
    yield DraftPresented(
        kind=cmd.kind,
        number=len(versions) + 1,
        document=cmd.document,
        presented_by=cmd.presented_by,
        reissues=signed if signed is not None else (versions[-1].number if after_signing else None),
        term=cmd.term,
    )


def version_of(kind: DraftKind, number: int | None, state: State) -> int:
    """The number of a version that exists: the latest when none is named.

    Raises:
        Refused: `no_such_version`, or `nothing_presented`.
    """
    versions = state.drafts.get(kind, ())
    if not versions:
        raise Refused("nothing_presented", kind=kind)
    if number is None:
        return versions[-1].number
    if number not in {version.number for version in versions}:
        raise Refused("no_such_version", kind=kind, number=number, latest=versions[-1].number)
    return number


def _presented(drafts: Drafts, e: DraftPresented, meta: Meta) -> Drafts:
    new = Version(
        e.number, e.document, e.presented_by, e.reissues, meta.happened, meta.provenance.kind, meta.version, e.term
    )
    return with_entry(drafts, e.kind, (*drafts.get(e.kind, ()), new))


decider = StepDecider(
    slice_name="drafts",
    empty={},
    decides={PresentDraft: present},
    evolves={DraftPresented: _presented},
)
