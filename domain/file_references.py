"""References to files: `tep/<digest>/<name>`, what evidence and titles of documents hold, and how texts show them.

The name is as the file was called, in percent-encoding where it holds other signs than letters, digits, "_", "." and
"-", so that a reference is one word and fits in an address.
"""

from __future__ import annotations

import re
from urllib.parse import unquote

REFERENCE = re.compile(r"tep/([0-9a-f]{64})/([\w.%-]+)")
NAME_CHARS = 200
"""The most characters of a name in a reference, so that it fits in a field with some words beside it."""

_OTHER = re.compile(r"[^\w.-]")


def reference_of(digest: str, name: str) -> str:
    """Return the reference to a file."""
    return f"tep/{digest}/{encoded_name(name)}"


def encoded_name(name: str) -> str:
    """Return a name as references hold it."""
    return _OTHER.sub(lambda found: "".join(f"%{byte:02X}" for byte in found.group().encode()), name)


def file_name(reference: re.Match[str]) -> str:
    """Return the name of the file that a reference names, on one line and without invisible signs.

    A reference can be typed, with any characters behind its percent signs.
    """
    return "".join(one for one in unquote(reference[2], errors="replace") if one.isprintable())


def references_in(text: str) -> list[str]:
    """Return the references in a text, each once, in order."""
    return list(dict.fromkeys(found.group() for found in REFERENCE.finditer(text)))


def with_file_names(text: str) -> str:
    """Return a text with the names of files in place of references to them."""
    return REFERENCE.sub(file_name, text) if "tep/" in text else text


def without_references(text: str) -> str:
    """Return a text without references to files, and without the lines that hold nothing else."""
    if "tep/" not in text:
        return text
    lines = [(line, REFERENCE.sub("", line).strip()) for line in text.split("\n")]
    return "\n".join(rest for line, rest in lines if rest or not line.strip())
