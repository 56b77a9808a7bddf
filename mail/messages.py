"""Makes mail messages, and writes them as bytes. All messages of the program are made here.

Headers say that a program has written the message (RFC 3834), when it is sent, and by an id of the sender's domain
which message it is: a message that is sent again has the same id.
"""

from __future__ import annotations

import re
from datetime import datetime
from email.header import Header
from email.message import EmailMessage
from email.policy import EmailPolicy
from email.utils import format_datetime, formataddr, parseaddr
from typing import Any
from uuid import UUID

_LINE = 76
_BREAKS = re.compile(r"[\r\n]+")
_ENCODED_WORD = "=?"
"""How an encoded word begins."""


class _MailPolicy(EmailPolicy):
    """Folds subject and sender so that they are read again as they were written.

    Python's own folding loses a blank where an encoded word ends at one.
    """

    def fold(self, name: str, value: Any) -> str:
        return self._encoded(name, value) or str(super().fold(name, value))

    def fold_binary(self, name: str, value: Any) -> bytes:
        folded = self._encoded(name, value)
        return folded.encode("ascii") if folded else bytes(super().fold_binary(name, value))

    def _encoded(self, name: str, value: Any) -> str | None:
        """A header whose text needs encoded words; None for another."""
        text = str(value)
        if text.isascii():
            return None
        if name.lower() == "subject":
            return f"{name}: {_in_encoded_words(text, len(name) + 2)}{self.linesep}"
        if name.lower() == "from":
            person, address = parseaddr(text)
            words = _in_encoded_words(person, len(name) + 2)
            return f"{name}: {words} <{address}>{self.linesep}" if address.isascii() else None
        return None


def _in_encoded_words(text: str, before: int) -> str:
    words = Header(text, "utf-8", maxlinelen=_LINE, header_name="x" * (before - 2))
    return words.encode(linesep="\r\n")


POLICY = _MailPolicy(linesep="\r\n")


def compose(*, sender: str, to: str, subject: str, text: str, identity: UUID, at: datetime) -> EmailMessage:
    """Make a message. `identity` makes its id, `at` is when it is sent, `sender` an address, with or without a name.

    Raises:
        ValueError, IndexError, AttributeError: an address is not valid.
    """
    person, address = parseaddr(sender)
    message = EmailMessage(policy=POLICY)
    message["From"] = formataddr((person, address), charset="utf-8") if person.isascii() else f"{person} <{address}>"
    message["To"] = to
    message["Subject"] = _BREAKS.sub(" ", subject).replace(_ENCODED_WORD, "= ?")  # a text that would be decoded
    message["Date"] = format_datetime(at)
    message["Message-ID"] = message_id(identity, sender)
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(text)
    return message


def message_id(identity: UUID, sender: str) -> str:
    """The id of a message, in the sender's domain."""
    domain = parseaddr(sender)[1].rpartition("@")[2]
    return f"<{identity}@{domain or 'localhost'}>"


def raw(message: EmailMessage, *, eight_bits: bool = True, utf8: bool = False) -> bytes:
    """The message as it travels. `eight_bits`, `utf8`: letters beyond ASCII stand as they are in the body, anywhere."""
    return message.as_bytes(policy=POLICY.clone(cte_type="8bit" if eight_bits else "7bit", utf8=utf8))
