"""Answers of the secretariat from the first page: which lines of a form are answered how, and what became of each.

A line of the form carries its cycle, the version that the page showed, and whom it is about. The command's id follows
from the id of the page, so that sending the form again enters nothing twice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from fastapi import Request
from starlette.datastructures import FormData

from application.application import CommandInput
from application.gate import account_may_write
from application.many_acts import submit_lines
from application.visits import ForbiddenError, Visitor
from application.waiting_answers import deviation_in_words
from domain.duties import Duty
from domain.numbers import whole_number
from errors import CodedError, InputError, Kind
from i18n import _
from i18n.messages import day, sentence, word
from projections.board import title_of
from web.cookies import cookie_secret
from web.services import Services, get_services

MOST_LINES = 200
"""Lines that one form answers: four pages of a list."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the form as it was sent: `about` is a unit or a deviation's key."""

    stream: str
    version: int | None
    about: str

    @classmethod
    def parse(cls, text: str) -> Line:
        """A line as `value` wrote it.

        Raises:
            InputError: `form_unreadable`.
        """
        stream, _bar, rest = text.partition("|")
        version, bar, about = rest.partition("|")
        if not bar:
            raise InputError("form_unreadable")
        return cls(stream, whole_number(version), about)

    @property
    def key(self) -> str:
        """The line whatever the version of its cycle."""
        return line_key(self.stream, self.about)


def line_key(stream: str, about: str) -> str:
    """A line whatever the version of its cycle: what was ticked stays ticked when the cycle has moved on."""
    return f"{stream}||{about}"


def line_value(stream: str, version: int | None, about: str) -> str:
    """The value of an input that stands for a line."""
    return f"{stream}|{version}|{about}"


@dataclass(frozen=True, slots=True)
class Answered:
    """What became of a command: what it is, in words, and why it was not entered; "" where it was.

    `values` are those of the inputs that it answers.
    """

    values: tuple[str, ...]
    title: str
    text: str
    wrong: str = ""
    again: bool = False
    """It could not be sent, or has no answer yet: it can be sent again."""


_AGAIN = frozenset({Kind.PENDING, Kind.AWAY})


def _failed(one: Answered, error: CodedError, names: Mapping[str, str]) -> Answered:
    return replace(one, wrong=sentence(error.code, error.facts, names), again=error.kind in _AGAIN)


@dataclass(frozen=True, slots=True)
class FormOutcome:
    """What became of all lines of a form."""

    lines: tuple[Answered, ...]
    status: int

    @classmethod
    def of(cls, told: Sequence[tuple[Answered, CodedError | None, Mapping[str, str]]]) -> FormOutcome:
        """The outcome of commands, each with its error and the names that the error's sentence may need."""
        errors = [error for _one, error, _names in told if error is not None]
        lines = tuple(
            one
            if error is None
            else replace(one, wrong=sentence(error.code, error.facts, names), again=error.kind in _AGAIN)
            for one, error, names in told
        )
        return cls(lines, errors[0].http_status if len(errors) == len(lines) and errors else 200)

    @property
    def entered(self) -> tuple[Answered, ...]:
        """The lines that stand in the register now."""
        return tuple(one for one in self.lines if not one.wrong)

    @property
    def failed(self) -> tuple[Answered, ...]:
        """The others."""
        return tuple(one for one in self.lines if one.wrong)

    @property
    def again(self) -> frozenset[str]:
        """The values of the inputs that can be sent again as they are."""
        return frozenset(value for one in self.lines if one.again for value in one.values)


@dataclass(frozen=True, slots=True)
class GivenAnswer:
    """An answer to some lines: the act, and the reason, where it has one."""

    act: str
    lines: tuple[Line, ...]
    reason: str = ""
    duty: str = ""
    until: str = ""
    """Of an answer to a request for more time: what it is for, and the day that is granted."""

    def inputs(self, of_page: str) -> list[CommandInput]:
        """The commands, one for each line."""
        return [
            CommandInput(
                one.stream,
                self.act,
                self._fields(one.about),
                command_id(of_page, self.act, one.stream, one.about, self.duty),
                based_on=one.version,
            )
            for one in self.lines
        ]

    def _fields(self, about: str) -> dict[str, Any]:
        more_time = {"unit": about, "duty": self.duty, "reason": self.reason}
        fields: Mapping[str, dict[str, Any]] = {
            "extend": {**more_time, "until": self.until},
            "refuse-extension": more_time,
            "acknowledge": {"key": about, "reason": self.reason},
            "accept-report": {"unit": about},
        }
        return fields[self.act]

    def told(self, about: str, names: Mapping[str, str]) -> str:
        """A line in words."""
        unit, duty = names.get(about, "…"), _duty(self.duty)
        texts = {
            "extend": _("{unit}: more time until {day} for “{duty}”"),
            "refuse-extension": _("{unit}: no more time for “{duty}”"),
            "acknowledge": _("A deviation from the rules"),
            "accept-report": _("{unit}: the mid-year report is accepted"),
        }
        return texts[self.act].format(unit=unit, duty=duty, day=_day(self.until))


