"""The number of the law: of the decisions that this version of the program makes.

Every event carries the number under which it was decided, and along the ledger it never falls. It is raised when a
change makes `decide` answer an old command otherwise: `tests/test_golden.py` notices such a change.

Which law is in force says the installation's stream. The start after an upgrade (`application/bootstrap.py`) appends
`LawPutInForce`, signed with the key of the command line; the event carries the new number itself, and all events after
it do. So nobody can let an event that was slipped in seem to be decided by an older law, or by one of the future.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from domain.msgids import N_, NC_
from domain.parties import SECRETARIAT
from domain.records import Command, Event

LAW = 1
"""The law that this version of the program carries."""

FIRST_LAW = 1
"""The law in force in a ledger before an event names one."""

Law = Annotated[int, Field(ge=FIRST_LAW)]


class PutLawInForce(
    Command,
    name="put-law-in-force",
    label=NC_("act", "put law in force"),
    summary=N_("Put in force how this version of the program decides."),
    allowed=SECRETARIAT,
    about=None,
    closed_by=None,
    binding=False,
    after_filing=False,
    in_minutes=False,
    names_any_unit=False,
):
    """Only the upgrade issues it: no entry point signs it for a person, and no workflow decides it."""

    law: Law


class LawPutInForce(
    Event,
    name="LawPutInForce",
    schema=1,
    sentence=N_("From here on, acts are decided by law {law} of the program."),
    correctable=False,
    in_summary=None,
):
    law: Law
