"""What the law says of a vote while its tally is typed: whether it adds up, and what it carries."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any, get_args
from uuid import UUID

from pydantic import ValidationError

from application.form_values import as_fields
from application.kept import KeptValues
from application.visits import VisitedCycle
from domain.numbers import read_number
from domain.records import AlreadyRecorded, Meta, Refused
from domain.rules import VoteMethod, VoteRule
from domain.steps.voting import Ballot, BallotOutcome, BallotRecorded, RecordBallot, outcomes, record_ballot
from domain.times import When
from domain.types import Provenance
from errors import CodedError
from i18n import _, language
from i18n.messages import number, sentence, word


@dataclass(frozen=True, slots=True)
class VoteTold:
    """A vote as it stands: its rule, whether its papers add up, and the outcome of each choice by its row.

    `fits` is None while the tally is not complete.
    """

    rule: str = ""
    sums: str = ""
    fits: bool | None = None
    rows: tuple[tuple[str, bool | None], ...] = ()


_TOLD = KeptValues[Any, VoteTold](1_000)
"""What was told of votes, which stays until one is changed, or something is recorded in the cycle."""


def vote_told(cycle: VisitedCycle, values: Mapping[str, Any], when: When) -> VoteTold:
    """What the law says of a vote of a cycle, by what was typed of it: asked once for each tally."""
    typed = json.dumps(values, sort_keys=True, default=str)
    last = cycle.history[-1][0].digest
    key = (last, cycle.visitor.unit, language(), when.earliest, when.latest, typed)
    return _TOLD.of(key, lambda: _told_by_law(cycle, values, when))


def _told_by_law(cycle: VisitedCycle, values: Mapping[str, Any], when: When) -> VoteTold:
    rule = cycle.rules.vote(str(values.get("subject", "")))
    told = "" if rule is None else _rule(rule)
    fields = _with_numbers(as_fields(RecordBallot, values))
    command, whole = _command(fields), True
    if command is None:
        command, whole = _command(_tally_alone(fields)), False
    if command is None or command.cast == "unknown" or not command.choices:
        return VoteTold(told)
    version = len(cycle.history) + 1
    meta = Meta(version, cycle.visitor.contact.id, cycle.visitor.unit, when, Provenance(kind="stated"), UUID(int=0))
    try:
        (tally,) = record_ballot(command, meta, cycle.state, cycle.rules)
    except AlreadyRecorded:
        return VoteTold(told)
    except Refused as refusal:
        return VoteTold(told, sentence(refusal.code, refusal.facts, cycle.names), fits=False)
    if not whole:
        return VoteTold(told, _sums(tally), fits=True)
    found = outcomes(Ballot(tally, when, "stated", version), cycle.rules)
    return VoteTold(told, _sums(tally), fits=True, rows=tuple((outcome_told(one), one.carried) for one in found))


def _command(fields: Mapping[str, Any]) -> RecordBallot | None:
    try:
        return RecordBallot.model_validate(fields)
    except (ValidationError, CodedError):
        return None


_TALLY = ("handed_out", "cast", "blank", "spoiled", "names", "entitled", "present", "polled")


def _tally_alone(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The papers of a vote without what they are about, which may not be chosen yet."""
    typed = [one for one in fields.get("choices") or () if isinstance(one, Mapping)]
    choices = [{"words": str(n), "votes": one.get("votes")} for n, one in enumerate(typed) if "votes" in one]
    tally = {name: fields[name] for name in _TALLY if name in fields}
    return {
        **tally,
        "id": fields.get("id") or "vote",
        "subject": "vote",
        "method": get_args(VoteMethod)[0],
        "choices": choices,
    }


_NUMBERS = ("handed_out", "cast", "blank", "spoiled", "names", "entitled", "present", "polled", "round")


def _with_numbers(fields: dict[str, Any]) -> dict[str, Any]:
    """The fields with whole numbers read as people type them; those that are none stay, and are invalid."""
    found = {name: _whole(value) if name in _NUMBERS else value for name, value in fields.items()}
    if isinstance(found.get("choices"), list):
        found["choices"] = [
            {name: _whole(value) if name == "votes" else value for name, value in one.items()}
            for one in found["choices"]
            if isinstance(one, Mapping)
        ]
    return found


def _whole(value: Any) -> Any:
    try:
        return read_number(value, whole=True) if isinstance(value, str) else value
    except ValueError:
        return value


def _rule(rule: VoteRule) -> str:
    """The majority that a rule asks for, with its article."""
    threshold = Fraction(rule.threshold)
    share = _percent(Decimal(threshold.numerator) / threshold.denominator)
    text = _("needs more than {share} {base} ({article})") if rule.strict else _("needs {share} {base} ({article})")
    return text.format(share=share, base=word("vote_base", rule.base), article=rule.article)


def _sums(tally: BallotRecorded) -> str:
    """How the papers add up, as the law has found."""
    votes = [one.votes for one in tally.choices if one.votes != "unknown"]
    parts = [*votes, *(one for one in (tally.blank, tally.spoiled) if one)]
    if tally.names != 1 or sum(parts) != tally.cast:
        return _("✓ the papers fit")
    return _("✓ adds up: {sum}").format(sum=f"{' + '.join(map(str, parts))} = {tally.cast}")


def outcome_told(one: BallotOutcome) -> str:
    """The share of a choice and whether it is carried; "" where nothing is known."""
    if not one.base or one.choice.votes == "unknown":
        return ""
    share = _percent(Decimal(one.choice.votes) / one.base)
    if one.carried is None:
        return share
    return f"{share} · {_('carried') if one.carried else _('not carried')}"


def _percent(share: Decimal) -> str:
    return _("{number} %").format(number=number((share * 100).quantize(Decimal("0.1")).normalize()))


def conflict_of_interest(unit: str, chairs: Collection[str], cycle: VisitedCycle, subject: str) -> str:
    """What is told beside a candidate that chairs the meeting; "" where it does not."""
    if unit not in chairs or unit not in cycle.names:
        return ""
    if any(award.id == subject for award in cycle.rules.awards):
        return _("the unit that chairs the meeting is nominated at it")
    return _("the unit that chairs the meeting stands for it")