def answer_in(form: FormData) -> GivenAnswer | None:
    """The answer that a button of the form gives; None for a button that answers nothing.

    Raises:
        InputError: nothing is chosen, too much is, or a reason is missing.
    """
    do = str(form.get("_do", ""))
    if do not in _ANSWERS:
        return None
    act, name = _ANSWERS[do]
    reason, duty, until = (str(form.get(field, "")).strip() for field in ("reason", "_duty", "_until"))
    lines = _lines(form, name)
    if do == "grant":
        reason = reason or _("As the unit asks.")
    elif do in _WITH_REASON and not reason:
        raise InputError("reason_missing")
    return GivenAnswer(act, lines, reason, duty, until)


_ANSWERS: Mapping[str, tuple[str, str]] = {
    "grant": ("extend", "_line"),
    "refuse": ("refuse-extension", "_line"),
    "accept": ("accept-report", "_report"),
    "acknowledge": ("acknowledge", "_deviation"),
}
"""By button, the act and the name of the inputs that hold its lines."""

_WITH_REASON = frozenset({"refuse", "acknowledge"})


def _lines(form: FormData, name: str) -> tuple[Line, ...]:
    found = tuple(dict.fromkeys(Line.parse(str(one)) for one in form.getlist(name)))
    if not found:
        raise InputError("no_line_chosen", name)
    if len(found) > MOST_LINES:
        raise InputError("too_many_lines", name, most=MOST_LINES)
    return found


def page_id(form: FormData) -> str:
    """The id of the page that held a form."""
    return str(form.get("_id", ""))


def answers_for_organiser(visitor: Visitor) -> bool:
    """Whether the visitor answers for the organiser: the secretariat, not every account manager."""
    return account_may_write(visitor.login.account.kind, for_organiser=True)


def command_id(of_page: str, *parts: str) -> UUID:
    """A command id from the id of the page that was shown, so that a second click does nothing twice."""
    return uuid5(NAMESPACE_URL, "/".join((of_page, *parts)))


async def give_answer(services: Services, visitor: Visitor, answer: GivenAnswer, of_page: str) -> FormOutcome:
    """Enter an answer, a command for each line of an own cycle, and say what became of each."""
    streams = list(dict.fromkeys(one.stream for one in answer.lines))
    lines = await services.board.lines_of(streams, visitor.unit)
    told = await _told(services, answer, lines)
    mine = [one.stream in lines for one in answer.lines]
    inputs = [command for command, is_mine in zip(answer.inputs(of_page), mine, strict=True) if is_mine]
    entered = iter(await submit_lines(services.application, visitor.submitter(), inputs))
    errors = [next(entered) if is_mine else ForbiddenError("not_yours_to_say") for is_mine in mine]
    return FormOutcome.of(
        [
            (Answered((one.key,), title, text), error, names)
            for one, (title, text, names), error in zip(answer.lines, told, errors, strict=True)
        ]
    )


async def _told(
    services: Services, answer: GivenAnswer, lines: Mapping[str, Mapping[str, Any]]
) -> list[tuple[str, str, Mapping[str, str]]]:
    """For each line its cluster, what is answered, and the names that a refusal may need: before it is answered."""
    keys = [one.about for one in answer.lines] if answer.act == "acknowledge" else []
    deviations = await services.home.deviations_of(list(lines), keys)
    found = []
    for one in answer.lines:
        line = lines.get(one.stream)
        names: Mapping[str, str] = line["names"] if line is not None else {}
        title = f"{title_of(line)}, {line['year']}" if line is not None else ""
        deviation = deviations.get((one.stream, one.about))
        text = deviation_in_words(deviation, names) if deviation is not None else answer.told(one.about, names)
        found.append((title, text, names))
    return found


def _duty(value: str) -> str:
    return word("duty", value) if value in {duty.value for duty in Duty} else "…"


def _day(value: str) -> str:
    try:
        return day(value)
    except ValueError:
        return "…"


def chosen(form: FormData, outcome: FormOutcome | None) -> frozenset[str]:
    """The keys of the lines that stay ticked: those that can be sent again, or all where none was sent."""
    if outcome is not None:
        return outcome.again
    sent = (str(one) for name in ("_report", "_deviation") for one in form.getlist(name))
    return frozenset(Line.parse(one).key for one in sent if one.count("|") >= _BARS)


_BARS = 2


async def note_position(request: Request) -> None:
    """Wait until the board holds what was just entered, and let later pages wait, too."""
    services = get_services(request)
    position = await services.application.ledger.last_position()
    await services.accounts.moved_to(cookie_secret(request), position)
    await services.board.wait_until_reached(position)
