"""Standard error, which the program may have closed or replaced by its end."""

from __future__ import annotations

import contextlib
import io
import os
import select
import sys
from typing import Any, Final

_DESCRIPTOR: Final = 2


def write(text: str) -> None:
    """Writes to the first that works: the program's `sys.stderr`, the interpreter's, or the file descriptor."""
    if not text:
        return
    for stream in (getattr(sys, "stderr", None), sys.__stderr__):
        with contextlib.suppress(Exception):
            _to_stream(stream, text)
            return
    # With another identity it is a file of the program that got the free descriptor.
    if _AT_FIRST is not None and _identity() == _AT_FIRST:
        with contextlib.suppress(OSError):
            _to_descriptor(_DESCRIPTOR, text.encode(errors="backslashreplace"))


def _to_stream(stream: Any, text: str) -> None:
    # Text that a stream could not write stays in its buffer, and an interpreter that cannot flush it exits with 120.
    if type(stream) is io.TextIOWrapper and os.name != "nt":
        stream.flush()
        with contextlib.suppress(io.UnsupportedOperation):
            _to_descriptor(stream.fileno(), text.encode(stream.encoding, "backslashreplace"))
            return
    try:
        stream.write(text)
    except UnicodeEncodeError as error:
        stream.write(text.encode(error.encoding, "backslashreplace").decode(error.encoding))
    with contextlib.suppress(Exception):
        stream.flush()


def _to_descriptor(descriptor: int, data: bytes) -> None:
    while data:
        try:
            data = data[os.write(descriptor, data) :]
        except BlockingIOError:  # noqa: PERF203 - a full non-blocking pipe
            select.select([], [descriptor], [])


def _identity() -> tuple[int, int] | None:
    try:
        status = os.fstat(_DESCRIPTOR)
    except OSError:
        return None
    return status.st_dev, status.st_ino


_AT_FIRST: Final = _identity() if sys.__stderr__ is not None else None
