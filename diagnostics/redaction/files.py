"""The only way into a run folder: what may be written under which name, and the writing of it.

    write_record(path, record, secrets)   a record, or several, as JSON
    write(path, content, secrets)         a text
    write_drawn(path, content, secrets)   a report, drawn from records that are redacted already
    keep(path, content)                   a file of the cache, which stays on this machine

A record leaves as its field types say (`records`). A text leaves as its name says: `FILES` lists the names, and another
one is an `Unlisted`, which every test that writes such a file finds. Files are written atomically
and are on the disk when the function returns, so that a loss of power leaves the old file or the new one; `OSError` if
the disk refuses.
"""

from __future__ import annotations

import html
import json
import os
import re
import secrets as randomness
from collections.abc import Callable, Iterable
from contextlib import suppress
from fnmatch import fnmatch
from pathlib import Path
from typing import Any, Final

from diagnostics.model.codec import encode
from diagnostics.model.placeholders import KINDS
from diagnostics.redaction.matching import known_forms
from diagnostics.redaction.records import redacted
from diagnostics.redaction.secrets import Secrets
from diagnostics.redaction.text import redact

_PIN: Final = re.compile(r"[A-Za-z0-9._-]+==[A-Za-z0-9.!+_-]+(?: --hash=sha256:[0-9a-f]{64})*")
_CERTAIN: Final = ("key", "home", "cache", "here", "host")
_WITH_CODE: Final = "issue-*.md"
"""Texts with a generated program, which has to run as it is: its address is the loopback, its key is a dummy."""

_LONG_ENOUGH: Final = 8
"""Characters of a known name that is searched in a drawn page: a shorter one may be a word of the page's code."""


class Unlisted(ValueError):
    """A text file whose name is not in `FILES`."""


def _lock(text: str, secrets: Secrets) -> str:
    """The lines that are pins with hashes: no address, no comment."""
    del secrets
    return "".join(f"{line}\n" for line in text.splitlines() if _PIN.fullmatch(line))


def _paragraphs(text: str, secrets: Secrets) -> str:
    # Pieces small enough to be looked through; cut where nothing can be split: between paragraphs.
    pieces = re.split(r"(?<=\n)(?=\n)", text)
    return "".join(redact(piece, secrets) for piece in pieces)


FILES: Final[tuple[tuple[str, Callable[[str, Secrets], str]], ...]] = (
    ("environments/*.txt", _lock),
    ("*.csv", _paragraphs),
    ("*.md", _paragraphs),
    ("*.txt", _paragraphs),
)
"""The pattern of a file name, with its folder where that matters, and what is written. The first match wins."""


def cleaned(path: Path, content: str, secrets: Secrets) -> str:
    """The redacted text of a file of a run.

    Raises:
        Unlisted: no row of `FILES` fits its name.
    """
    for pattern, clean in FILES:
        if fnmatch(path.name if "/" not in pattern else f"{path.parent.name}/{path.name}", pattern):
            return clean(content, secrets)
    raise Unlisted(f"nothing says what may leave in a file called {path.name}: add it to redaction/files.py")


def drawn(path: Path, content: str, secrets: Secrets) -> str:
    """What is written to a report.

    Its texts come from a view that was cleaned as it was made. What a format brought itself is looked through too: all
    of it where the page is text, and where it holds code (a page's script, the program in an issue) for what is known
    by its letters and is too long to be a word of that.
    """
    if path.suffix in (".md", ".txt") and not fnmatch(path.name, _WITH_CODE):
        return _paragraphs(content, secrets)
    for form in known_forms(secrets, shortest=_LONG_ENOUGH):
        if form.kind in _CERTAIN and form.needs[0] in content.lower():
            mark = KINDS[form.kind]
            shown = html.escape(mark) if path.suffix in (".html", ".svg", ".xml") else mark
            content = shown.join(re.split(form.pattern, content))
    return content


def write(path: Path, content: str, secrets: Secrets, *, like: str | None = None) -> None:
    """Writes a text file of a run, redacted.

    Args:
        like: the name whose rules count, where the file's own is a person's choice.

    Raises:
        Unlisted: no row of `FILES` fits the name.
    """
    _whole(path, cleaned(Path(like) if like else path, content, secrets).encode("utf-8", "backslashreplace"))


def write_record(path: Path, record: Any, secrets: Secrets) -> None:
    """Writes a record, or a list of them, as indented JSON.

    Raises:
        TypeError: a field does not say how it may leave.
    """
    if isinstance(record, (list, tuple)):
        data: Any = [encode(redacted(each, secrets)) for each in record]
    else:
        data = encode(redacted(record, secrets))
    _whole(path, (json.dumps(data, indent=1, ensure_ascii=False) + "\n").encode("utf-8", "backslashreplace"))


def lines(records: Iterable[Any], secrets: Secrets) -> str:
    """Records as JSON, one a line, without the fields that have their default."""
    return "".join(
        json.dumps(encode(redacted(each, secrets), compact=True), separators=(",", ":")) + "\n" for each in records
    )


def write_lines(path: Path, records: Iterable[Any], secrets: Secrets) -> None:
    """Writes records as JSON, one a line."""
    _whole(path, lines(records, secrets).encode())


def keep(path: Path, content: str) -> None:
    """Writes a file of the cache or of this project unchanged: it is not attached to a report."""
    _whole(path, content.encode("utf-8", "backslashreplace"))


def write_drawn(path: Path, content: str | bytes, secrets: Secrets) -> None:
    """Writes a report; bytes, such as a picture, as they are."""
    if isinstance(content, str):
        content = drawn(path, content, secrets).encode("utf-8", "backslashreplace")
    _whole(path, content)


def sync_folder(folder: Path) -> None:
    """Flushes the names in a folder to the disk, where the system can."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _whole(path: Path, content: bytes) -> None:
    draft = path.with_name(f".{path.name}.{randomness.token_hex(4)}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with draft.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
        sync_folder(path.parent)
    except BaseException:
        with suppress(OSError):  # the folder itself is gone or read-only; the error says so
            draft.unlink(missing_ok=True)
        raise
