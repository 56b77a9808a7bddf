"""How much one person, one form and one address may send and keep: every number of the pages in one place.

None of them is met by people who do their work. They bound what one account, or one address, can take from all others:
memory, disk and time. What a quota refuses is not lost: the sentence says the number and what to do, and the form keeps
what was typed.
"""

from __future__ import annotations

REQUEST_BYTES = 12_000_000
"""Of a request."""

API_BYTES = 3_000_000
"""Of a request to the JSON interface: an act with a text of the greatest length, written in escapes."""

API_PARTS = 30_000
"""Values in a request to the JSON interface: each costs as much time as a line of text."""

FORM_FIELDS = 10_000
"""A score sheet of a large edition has thousands of fields."""

FIELD_BYTES = 2_000_000
"""Of one field as it travels: a text of 200,000 letters of three bytes each, three characters a byte."""

FORM_FILES = 50
FILES_PER_ACT = 20
"""Files that one form brings to an act."""

UPLOAD_BYTES_A_DAY = 300_000_000
"""Of all files that a person stores within 24 hours."""

DRAFTS = 200
DRAFT_CHARACTERS = 20_000_000
"""Of all drafts of a person together, minutes among them."""

SHARED_DRAFT_CHARACTERS = 4_000_000
"""Of all cells of a draft that several people fill in together."""

EDITION_DRAFTS = 50
EDITION_CHARACTERS = 400_000
"""Drafts of rules editions that an organiser keeps, and the text of each."""

MINUTES = 50
"""Minutes of meetings of a cycle that were begun and not entered."""

MINUTES_CELL_CHARACTERS = 400_000
"""Of one act in minutes: its longest text in the escapes of JSON."""

ACTS_IN_MINUTES = 300

REQUESTS_A_SECOND = 30
REQUESTS_AT_ONCE = 1_000
"""Requests of a person: so many at once, and afterwards so many a second."""

ADDRESS_REQUESTS_A_SECOND = 60
ADDRESS_REQUESTS_AT_ONCE = 2_000
"""The same for all who have not logged in and come from one network address, such as an office's."""

KEYS_REMEMBERED = 20_000
"""Persons and addresses whose requests are counted; the one that was quiet for longest is forgotten first."""
