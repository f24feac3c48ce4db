"""The report of a run: the findings of the program and of the processes it started, as text and as JSON."""

from __future__ import annotations

import contextlib
import json
import os
import signal
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from diagnostics.model.codec import encode
from diagnostics.model.finding import Finding
from diagnostics.model.libraries import LIBRARIES
from diagnostics.sanitizer.analyze.evaluate import evaluate
from diagnostics.sanitizer.analyze.recorded import Process, processes
from diagnostics.sanitizer.analyze.root_causes import Report, across, group
from diagnostics.sanitizer.analyze.started import not_instrumented
from diagnostics.sanitizer.analyze.suppressions import Rule, keep
from diagnostics.sanitizer.capture import sites
from diagnostics.sanitizer.capture.cells import know
from diagnostics.sanitizer.capture.facts import Fact
from diagnostics.sanitizer.capture.journal import MOST_BYTES
from diagnostics.sanitizer.output import full_text, stderr
from diagnostics.sanitizer.output.drawing import style
from diagnostics.sanitizer.output.formats import FORMATS
from diagnostics.sanitizer.output.formats.changes import Changes, NoChanges, patch_of
from diagnostics.sanitizer.output.formats.place import main_finding
from diagnostics.sanitizer.output.json_document import STANDARD_OUTPUT, document, write, write_text
from diagnostics.sanitizer.output.redact import command_line, redact, redact_text
from diagnostics.sanitizer.output.text import blind_spot, render, summary

_CLIENTS = {name for name, row in LIBRARIES.items() if row.role in ("sdk", "client")}
"""What the last line names with its version."""

TIMED_OUT = 124
"""Exit status after `--timeout`, as with timeout(1), unless an error was found."""


Suggest = Callable[[Mapping[str, Any]], Sequence[Changes]]
"""Returns a change for each root cause of a document, in their order; nothing where it knows none."""


class ReportSettings(NamedTuple):
    """The options that a report needs. Children get them as JSON, in case they outlive the program.

    Attributes:
        file: absolute path for the findings, or `None`.
        leaks: as in the options.
        exit_code: as in the options.
        suppressions: see `analyze.suppressions`; `None` if comments are ignored too.
        format: `text`, or a key of `FORMATS`.
        output: absolute path for what `format` says, or `None` for standard error.
        quiet: whether only root causes are printed.
        follow: whether Python programs that were started are instrumented.
    """

    file: str | None
    leaks: str
    exit_code: int
    suppressions: Sequence[Rule] | None
    full: bool = False
    format: str = "text"
    output: str | None = None
    color: str = "auto"
    quiet: bool = False
    follow: bool = False

    def as_json(self) -> str:
        """Returns JSON for the environment of the program."""
        return json.dumps(self)

    @classmethod
    def from_json(cls, text: str) -> ReportSettings:
        """Parses the output of `as_json`."""
        settings = cls(*json.loads(text))
        rules = None if settings.suppressions is None else [(kind, pattern) for kind, pattern in settings.suppressions]
        return settings._replace(suppressions=rules)


def report(
    journal: bytes,
    settings: ReportSettings,
    status: int | None,
    *,
    next_step: str = "",
    suggest: Suggest | None = None,
) -> int:
    """Prints the findings of a run and writes its file.

    Args:
        journal: the journal of its processes.
        settings: the report settings.
        status: the program's exit status; the negative number of the signal that ended it; `None` after a timeout.
        next_step: the command that changes the program.
        suggest: finds the changes that the formats for programs show.

    Returns:
        The exit status of the run; negative if a signal ended the program.
    """
    found = processes(journal)
    main = found[0] if found else Process(0)
    data: dict[str, Any] | None = None
    parts: list[Report] = []
    findings: list[Finding] = []
    for process in found or [main]:
        is_main = process.number == main.number
        facts = process.conclusive(status if is_main else 0 if _runs(process.number) else None)
        part = grouped(process, facts, settings, len(findings) + 1)
        blind_spots = [*process.blind_spots, *_unreported(process, status, is_main=is_main)]
        one = document(process, part, exit_code=status if is_main else None, blind_spots=blind_spots)
        data = one if data is None else _joined(data, one)
        parts.append(part)
        findings += part.findings
    assert data is not None
    causes = across(parts)
    data["root_causes"] = [encode(joined) for joined, _ in causes]
    data["cannot_tell"] += [*not_instrumented(found, follow=settings.follow), *_left_out(journal, len(found) - 1)]
    if settings.file:
        _write(settings.file, data)
    look = style(settings.color, plain=settings.output is not None)
    shown = [worst for _, worst in causes]
    text = (
        "".join(full_text.render(part.findings) for part in parts) if settings.full else render(shown, findings, look)
    )
    if not settings.quiet:
        text += "".join(blind_spot(each, look) + "\n" for each in redact(data["cannot_tell"]))
    if shown or (main.used and not settings.quiet):
        counts = {word: data["accounting"][word] for word in ("calls", "requests")}
        clients = {name: version for name, version in data["environment"].items() if name in _CLIENTS}
        if next_step and not settings.quiet and any(_is_curable(data, each) for each in data["root_causes"]):
            text += f"diagnostics: to make the change and prove it, run: {next_step}\n"
        text += summary(shown, [part.findings for part in parts], versions=clients, **counts) + "\n"
    _print(text if settings.format == "text" else _formatted(data, settings, suggest, next_step), settings)
    bad = {"error", "leak"} if settings.leaks == "error" else {"error"}
    failed = any(finding["severity"] in bad for finding in data["findings"])
    if not status:
        return settings.exit_code if failed else 0 if status == 0 else TIMED_OUT
    return status


