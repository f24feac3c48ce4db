"""Runs the program under the sanitizer, and keeps the alerts whose lines the run's findings name."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from diagnostics.model.errors import CommandError
from diagnostics.rewrite.rules.records import Alert


def confirmed(alerts: Sequence[Alert], program: Sequence[str]) -> list[Alert]:
    """Returns the alerts of which a run of the program shows a line; its standard output goes to standard error.

    Raises:
        CommandError: the program could not be run.
    """
    with tempfile.TemporaryDirectory(prefix="diagnostics-") as folder:
        findings, text = (os.path.join(folder, name) for name in ("findings.json", "report.txt"))
        command = [sys.executable, "-m", "diagnostics", "run", "--json", findings, "--output", text, "--", *program]
        subprocess.run(command, stdout=sys.stderr, check=False)
        try:
            with open(findings, encoding="utf-8") as stream:
                shown = set(_sites(json.load(stream)["findings"]))
        except (OSError, ValueError) as error:
            raise CommandError(f"--confirm: the run of {program[0]} left no findings; try it alone") from error
    lines = {each for each in shown if each[1]}
    return [
        replace(alert, confirmed=True)
        for alert in alerts
        if any((os.path.realpath(each.site.file), each.site.line) in lines for each in alert.lines)
    ]


def _sites(value: Any) -> Iterator[tuple[str, int]]:
    """Yields the file and line of every site in a document."""
    if isinstance(value, dict):
        if "file" in value and "line" in value:
            yield os.path.realpath(value["file"]), int(value["line"])
        for each in value.values():
            yield from _sites(each)
    elif isinstance(value, list):
        for each in value:
            yield from _sites(each)
