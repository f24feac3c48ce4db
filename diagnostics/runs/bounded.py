"""Reads files that somebody else may have made: regular files only, in bounded time and memory.

A FIFO would block, a device has no end, and one line of a gigabyte would be read before anyone could refuse it.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final

LARGEST: Final = 64 * 2**20
"""Bytes of a file that is read as a whole."""

LONGEST: Final = 4 * 2**20
"""Bytes of a line. A trial has some kilobytes, and so does an event."""


class FileRefused(ValueError):
    """A file that is not read; the message is one line and does not name the file."""


def open_regular(path: Path) -> BinaryIO:
    """Opens a regular file, without waiting for a writer of a FIFO.

    Raises:
        FileRefused: it is something else.
    """
    stream = os.fdopen(os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)), "rb")
    if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
        stream.close()
        raise FileRefused("not a regular file")
    return stream


def read_bytes(path: Path, largest: int = LARGEST) -> bytes:
    """Returns the content of a file.

    Raises:
        FileRefused: it is no regular file, or is too large.
    """
    with open_regular(path) as stream:
        content = stream.read(largest + 1)
    if len(content) > largest:
        raise FileRefused(f"larger than {largest // 2**20} MiB")
    return content


def read_lines(path: Path, longest: int = LONGEST) -> Iterator[tuple[int, bytes, bool]]:
    """Yields each line that is not blank, with its number from 1 and whether it is the last one.

    Raises:
        FileRefused: it is no regular file, or a line is too long.
    """
    held: tuple[int, bytes] | None = None
    with open_regular(path) as stream:
        for number, line in enumerate(iter(lambda: stream.readline(longest + 1), b""), start=1):
            if len(line) > longest:
                raise FileRefused(f"line {number}: longer than {longest // 2**20} MiB")
            if not line.strip():
                continue
            if held is not None:
                yield *held, False
            held = number, line
    if held is not None:
        yield *held, True
