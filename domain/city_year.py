"""The decider of a city's year: the organiser issues the year plan, arranges clusters and orders cycles to be opened.

The cycles are opened by commands of their own streams. A cycle that was ordered and is not open is found by comparing
the streams, so a failed opening can be repeated.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Annotated, Any

from pydantic import Field, model_validator

from domain import limits
from domain.commands import AuthenticatedCommand
from domain.decider import compose
from domain.msgids import N_, NC_
from domain.parties import SECRETARIAT
from domain.problems import repeated
from domain.records import AlreadyRecorded, Command, Event, EventEnvelope, Meta, Refused, StepDecider
from domain.rules import Adoption, Edition
from domain.strengths import Strength, require_strength
from domain.times import When
from domain.types import (
    Digest,
    Document,
    EditionDigest,
    FrozenModel,
    IsKey,
    Label,
    Person,
    Provenance,
    Slug,
    UnitId,
)
from domain.units import Units, Unnamed, check_units


class ClusterPlan(FrozenModel):
    """A cluster of the year, as arranged."""

    id: Slug
    name: Label
    units: Units = ()
    unnamed: Unnamed | None = None
    overseer: Person | None = None

    @model_validator(mode="after")
    def _units_are_valid(self) -> ClusterPlan:
        check_units(self.units, self.unnamed)
        return self


class IssueYearPlan(
    Command,
    name="issue-year-plan",
    label=NC_("act", "issue year plan"),
    summary=N_("The organiser's plan for the year, and the rules edition that goes with it."),
    allowed=SECRETARIAT,
    about=None,
    closed_by=None,
    binding=False,
    after_filing=False,
    in_minutes=False,
    names_any_unit=False,
):
    organiser: UnitId
    organiser_name: Label
    year: Annotated[int, Field(ge=1945, le=2200)]
    plan: Document
    edition: Digest


class ArrangeClusters(
    Command,
    name="arrange-clusters",
    label=NC_("act", "arrange clusters"),
    summary=N_("Which units form which cluster, and who oversees it."),
    allowed=SECRETARIAT,
    about=None,
    closed_by=None,
    binding=False,
    after_filing=False,
    in_minutes=False,
    names_any_unit=False,
):
    clusters: Annotated[tuple[ClusterPlan, ...], Field(min_length=1, max_length=limits.CLUSTERS_PER_YEAR)]


class OrderOpening(
    Command,
    name="order-opening",
    label=NC_("act", "order opening"),
    summary=N_("Open the cycle of each named cluster."),
    allowed=SECRETARIAT,
    about=None,
    closed_by=None,
    binding=False,
    after_filing=False,
    in_minutes=False,
    names_any_unit=False,
):
    clusters: Annotated[tuple[Slug, ...], Field(min_length=1, max_length=limits.CLUSTERS_PER_YEAR)]


class YearPlanIssued(
    Event,
    name="YearPlanIssued",
    schema=1,
    sentence=N_("The plan of the year {year} is issued: {plan}."),
    correctable=False,
    in_summary=None,
):
    organiser: UnitId
    organiser_name: Label
    year: int
    plan: Document
    edition: EditionDigest


class ClustersArranged(
    Event,
    name="ClustersArranged",
    schema=1,
    sentence=N_("The clusters of the year: {clusters}."),
    correctable=False,
    in_summary=None,
):
    clusters: tuple[ClusterPlan, ...]


class OpeningOrdered(
    Event,
    name="OpeningOrdered",
    schema=1,
    sentence=N_("The cycles of the clusters are to be opened."),
    correctable=False,
    in_summary=None,
):
    clusters: tuple[Annotated[Slug, IsKey("cluster")], ...]


@dataclass(frozen=True, slots=True)
class YearPlan:
    """The plan in force, the clusters by id, and the clusters whose opening was ordered.

    Each `…_version` is the version of the event that set the field before it.
    """

    organiser: str = ""
    organiser_name: str = ""
    year: int = 0
    plan: Document | None = None
    plan_version: int = 0
    edition: str | None = None
    clusters: Mapping[str, ClusterPlan] = field(default_factory=dict)
    arranged_version: int = 0
    ordered: tuple[str, ...] = ()
    ordered_version: int = 0


@dataclass(frozen=True, slots=True)
class CityState:
    """The state of the organiser's year."""

    year: YearPlan = field(default_factory=YearPlan)


def issue(cmd: IssueYearPlan, meta: Meta, state: CityState, rules: Edition) -> Iterator[YearPlanIssued]:
    if state.year.plan == cmd.plan and state.year.edition == cmd.edition:
        raise AlreadyRecorded(state.year.plan_version)
    yield YearPlanIssued(**dict(cmd))


