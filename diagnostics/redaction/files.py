"""The one way into a run folder: what may be written under which name, and the writing of it.

    write(path, content, secrets)        a file of records or text
    write_drawn(path, content, secrets)  a report, drawn from records that were cleaned before
    keep(path, content)                  a file of the cache, which stays here

A file of records is taken apart, each record leaves by its table (`tables.py`), and what has no table is not written
at all: `Unlisted` is a fault of the program, which every test that writes such a file finds. Files are written whole or
not at all.
"""

from __future__ import annotations

import html
import json
import re
import secrets as randomness
from collections.abc import Callable
from contextlib import suppress
from fnmatch import fnmatch
from pathlib import Path
from typing import Any, Final

from diagnostics.redaction.field_rules import leave
from diagnostics.redaction.kinds import KINDS
from diagnostics.redaction.matching import known_forms
from diagnostics.redaction.secrets import Secrets
from diagnostics.redaction.tables import RECORDS
from diagnostics.redaction.text import bounded, redact

_PIN: Final = re.compile(r"[A-Za-z0-9._-]+==[A-Za-z0-9.!+_-]+(?: --hash=sha256:[0-9a-f]{64})*")
_CERTAIN: Final = ("key", "home", "cache", "here", "host")
_WITH_CODE: Final = "issue-*.md"
"""A text that holds a program of ours, which has to run as it is: its address is the loopback, its key is none."""

_LONG_ENOUGH: Final = 8
"""Characters that a known name has before it is looked for in a drawn page: a shorter one may be a word of its code."""


class Unlisted(ValueError):
    """A file or a record that no table knows."""


def record(data: Any, secrets: Secrets, kind: str | None = None) -> dict[str, Any]:
    """A record with the fields that may leave.

    Args:
        kind: the table's name, where the record does not name its schema.

    Raises:
        Unlisted: there is no such table.
    """
    schema = kind or (data.get("schema") if isinstance(data, dict) else None)
    table = RECORDS.get(str(schema))
    if table is None or not isinstance(data, dict):
        raise Unlisted(f"no table says which fields of {schema!r} may leave: add it to redaction/tables.py")
    return leave(data, table, lambda text: redact(bounded(text), secrets))


def _one(kind: str | None = None) -> Callable[[str, Secrets], str]:
    return lambda text, secrets: (
        json.dumps(record(json.loads(text), secrets, kind), indent=1, ensure_ascii=False) + "\n"
    )


def _rows(text: str, secrets: Secrets) -> str:
    rows = [record(row, secrets, "environment") for row in json.loads(text)]
    return json.dumps(rows, indent=1, ensure_ascii=False) + "\n"


def _lines(kind: str | None) -> Callable[[str, Secrets], str]:
    def lines(text: str, secrets: Secrets) -> str:
        # Not splitlines: a string in JSON may hold separators of other kinds.
        return "".join(
            json.dumps(record(json.loads(line), secrets, kind), separators=(",", ":")) + "\n"
            for line in text.split("\n")
            if line.strip()
        )

    return lines


def _lock(text: str, secrets: Secrets) -> str:
    """Pins and hashes, and no line that is anything else: no address, no comment."""
    del secrets
    return "".join(f"{line}\n" for line in text.splitlines() if _PIN.fullmatch(line))


def _paragraphs(text: str, secrets: Secrets) -> str:
    # Pieces small enough to be looked through; cut where nothing can be split: between paragraphs.
    pieces = re.split(r"(?<=\n)(?=\n)", text)
    return "".join(redact(piece, secrets) for piece in pieces)


FILES: Final[tuple[tuple[str, Callable[[str, Secrets], str]], ...]] = (
    ("*.events.jsonl", _lines("event")),
    ("*.jsonl", _lines(None)),
    ("environments.json", _rows),
    ("run.json", _one("diagnostics.run/1")),
    ("*.json", _one()),
    ("environments/*.txt", _lock),
    ("*.csv", _paragraphs),
    ("*.md", _paragraphs),
    ("*.txt", _paragraphs),
)
"""The name of a file, with the folder that it is in where that says something, and what is written. The first wins."""


def cleaned(path: Path, content: str, secrets: Secrets) -> str:
    """What is written to a file of a run.

    Raises:
        Unlisted: no row of `FILES` or no table knows it.
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
    """Writes a file of a run: records by their tables, texts through the patterns.

    Args:
        like: the name whose rules count, where the file's own is a person's choice.

    Raises:
        Unlisted: no table knows what is to be written.
        OSError: the disk refuses.
    """
    _whole(path, cleaned(Path(like) if like else path, content, secrets).encode("utf-8", "backslashreplace"))


def keep(path: Path, content: str) -> None:
    """Writes a file of the cache or of this project, which nobody attaches to anything: as it is.

    Raises:
        OSError: the disk refuses.
    """
    _whole(path, content.encode("utf-8", "backslashreplace"))


def write_drawn(path: Path, content: str | bytes, secrets: Secrets) -> None:
    """Writes a report; bytes, such as a picture, as they are.

    Raises:
        OSError: the disk refuses.
    """
    if isinstance(content, str):
        content = drawn(path, content, secrets).encode("utf-8", "backslashreplace")
    _whole(path, content)


def _whole(path: Path, content: bytes) -> None:
    """Either the old file or the new one is there, whatever happens."""
    draft = path.with_name(f".{path.name}.{randomness.token_hex(4)}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft.write_bytes(content)
        draft.replace(path)
    except BaseException:
        with suppress(OSError):  # the folder itself is gone or read-only; the error says so
            draft.unlink(missing_ok=True)
        raise
