"""Findings as the JSON of `diagnostics run --json`."""

from __future__ import annotations

import json
import os
import stat
import sys
import tempfile
from collections.abc import Sequence
from typing import Any, Final

from diagnostics.model.codec import encode
from diagnostics.model.finding import FINDINGS_SCHEMA
from diagnostics.sanitizer.analyze.recorded import Process
from diagnostics.sanitizer.analyze.root_causes import Report
from diagnostics.sanitizer.output.last_line import versions
from diagnostics.sanitizer.output.redact import command_line, redact

STANDARD_OUTPUT: Final = "-"


def document(process: Process, report: Report, *, exit_code: int | None, blind_spots: Sequence[str]) -> dict[str, Any]:
    """Returns the document; `exit_code` is the program's own, `None` if it never exited."""
    return {
        "schema": FINDINGS_SCHEMA,
        "program": {"argv": command_line(process.argv), "python": process.python, "exit_code": exit_code},
        "environment": versions(process.modules, {finding.fault.component for finding in report.findings}),
        "accounting": {"calls": process.calls, "requests": process.requests},
        "cannot_tell": list(blind_spots),
        "root_causes": [encode(cause) for cause in report.root_causes],
        "findings": [encode(finding) for finding in report.findings],
    }


def write(file: str, data: dict[str, Any]) -> None:
    """Writes the file without secrets: atomically, unless it is a device or a pipe.

    Raises:
        OSError: the file cannot be written.
    """
    write_text(file, json.dumps(redact(data), indent=1) + "\n")


def write_text(file: str, text: str) -> None:
    """Writes a text that has no secrets, in the same way; `-` is standard output.

    Raises:
        OSError: the file cannot be written.
    """
    if file == STANDARD_OUTPUT:
        sys.stdout.write(text)
        sys.stdout.flush()
        return
    if not _can_be_replaced(file):
        with open(file, "a", encoding="utf-8") as stream:
            stream.write(text)
        return
    if os.path.islink(file):  # follow it, unless the system refuses to
        with open(file, "ab"):
            file = os.path.realpath(file)
    handle, temporary = tempfile.mkstemp(dir=os.path.dirname(file), prefix=".diagnostics-")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(text)
        os.replace(temporary, file)
    except BaseException:
        os.unlink(temporary)
        raise


def _can_be_replaced(file: str) -> bool:
    """Returns whether this is or will be a regular file other than the output: `/dev/stdout` may be a file."""
    try:
        there = os.stat(file)
    except FileNotFoundError:
        return True
    return stat.S_ISREG(there.st_mode) and not any(_is_open_as(descriptor, there) for descriptor in (1, 2))


def _is_open_as(descriptor: int, file: os.stat_result) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), file)
    except OSError:
        return False
