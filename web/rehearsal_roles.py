"""Whom a visitor of a rehearsal may be, and what to try as whom.

A visitor of a rehearsal's pages may be any of them without a password, so everything here first asks whether the
installation is one. The key file of the process says so, and the first event of the ledger does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from fastapi import Request

from application.rehearsal_roles import Part, RehearsalRole, RehearsalRoles, read_roles
from domain.installation import STREAM, is_rehearsal
from domain.msgids import N_
from ledger.mapping import to_envelope
from web import urls
from web.services import Services, get_services


class Try(NamedTuple):
    """Something to try: what it is called, and the page on which it is done."""

    text: str
    url: str


PARTS: Mapping[Part, str] = {
    "secretary": N_("City secretary"),
    "head": N_("Cluster head"),
    "officer": N_("Ward officer"),
    "minutes-keeper": N_("Minutes keeper"),
    "auditor": N_("Auditor"),
}

ABOUT: Mapping[Part, str] = {
    "secretary": N_("Watches over all clusters: grants more time, accepts reports, reminds who is late."),
    "head": N_("Leads a cluster that is signing its covenant; some wards have signed, others have not."),
    "officer": N_("Works for a ward whose mid-year report is late."),
    "minutes-keeper": N_("Is of the deputy unit and writes the minutes; the mid-year meeting is still missing."),
    "auditor": N_("Changes nothing: reads every day again, and checks whether an entry was changed after it was made."),
}

_TRIES: Mapping[Part, Callable[[RehearsalRole], tuple[Try, ...]]] = {
    "secretary": lambda role: (
        Try(N_("Answer the wards that ask for more time"), urls.TASKS),
        Try(N_("Accept a mid-year report"), urls.act_url(role.cycle, "accept-report")),
        Try(N_("Remind the wards that are late"), urls.late_units_url()),
    ),
    "head": lambda role: (
        Try(N_("Sign the covenant (asks for the password)"), urls.act_url(role.cycle, "sign", unit=role.unit)),
        Try(N_("Read the covenant in its versions, with the comments"), urls.draft_url(role.cycle, "covenant")),
        Try(N_("Remind the wards that have not signed"), urls.act_url(role.cycle, "remind-units", duty="signature")),
    ),
    "officer": lambda role: (
        Try(N_("Send the mid-year report"), urls.act_url(role.cycle, "report-midyear", unit=role.unit)),
        Try(N_("Ask for more time"), urls.extension_url(role.cycle, "midyear-report", role.unit)),
        Try(N_("Register targets for the year"), urls.act_url(role.cycle, "register-targets", unit=role.unit)),
    ),
    "minutes-keeper": lambda role: (
        Try(N_("Write the minutes of the mid-year meeting"), urls.meetings_url(role.cycle, kind="mid-year")),
        Try(N_("Read the minutes of the launching meeting"), urls.recorded_minutes_url(role.cycle, "trien-khai")),
        Try(N_("Send a report back for correction"), urls.act_url(role.cycle, "send-back")),
    ),
    "auditor": lambda role: (
        Try(N_("Verify the whole register"), urls.VERIFICATION),
        Try(N_("Look through the deviations from the rules"), urls.DEVIATIONS),
        Try(N_("See a cluster as it stood on a day"), urls.moment_url(role.cycle, day="13/03/2026")),
    ),
}


def tries(role: RehearsalRole) -> tuple[Try, ...]:
    """Three things to try in a role."""
    return _TRIES[role.part](role)


def shown_roles(services: Services) -> RehearsalRoles | None:
    """The roles that pages may speak of; None outside rehearsals, and in those that offer none."""
    file = services.settings.roles_file
    return read_roles(file) if services.application.rehearsal and file is not None else None


async def offered_roles(request: Request) -> RehearsalRoles | None:
    """The roles that a visitor may take; None where the installation is no rehearsal, or offers none."""
    services = get_services(request)
    roles = shown_roles(services)
    return roles if roles is not None and await is_rehearsed(services) else None


async def is_rehearsed(services: Services) -> bool:
    """Whether the key file says that the installation is a rehearsal, and the ledger itself was founded for one."""
    if not services.application.rehearsal:
        return False
    first = await services.application.ledger.row(STREAM, 1)
    return first is not None and is_rehearsal(to_envelope(first).event)