def _is_curable(data: Mapping[str, Any], cause: Mapping[str, Any]) -> bool:
    """Returns whether the program's own code is at fault."""
    return bool(cause["severity"] != "note" and main_finding(data, cause)["fault"]["component"] == "user")


def _formatted(data: Mapping[str, Any], settings: ReportSettings, suggest: Suggest | None, next_step: str) -> str:
    clean = redact(data)
    changes: Sequence[Changes] = ()
    if suggest is not None and any(_is_curable(data, cause) for cause in data["root_causes"]):
        try:
            changes = suggest(data)
        except NoChanges as why:
            clean["no_patch"] = str(why)
            more = f"; to make the change and prove it, run: {next_step}" if next_step else ""
            if not settings.quiet and settings.output is not None:  # standard error has the report otherwise
                stderr.write(f"diagnostics: no patch in the report: {why}{more}\n")
    for cause, change in zip(clean["root_causes"], changes, strict=False):
        if redact_text(patch := patch_of(change)) == patch and _is_curable(data, cause):
            cause["changes"] = change
    return FORMATS[settings.format](clean)


def report_late(process: Process, findings: list[Finding], settings: ReportSettings) -> None:
    """Writes a separate file for a process that outlived the program, if it has findings."""
    kept = _kept(findings, settings)
    if settings.file and kept:
        _write(
            settings.file if settings.file == STANDARD_OUTPUT else f"{settings.file}.{os.getpid()}",
            document(process, group(kept, process.modules), exit_code=None, blind_spots=()),
        )


def grouped(process: Process, facts: list[Fact], settings: ReportSettings, first: int = 1) -> Report:
    """Returns what is wrong in a process, as far as the settings want it reported.

    Args:
        process: the process.
        facts: those that count.
        settings: the report settings.
        first: the number of the first finding.
    """
    sites.elsewhere.clear()
    sites.elsewhere.update(process.modules)
    for name, lines in process.cells.items():
        know(name, lines)
    return group(_kept(evaluate(facts), settings), process.modules, first)


def _kept(findings: list[Finding], settings: ReportSettings) -> list[Finding]:
    found = list(findings) if settings.suppressions is None else keep(findings, settings.suppressions)
    return [finding for finding in found if finding.severity != "leak" or settings.leaks != "off"]


def _unreported(process: Process, status: int | None, *, is_main: bool) -> list[str]:
    """Returns why nothing is known about the end of a process, if that is so."""
    if not process.number:
        return ["the program did not start, or ran without the sanitizer"]
    if process.end or process.asked or not process.used:
        return []
    if is_main:
        if status is None or status >= 0:
            return ["the program ended before it could report what it leaves open"]
        how = (
            f"the program was ended by signal {-status} before it could report what it leaves open and which calls hang"
        )
        return [how if status == -signal.SIGKILL else f"{how}; send the signal to `diagnostics run` instead"]
    what = " ".join(command_line(process.argv[:3])) or "a child"
    if _runs(process.number):
        return [f"process {process.number} ({what}) is still running; what it leaves open is not in this report"]
    return [f"process {process.number} ({what}) was killed before it could report what it leaves open"]


def _left_out(journal: bytes, children: int) -> list[str]:
    """Returns that children are missing, if the journal has become too long for them."""
    if children < 1 or len(journal) < MOST_BYTES:
        return []
    are = "is" if children == 1 else "are"
    return [
        f"the journal is full: of the processes that the program starts, the first {children:,} {are} in this report"
    ]


def _runs(number: int) -> bool:
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    with contextlib.suppress(OSError, IndexError), open(f"/proc/{number}/stat", encoding="utf-8") as stream:
        return stream.read().rpartition(")")[2].split()[0] != "Z"
    return True


def _joined(data: dict[str, Any], part: dict[str, Any]) -> dict[str, Any]:
    """Returns a document extended with the findings of another process."""
    data["findings"] += part["findings"]
    data["cannot_tell"] += [line for line in part["cannot_tell"] if line not in data["cannot_tell"]]
    data["environment"] = {**part["environment"], **data["environment"]}
    for word in ("calls", "requests"):
        data["accounting"][word] += part["accounting"][word]
    return data


def _print(text: str, settings: ReportSettings) -> None:
    if settings.output is None:
        # The program may have ended in the middle of a line, which a line for a machine must not continue.
        stderr.write(text if settings.format == "text" or not text else f"\n{text}")
        return
    try:
        write_text(settings.output, text)
    except OSError as error:
        stderr.write(f"diagnostics: cannot write {settings.output}: {error.strerror}; choose another --output FILE\n")


def _write(file: str, data: dict[str, Any]) -> None:
    try:
        write(file, data)
    except OSError as error:
        stderr.write(f"diagnostics: cannot write {file}: {error.strerror}; choose another --json FILE\n")
