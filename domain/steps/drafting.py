"""Drafts: versions of the cluster's papers (plan, operating regulations, covenant, criteria).

A version is a document; its text is stored beside the ledger by digest, and can be unknown. A version that is presented
after the signing is a re-issue, linked to the version that was signed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from domain import limits
from domain.msgids import N_, NC_
from domain.parties import MINUTES_KEEPERS, Readers, Section
from domain.records import AlreadyRecorded, Command, Event, Meta, Refused, StepDecider
from domain.rules import DraftKind, Edition
from domain.times import When
from domain.types import Document, Label, UnitId, with_entry
from domain.units import UnitsContext, require_member


class DraftingContext(UnitsContext, Protocol):
    """What drafting reads of the cycle."""

    @property
    def drafts(self) -> Drafts: ...

    @property
    def organiser(self) -> str:
        """The id of the organiser; "" before the cycle is opened."""

    def signed_version(self, kind: DraftKind, by: When) -> int | None:
        """Return the version of a draft that had been signed by then; None when none had."""

    def covenant_is_signed(self, by: When) -> bool:
        """Return whether the covenant of the year had been signed by then."""


# Commands --------------------------------------------------------------------------------


class PresentDraft(
    Command,
    name="present-draft",
    label=NC_("act", "present draft"),
    summary=N_("Present a new version of a paper to the cluster."),
    allowed=MINUTES_KEEPERS,
    about=None,
    closed_by=None,
    binding=False,
    after_filing=False,
    in_minutes=True,
    names_any_unit=False,
    reads=lambda command: (f"draft/{command.kind}",),
):
    """Any member or the organiser can present it.

    `term` is how long the paper is in force, in words, when that is not the year: 2017-2022.
    """

    kind: DraftKind
    document: Document
    presented_by: UnitId | None = None
    term: Label | None = None


# Events ----------------------------------------------------------------------------------


class DraftPresented(
    Event,
    name="DraftPresented",
    schema=1,
    sentence=N_("The {kind} is presented, version {number}: {document}."),
    readers=Readers.ALL_MEMBERS,
    correctable=True,
    in_summary=Section.DRAFTS,
    subjects=lambda event: ("draft", f"draft/{event.kind}"),
):
    kind: DraftKind
    number: int
    document: Document
    presented_by: UnitId | None
    reissues: int | None
    """The number of the version that this one replaces; None when it is no re-issue."""
    term: Label | None = None


# State -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class DraftVersion:
    """One version of a paper; `version` is the stream version of its event."""

    number: int
    document: Document
    presented_by: str | None
    reissues: int | None
    when: When
    sureness: str
    version: int
    term: str | None = None


Drafts = Mapping[DraftKind, tuple[DraftVersion, ...]]


# Decisions -------------------------------------------------------------------------------


def present(command: PresentDraft, meta: Meta, state: DraftingContext, rules: Edition) -> Iterator[DraftPresented]:
    if command.presented_by is not None and command.presented_by != state.organiser:
        require_member(command.presented_by, meta, state)
    versions = state.drafts.get(command.kind, ())
    if versions and versions[-1].document == command.document:
        raise AlreadyRecorded(versions[-1].version)
    if len(versions) >= limits.VERSIONS_PER_DRAFT:
        raise Refused("too_many_versions", kind=command.kind, most=limits.VERSIONS_PER_DRAFT)
    # By the days of the facts: the paper of a presentation can be entered after that of the signing.
    signed = state.signed_version(command.kind, meta.happened)
    after_signing = command.kind != "term-covenant" and state.covenant_is_signed(meta.happened) and versions
    yield DraftPresented(
        kind=command.kind,
        number=len(versions) + 1,
        document=command.document,
        presented_by=command.presented_by,
        reissues=signed if signed is not None else (versions[-1].number if after_signing else None),
        term=command.term,
    )


# Evolution -------------------------------------------------------------------------------


def _presented(drafts: Drafts, event: DraftPresented, meta: Meta) -> Drafts:
    new = DraftVersion(
        event.number,
        event.document,
        event.presented_by,
        event.reissues,
        meta.happened,
        meta.provenance.kind,
        meta.version,
        event.term,
    )
    return with_entry(drafts, event.kind, (*drafts.get(event.kind, ()), new))


decider: StepDecider[Drafts, DraftingContext, Edition] = StepDecider(
    title=N_("Drafts"),
    slice_name="drafts",
    decides={PresentDraft: present},
    evolves={DraftPresented: _presented},
)
