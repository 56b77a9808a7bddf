"""What a form offers in place of an id that people would have to know: awards, letters, deviations, by their titles."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from application.visits import VisitedCycle
from domain.records import Command
from domain.scoring.scores import ScoreRound
from domain.steps.voting import RecordBallot
from domain.titles import title_key
from i18n.messages import day, word
from i18n.state_text import deviation_text
from i18n.words import WORDS

Choices = tuple[tuple[str, str], ...]
"""What is sent, and what is shown for it."""


def titled_choices(cycle: VisitedCycle, act: type[Command]) -> Mapping[str, Choices]:
    """The choices of an act's fields by the fields' names. A field is not among them where nothing can be chosen."""
    state, rules = cycle.readable_state(), cycle.rules
    awards = tuple((one.id, one.title) for one in rules.awards)
    found: dict[str, Choices] = {
        "award": awards,
        "key": tuple(
            (one.key, deviation_text(one, cycle.names))
            for one in cycle.readable.deviations
            if not one.settled and not one.acknowledged
        ),
        "letter": tuple(
            (id_, _letter(cycle.names.get(title_key("letter", id_), ""), one.event.kind, day(one.when)))
            for id_, one in state.letters.letters.items()
        ),
    }
    if act is RecordBallot:
        roles: Iterable[str] = WORDS["vote_subject"].words
        found["subject"] = (*((one, word("vote_subject", one)) for one in roles), *awards)
    if act is ScoreRound:
        found["round"] = tuple((one.id, one.title) for one in rules.rounds)
    return {name: choices for name, choices in found.items() if choices}


def _letter(title: str, kind: str, when: str) -> str:
    return f"{title or word('letter', kind)}, {when}"
