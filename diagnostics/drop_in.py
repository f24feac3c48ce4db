"""The source of `async_tools`, for a project to keep as a file of its own. Needs nothing but Python."""

from __future__ import annotations

import os
import sys
from pathlib import Path

SIGPIPE = 128 + 13
"""Exit status where the reader has gone, as a shell reports of any program."""


def write() -> int:
    """Writes the file to standard output, byte for byte.

    Returns:
        The exit status: 0, `SIGPIPE` where nobody read to the end, 1 where the disk refuses.
    """
    source = Path(__file__).with_name("async_tools.py").read_bytes()
    try:
        sys.stdout.buffer.write(source)
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        # What is still in the buffer goes nowhere, or the interpreter would complain when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return SIGPIPE
    except OSError as error:
        sys.stderr.write(f"standard output cannot be written ({error.strerror})\n")
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return 0
