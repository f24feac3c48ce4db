"""The advice of a root cause as a change, for the reports of `run`.

Nothing has proven it: of the changes that `fix` tries, only those that do what the advice says are shown.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from diagnostics.rewrite.edits import candidates
from diagnostics.rewrite.edits.program import ASYNC_TOOLS
from diagnostics.rewrite.proof.copies import Tree, sources
from diagnostics.sanitizer.output.formats.changes import Changes, NoChanges

MOST_BYTES: Final = 500_000
"""Python source in the folder, of which every file may be parsed; a report does not wait for more."""


_DOES: Final = {
    "context-manager": ("context-manager", "explicit-close", "async-fixture"),
    "explicit-close": ("explicit-close",),
    "client-per-loop": ("async-fixture",),
    "single-run": ("single-run", "runner"),
}
"""The fix that is advised, and the edits that do it."""

_OF_KIND: Final = {"abandoned-stream": ("close-stream",), "pending-task-destroyed": ("end-task",)}
"""The same for kinds of root causes whose advice is no fix of the matrix."""


def suggestions(document: Mapping[str, Any]) -> list[Changes]:
    """Returns a change for each root cause; an empty one where none is known.

    Raises:
        NoChanges: there is too much source for a report to wait for.
    """
    tree = Tree(Path.cwd())
    if sum(map(len, sources(tree.root).values())) > MOST_BYTES:
        raise NoChanges(f"the Python files below this folder hold more than {MOST_BYTES // 1000} kB")
    return [_suggestion(document, cause, tree) for cause in document["root_causes"]]


def _suggestion(document: Mapping[str, Any], cause: Mapping[str, Any], tree: Tree) -> Changes:
    try:
        wanted = _wanted(cause)
        fitting = (each.files for each in candidates(document, cause, tree) if each.fix in wanted)
        files = next(fitting, {})
        # Of the drop-in module, the advice has the command that writes it.
        names = [name for name in files if Path(name).stem != ASYNC_TOOLS]
        return {name: (tree.read(name) if (tree.root / name).exists() else "", files[name]) for name in names}
    except Exception:  # noqa: BLE001 - whatever the code is, the report is written
        return {}


def _wanted(cause: Mapping[str, Any]) -> tuple[str, ...]:
    if cause["kind"] in _OF_KIND:
        return _OF_KIND[cause["kind"]]
    first = cause["advice"][0]
    return ("lifespan",) if "lifespan" in first["text"] else _DOES.get(first["fix"], ())
