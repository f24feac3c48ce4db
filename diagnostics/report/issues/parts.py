"""The parts of an issue's body: each is a pure function of what is known, and gives Markdown.

A form names its parts (`posting.Field`); `PARTS` is the table. A part that has nothing to say gives "".
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from typing import Final

from diagnostics import __version__
from diagnostics.report.issues.known_issues import KNOWN_ISSUES, KnownIssue
from diagnostics.report.issues.matrix import Material, always_works, fix, folded, in_the_matrix, matrix, timeline
from diagnostics.report.issues.script import SCRIPT, script_files
from diagnostics.report.markup.escape import Md, code, fence, prose, text
from diagnostics.report.view.history import version_key
from diagnostics.report.view.phrasing import count, without_folders

Part = Callable[[Material], str]
_MOST_RELATED = 4


def summary(material: Material) -> str:
    """The first lines of a body: what, whether it is verified, where, what helps, what is related, what is asked."""
    posting = material.posting
    works = ", ".join(code(name) for name in always_works(material))
    related = ", ".join(f"[{text(issue.name)}]({issue.url})" for issue in _related(material))
    said = {
        "Problem": prose(posting.case.title),
        "Unverified" if posting.unverified else "Verified": text(
            posting.unverified or f"the script below reproduces it in {posting.run.where}", 300
        ),
        "Where": in_the_matrix(material),
        "Works meanwhile": works,
        "Related": related,
        "Request": prose(posting.case.request),
    }
    return "\n".join(f"- **{name}:** {line}" for name, line in said.items() if line)


def _related(material: Material) -> list[KnownIssue]:
    """The public threads that what the run saw matches, those of the project first."""
    seen = [each for each in material.of_the_case if each.baseline is not None and each.baseline.status == "ran"]
    found = [issue for issue in KNOWN_ISSUES if any(map(issue.describes, seen))]
    here = f"github.com/{material.posting.project.repository}/"
    return sorted(found, key=lambda issue: here not in issue.url)[:_MOST_RELATED]


def _what(material: Material) -> str:
    return prose(material.posting.case.what)


def _whose(material: Material) -> str:
    whose = material.posting.case.whose
    return f"**Whose it is:** {prose(whose)}" if whose else ""


def _expected(material: Material) -> str:
    return f"**Expected:** {prose(material.posting.case.expected)}"


def _actual(material: Material) -> str:
    """What the script gave, in a sentence."""
    run = material.posting.run
    result = next((line for line in reversed(run.output.splitlines()) if line.startswith("RESULT:")), "")
    meaning = {0: "not reproduced", 1: "reproduced"}.get(run.exit_status if run.exit_status is not None else 2)
    if run.reason is not None:
        script = f"the script below was not run to its end when this was written ({text(run.reason, 300)})."
    else:
        script = f"the script below, run in {text(run.where, 200)}: **{meaning or 'cannot tell'}**, {code(result)}."
    return f"**Actual:** {script}"


def _steps(material: Material) -> str:
    packages = material.posting.project.words.get("dependencies", material.posting.project.package)
    files = " and ".join(code(name) for name in script_files(material.posting.project, material.posting.case))
    lines = [f"1. Save {files} in one folder. They need no key and no network: the server is on loopback."]
    lines += [f"2. Install what it needs: {code(f'pip install {shlex.quote(packages)}')}"] if packages else []
    lines += [f"{len(lines) + 1}. Run `python script.py`, or `uv run script.py` without installing anything."]
    return "\n".join([*lines, "", "It exits with 1 if the error was reproduced, 0 if not, and 2 if it cannot tell."])


def _script(material: Material) -> str:
    files = script_files(material.posting.project, material.posting.case)
    blocks = {name: f"```python\n{text.rstrip()}\n```" for name, text in files.items()}
    folds = (folded(name, block) for name, block in blocks.items() if name != SCRIPT)
    return "\n\n".join([blocks[SCRIPT], *folds])


def _output(material: Material) -> str:
    run = material.posting.run
    if run.reason is not None and not run.output:
        return f"The script was not run: {text(run.reason, 300)}."
    ended = f"exit status {run.exit_status}" if run.reason is None else text(run.reason, 300)
    said = f"Output in {text(run.where, 200)}, after {run.seconds:.1f} s ({ended}):"
    shown = fence(without_folders(run.output), material.output_limit)
    if shown.count("\n") > 40:
        shown = Md(f"<details><summary>Output</summary>\n\n{shown}\n\n</details>")
    return f"{said}\n\n{shown}"


def _versions(material: Material) -> str:
    packages = _packages(material)
    shown = [
        f"- {text(name)} {text(packages[name], 40)}" for name in material.posting.project.shown if name in packages
    ]
    return "\n".join(shown)


def _system(material: Material) -> str:
    return text(material.posting.run.system or material.view.meta.machine.system, 120)


def _python(material: Material) -> str:
    run = material.posting.run
    known = run.python or (f"Python {material.row.python}" if material.row is not None else "")
    return text(known, 200)


def _tested(material: Material) -> str:
    """The Pythons in which the case was tried, without their last number."""
    found = {each.environment.python for each in material.of_the_case}
    return text(", ".join(sorted({".".join(each.split(".")[:2]) for each in found}, key=version_key)), 200)


def _made(material: Material) -> str:
    view = material.view
    tried = sum(view.totals.environments.values())
    return (
        f"Written by event-loop-diagnostics {__version__} from a run of {view.totals.trials:,} trials in "
        f"{count(tried, 'environment')} on {text(view.meta.started[:10], 40)}; secrets, names and paths are redacted."
    )


def _version_of(name: str) -> Part:
    def part(material: Material) -> str:
        version = _packages(material).get(name)
        return f"{text(name)} {text(version, 40)}" if version else "not installed in this environment"

    return part


def _packages(material: Material) -> dict[str, str]:
    return dict(material.posting.run.packages or (material.row.packages if material.row is not None else {}))


PARTS: Final[dict[str, Part]] = {
    "what": _what,
    "whose": _whose,
    "expected": _expected,
    "actual": _actual,
    "steps": _steps,
    "script": _script,
    "output": _output,
    "matrix": matrix,
    "timeline": timeline,
    "fix": fix,
    "versions": _versions,
    "system": _system,
    "python": _python,
    "tested": _tested,
    "made": _made,
    "language": lambda _: "Python",
    "client": lambda _: "Client",
    "none": lambda _: "None.",
    **{f"version:{name}": _version_of(name) for name in ("aiohttp", "multidict", "yarl")},
}
"""Every part that a form may name."""


def parts_of(names: Sequence[str], material: Material) -> list[str]:
    """The parts that have something to say, in order."""
    return [said for said in (PARTS[name](material) for name in names) if said]
