"""Files in the form of an act: each is sent once, shown by its name, and can be taken out again.

The value of a field holds references to files behind its text. On the page they stand beside the text, as a list of
names and one hidden input; what is posted is put together again here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from starlette.datastructures import FormData, UploadFile

from application.visits import VisitedCycle
from domain.file_references import REFERENCE, references_in
from errors import InputError, QuotaError
from web import quotas
from web.services import Services

CHOSEN = "_file."
"""Before the path of the field that a file is chosen for."""

KEPT = "_files."
"""Before the path of the field whose files were sent before."""

REMOVE = "_remove"
"""The button that takes a file out: its value is the path of the field, a blank, and the reference."""

FILE_STEP = "file"
"""The step of a script that sends a file as soon as it is chosen: its answer is the field's list of files."""


def put_together(body: dict[str, str]) -> None:
    """Put the references that were kept beside the fields behind their texts, without the one that is taken out."""
    removed_path, _blank, removed = body.pop(REMOVE, "").partition(" ")
    for name in [name for name in body if name.startswith(KEPT)]:
        path, kept = name.removeprefix(KEPT), references_in(body.pop(name))
        _add(body, path, [one for one in kept if (path, one) != (removed_path, removed)])
    if removed and removed in body.get(removed_path, ""):  # typed, or pasted, as a text
        body[removed_path] = REFERENCE.sub(
            lambda found: "" if found.group() == removed else found.group(), body[removed_path]
        ).strip()


def _add(body: dict[str, str], path: str, references: list[str]) -> None:
    text = body.get(path, "").strip()
    known = references_in(text)
    between = "\n" if path.endswith(".evidence") else " "
    body[path] = between.join(part for part in (text, *(one for one in references if one not in known)) if part)


def _one_act(_path: str) -> str:
    return ""


async def store_files(
    services: Services,
    cycle: VisitedCycle,
    form: FormData,
    body: dict[str, str],
    *,
    act_of: Callable[[str], str] = _one_act,
) -> InputError | None:
    """Store the files that came with a form, and name each in the field of `body` that it was chosen for.

    `act_of` tells by a field's path which act it belongs to, where a form fills in several.

    Returns what is wrong with a file, or with their number; its path is that of the field.
    """
    visitor = cycle.visitor
    uploads = [
        (name.removeprefix(CHOSEN), upload)
        for name, upload in form.multi_items()
        if isinstance(upload, UploadFile) and upload.filename and name.startswith(CHOSEN)
    ]
    counts = Counter(act_of(path) for path, _upload in uploads)
    for path, _upload in uploads:
        act = act_of(path)
        kept = sum(len(references_in(value)) for name, value in body.items() if act_of(name) == act)
        if counts[act] + kept > quotas.FILES_PER_ACT:
            return QuotaError("too_many_files", path, found=counts[act] + kept, most=quotas.FILES_PER_ACT)
    for path, upload in uploads:
        try:
            stored = await services.files.put(
                upload.filename or "", await upload.read(), unit=visitor.unit, person=visitor.contact.id
            )
        except InputError as error:
            error.path = path
            return error
        _add(body, path, [stored.reference])
    return None


def chosen_for(form: FormData) -> str:
    """The path of the field that a file was sent for; "" where none came."""
    return next((name.removeprefix(CHOSEN) for name, one in form.multi_items() if isinstance(one, UploadFile)), "")
