"""The corpus judged before it judges: what each program is said to be must be so."""

from __future__ import annotations

import tempfile
from pathlib import Path

from benchmarks.fixes.corpus import Program
from benchmarks.fixes.hidden import problems
from benchmarks.fixes.surroundings import Surroundings

_STUB = "raise SystemExit(0)\n"


def defects(program: Program, around: Surroundings) -> list[str]:
    """Returns what is not so with a program of the corpus, one line each."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        found = _cause(program, program.write(folder / "before"), around)
        stub = program.write(folder / "stub", dict.fromkeys(program.files, _STUB))
        found += [] if problems(program, stub, around) else ["the hidden test accepts a program that does nothing"]
        if program.fault == "none":
            found += [f"hidden test: {each}" for each in problems(program, folder / "before", around)]
    return found


def _cause(program: Program, folder: Path, around: Surroundings) -> list[str]:
    try:
        causes = around.root_causes(program, folder, f"{program.name}-cause")
    except RuntimeError as error:
        return [str(error)]
    finally:
        around.service.taken(f"{program.name}-cause")
    kinds = {each["kind"] for each in causes}
    if program.fault == "none":
        wrong = [each["kind"] for each in causes if each["severity"] != "note"]
        return [f"{kind} is reported, and nothing is wrong" for kind in wrong]
    if not kinds & {*program.kinds}:
        return [f"{sorted(kinds)} is reported, not one of {list(program.kinds)}"]
    components = set().union(*(each["components"] for each in causes if each["kind"] in program.kinds))
    if ("user" in components) != (program.fault == "first-party"):
        return [f"{sorted(components)} is at fault, and not {program.fault} code"]
    return []
