"""`report.md`: what a person reads, or attaches to an issue. Under 60,000 characters whatever the run.

GitHub-flavoured Markdown; whatever came from a run is escaped, in tables and in prose. Where the document would be too
long the long tables are cut from the end of the document, with a sentence that names the file that holds all of them.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined

from diagnostics.model.placeholders import PRIVACY, sentence
from diagnostics.report.formats.sections import Section, all_sections
from diagnostics.report.markup.escape import Md, code, one_line, text
from diagnostics.report.markup.truncate import LIMIT, truncate
from diagnostics.report.view.headline import headline
from diagnostics.report.view.view_models import View

FILE_NAME = "report.md"


@dataclass(frozen=True)
class _Shown:
    """A section as the template needs it, with the rows it keeps."""

    heading: str
    intro: Md
    fold: str
    lines: tuple[Md, ...]
    left_out: str
    whole: Md


def render(view: View, limit: int = LIMIT) -> str:
    """The text of `report.md`."""
    sections = all_sections(view)
    fixed = {
        "title": "does it reproduce, and what fixes it?",
        "headline": [
            {"title": line.title, "sentence": Md(line.sentence)}
            for line in headline(view, name=lambda name: code(name, limit=80))
        ],
        "facts": _facts(view),
        "warnings": view.warnings,
        "commands": [Md(command) for command in _commands(view)],
        "closing": Md(
            "The first two commands run the whole matrix, the third lists one session per environment, and the last "
            "renders this page again from the run folder."
        ),
    }

    def document(keep: Mapping[str, int]) -> str:
        shown = [_shown(section, keep[section.name]) for section in sections]
        return _template_environment().get_template("report.md.j2").render(sections=shown, **fixed)

    last_first = list(reversed(sections))
    last_first.sort(key=lambda section: not section.first_to_go)
    return truncate(document, {section.name: section.rows for section in last_first}, limit)


def _shown(section: Section, keep: int) -> _Shown:
    missing = len(section.rows) - keep
    noun = section.noun if missing == 1 else f"{section.noun}s".replace("fixs", "fixes")
    return _Shown(
        heading=section.heading,
        intro=section.intro,
        fold=section.fold if keep else "",
        lines=(*section.head, *section.rows[:keep]) if keep else (),
        left_out=f"{missing:,} {noun}" if missing else "",
        whole=Md(section.whole),
    )


def _facts(view: View) -> Md:
    meta, totals = view.meta, view.totals
    cpus = f", {meta.machine.cpus:g} CPUs" if meta.machine.cpus else ""
    environments = ", ".join(f"{count} {status}" for status, count in totals.environments.items())
    finished = "" if meta.finished else " **This run did not finish.**"
    statuses = ", ".join(f"{count} {status}" for status, count in totals.statuses.items())
    return Md(
        f"{totals.trials:,} trials ({statuses or 'none'}) in {sum(totals.environments.values())} environments "
        f"({environments or 'none'}); {totals.calls:,} calls, {totals.answers:,} answered, "
        f"{totals.requests:,} requests received. Started {text(meta.started, 40)}, {meta.seconds:.0f} s in all, "
        f"{meta.trial_seconds:.0f} s of it trials, on {text(meta.machine.system, 120)}{cpus}; "
        f"profile {code(meta.profile, 40)}.{finished} {text(sentence(view.redacted))} [What is redacted]({PRIVACY})."
    )


def _commands(view: View) -> list[str]:
    profile = [] if view.meta.profile == "default" else ["--", "--profile", view.meta.profile]
    words = ["python3", "-m", "nox", "-s", "repro", *profile]
    return [
        "python3 -m pip install 'nox[uv]'",
        _command(words),
        "python3 -m nox -l",
        "python -m diagnostics report reports/latest",
        *([f"# this run: {_command(view.meta.command)}"] if view.meta.command else []),
    ]


def _command(words: list[str] | tuple[str, ...]) -> str:
    """A command for a block of code: one line, and nothing in it that could end the block."""
    return one_line(shlex.join(words).replace("`", "'"), limit=400)


@cache
def _template_environment() -> Environment:
    def finalize(value: object) -> Md:
        return value if isinstance(value, Md) else text(value)

    return Environment(
        loader=PackageLoader("diagnostics.report.formats", "templates"),
        autoescape=True,
        finalize=finalize,
        undefined=StrictUndefined,
        keep_trailing_newline=True,
    )