def arrange(cmd: ArrangeClusters, meta: Meta, state: CityState, rules: Edition) -> Iterator[ClustersArranged]:
    if state.year.plan is None:
        raise Refused("no_year_plan")
    ids = [cluster.id for cluster in cmd.clusters]
    if doubled := repeated(ids):
        raise Refused("cluster_twice", cluster=doubled[0])
    unchanged = [cluster for cluster in state.year.clusters.values() if cluster.id not in ids]
    placed_units = {unit.id for cluster in unchanged for unit in cluster.units}
    for cluster in cmd.clusters:
        for unit in cluster.units:
            if unit.id in placed_units:
                raise Refused("unit_in_two_clusters", unit=unit.id)
            placed_units.add(unit.id)
    if all(state.year.clusters.get(cluster.id) == cluster for cluster in cmd.clusters):
        raise AlreadyRecorded(state.year.arranged_version)
    yield ClustersArranged(clusters=cmd.clusters)


def order(cmd: OrderOpening, meta: Meta, state: CityState, rules: Edition) -> Iterator[OpeningOrdered]:
    if unknown := [cluster for cluster in cmd.clusters if cluster not in state.year.clusters]:
        raise Refused("no_such_cluster", cluster=unknown[0])
    if set(cmd.clusters) <= set(state.year.ordered):
        raise AlreadyRecorded(state.year.ordered_version)
    yield OpeningOrdered(clusters=cmd.clusters)


def _issued(y: YearPlan, e: YearPlanIssued, m: Meta) -> YearPlan:
    return replace(
        y,
        organiser=e.organiser,
        organiser_name=e.organiser_name,
        year=e.year,
        plan=e.plan,
        edition=e.edition,
        plan_version=m.version,
    )


def _arranged(y: YearPlan, e: ClustersArranged, m: Meta) -> YearPlan:
    clusters = {**y.clusters, **{cluster.id: cluster for cluster in e.clusters}}
    return replace(y, clusters=clusters, arranged_version=m.version)


def _ordered(y: YearPlan, e: OpeningOrdered, m: Meta) -> YearPlan:
    return replace(y, ordered=tuple(dict.fromkeys((*y.ordered, *e.clusters))), ordered_version=m.version)


decider: StepDecider[YearPlan, CityState, Edition] = StepDecider(
    slice_name="year",
    decides={IssueYearPlan: issue, ArrangeClusters: arrange, OrderOpening: order},
    evolves={YearPlanIssued: _issued, ClustersArranged: _arranged, OpeningOrdered: _ordered},
)
_COMPOSITION = compose((decider,))


class CityYearDecider:
    """The decider of the organiser's year (see `domain.decider.Decider`)."""

    def empty(self) -> CityState:
        return CityState()

    def decide(
        self,
        authenticated: AuthenticatedCommand,
        state: CityState,
        rules: Edition,
        version: int,
        history: tuple[EventEnvelope[Event], ...] = (),
    ) -> tuple[EventEnvelope[Event], ...]:
        """See `domain.decider.Decider`."""
        decides = _COMPOSITION.decides.get(type(authenticated.command))
        if decides is None or authenticated.unit != authenticated.stream.split("/")[0]:
            raise Refused("not_yours", act=authenticated.command.NAME)
        require_strength(authenticated.strength, for_organiser=True, binding=authenticated.command.BINDING)
        is_rehearsed = authenticated.strength is Strength.REHEARSAL
        provenance = authenticated.provenance or Provenance(kind="rehearsed" if is_rehearsed else "stated")
        meta = authenticated.meta(version + 1, authenticated.happened or When.at(authenticated.issued), provenance)
        events = decides(authenticated.command, meta, state, rules)
        return tuple(EventEnvelope(e, meta._replace(version=version + n)) for n, e in enumerate(events, start=1))

    def evolve(self, state: CityState, envelope: EventEnvelope[Event]) -> CityState:
        """Return the state after an event."""
        changes: dict[str, Any] = {
            name: change(getattr(state, name), envelope.event, envelope.meta)
            for name, change in _COMPOSITION.evolves[type(envelope.event)]
        }
        return replace(state, **changes)

    def fold(self, history: Iterable[EventEnvelope[Event]], onto: CityState | None = None) -> CityState:
        """See `domain.decider.Decider`."""
        state = CityState() if onto is None else onto
        for envelope in history:
            state = self.evolve(state, envelope)
        return state

    def adoptions(self, state: CityState) -> tuple[Adoption, ...]:
        return () if state.year.edition is None else (Adoption(state.year.edition),)

    def now(self, state: CityState, real_now: datetime) -> datetime:
        return real_now

    def next_due(self, state: CityState, rules: Edition) -> datetime | None:
        return None

    def due(self, state: CityState, rules: Edition, now: datetime) -> tuple[datetime, tuple[Command, ...]] | None:
        return None


CITY_YEAR = CityYearDecider()
