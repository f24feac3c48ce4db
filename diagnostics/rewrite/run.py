"""`python -m diagnostics run`: the sanitizer's command, with changes in the reports for programs.

Standard library only: `run` works in any environment. Where the extra `fix` is missing, the reports have no changes.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

from diagnostics.sanitizer.output.formats.changes import Changes
from diagnostics.sanitizer.process import command


def main(arguments: list[str]) -> int:
    """Runs the command; see `command.main`."""
    return command.main(arguments, suggest)


def suggest(document: Mapping[str, Any]) -> list[Changes]:
    """Returns a change for each root cause of a document; an empty one where none is known."""
    try:
        edits = importlib.import_module("diagnostics.rewrite.suggestions")
    except ImportError:
        return []
    found: list[Changes] = edits.suggestions(document)
    return found
