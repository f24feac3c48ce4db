"""`python -m diagnostics run`: the sanitizer's command, with changes in the reports for programs.

Standard library only: `run` works in any environment. Where the extra `fix` is missing, the reports have no changes,
and one line says why.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

from diagnostics.extras import install
from diagnostics.sanitizer.output.formats.changes import Changes, NoChanges
from diagnostics.sanitizer.process import command


def main(arguments: list[str]) -> int:
    """Runs the command; see `command.main`."""
    return command.main(arguments, suggest)


def suggest(document: Mapping[str, Any]) -> list[Changes]:
    """Returns a change for each root cause of a document; an empty one where none is known.

    Raises:
        NoChanges: none were looked for.
    """
    try:
        edits = importlib.import_module("diagnostics.rewrite.suggestions")
    except ImportError as error:
        raise NoChanges(f"{error.name} is missing: {install('fix')}") from error
    found: list[Changes] = edits.suggestions(document)
    return found
