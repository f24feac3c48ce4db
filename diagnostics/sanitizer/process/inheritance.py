"""The variables that instrument an interpreter from its first line; it restores them before the program starts."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from typing import Final

_PROCESS: Final = os.path.dirname(os.path.abspath(__file__))
HOME: Final = os.path.dirname(os.path.dirname(os.path.dirname(_PROCESS)))
"""The folder that this package is imported from."""

BOOT: Final = os.path.join(_PROCESS, "boot")
VARIABLE: Final = "DIAGNOSTICS_BOOT"
SEPARATOR: Final = "\x1f"

CHILD: Final = "child"
FOLLOW: Final = "follow"


def instrumenting(
    variables: Mapping[str, str], journal: str, settings: str, role: Collection[str], ignored: Collection[str] = ()
) -> dict[str, str]:
    """Returns the variables of a process with those that instrument it.

    Args:
        variables: those that the program is to find.
        journal: path of the journal.
        settings: report settings as JSON.
        role: `CHILD` if the parent is not the supervisor, `FOLLOW` if its children are to be instrumented too.
        ignored: variables that the interpreter must not read before it restores them.
    """
    found = {name: value for name, value in variables.items() if name not in ignored}
    before = found.get("PYTHONPATH")
    found["PYTHONPATH"] = BOOT if not before else f"{BOOT}{os.pathsep}{before}"
    restored = sorted({"PYTHONPATH", *ignored})
    kept = [f"{name}={variables[name]}" if name in variables else name for name in restored]
    found[VARIABLE] = SEPARATOR.join([HOME, journal, settings, " ".join(role), *kept])
    return found
