"""Judges a change by what its runs did, compared with those of the program before it. Pure.

Every rule is about facts of a run: what the sanitizer recorded, what was printed, how it ended. A change that hides a
message is judged by what the message was about.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import cached_property
from pathlib import PurePath
from statistics import median
from typing import Any, Final

from diagnostics.report.view.phrasing import count
from diagnostics.rewrite.proof.observe import Observation
from diagnostics.rewrite.proof.outputs import Expected, learn
from diagnostics.rewrite.records import CLOSERS

BAD: Final = ("error", "leak")
_COMPLAINT: Final = re.compile(
    r"Traceback \(most|never awaited|never retrieved|was destroyed but|Unclosed |ResourceWarning|Exception ignored"
)

_COUNT: Final = re.compile(r"(\d+) (passed|failed|error)")
_CLOSING: Final = re.compile(r"clos|loop", re.IGNORECASE)
"""What a line says that tells of a failed close: what was done, or the text of the error."""

_FAILURE: Final = re.compile(r"error|exception|traceback|fail", re.IGNORECASE)

_UNAWAITED: Final = re.compile(rf"coroutine '(?:\S*\.)?(?:{'|'.join(CLOSERS)})' was never awaited")


@dataclass(frozen=True)
class Before:
    """What is known of the program before the change.

    Attributes:
        runs: at least one.
    """

    runs: Sequence[Observation]

    @cached_property
    def working(self) -> list[Observation]:
        """The runs that worked: nothing failed, and no answer can be wrong."""
        return [each for each in self.runs if each.status == 0 and not of_severity(each, "error")]

    @cached_property
    def expected(self) -> Expected | None:
        """What it prints when it works, or where it always fails for another reason."""
        if self.working:
            return learn([each.output for each in self.working])
        if any(of_severity(each, "error") for each in self.runs) or any(each.status is None for each in self.runs):
            return None
        return learn([each.output for each in self.runs])

    @cached_property
    def faults(self) -> int:
        """How many uses of something of another loop there were at most, each of which may have failed."""
        return max(
            sum(int(each["count"]) for each in run.document["findings"] if each["severity"] == "error")
            for run in self.runs
        )

    @cached_property
    def notes(self) -> set[tuple[str, str, str]]:
        """The notes that a change may leave, as `place_of` identifies them.

        Where there are errors or leaks, those are what a change is for. Nothing of a class that an error or leak is
        about may be open at the end, or a change could be not to close it.
        """
        bad = {place_of(run, each)[1] for run in self.runs for each in of_severity(run, *BAD)}
        return {
            place_of(run, each)
            for run in self.runs
            for each in of_severity(run, "note")
            if each["kind"] != "unclosed-at-exit"
            or is_foreign(run, each)
            or (bad and place_of(run, each)[1] not in bad)
        }

    def least(self, measure: Callable[[Observation], int]) -> int:
        """The smallest value of a measure."""
        return min(map(measure, self.runs))

    def most(self, measure: Callable[[Observation], int]) -> int:
        """The largest value of a measure."""
        return max(map(measure, self.runs))


@dataclass(frozen=True)
class Proof:
    """A judgement.

    Attributes:
        accepted: whether nothing speaks against the change.
        reason: why it is refused, in one line; empty if it is accepted.
        evidence: what was run and compared, a line each.
        runs: how many runs of the changed program there were.
        output: whether the only objection is to what it printed, which more runs of the program before may explain.
    """

    accepted: bool
    reason: str
    evidence: tuple[str, ...]
    runs: int
    output: bool = False


def judge(baseline: Sequence[Observation], changed: Sequence[Observation]) -> Proof:
    """Judges a change by its runs; the first one with an objection decides."""
    before = Before(baseline)
    for number, run in enumerate(changed, 1):
        reason = objection(before, run)
        printed = None if reason else _output(before, run)
        if reason or printed:
            where = f"run {number} of {len(changed)} ({run.conditions})"
            return Proof(False, reason or printed or "", (where,), number, output=printed is not None)
    return Proof(True, "", evidence(before, changed), len(changed))


def objection(before: Before, run: Observation) -> str | None:
    """Returns what speaks against a change, without its output; `None` if nothing does."""
    rules = (_ended, _root_causes, _status, _blind_spots, _requests, _calls, _left, _complaints, _input)
    return next((reason for rule in rules if (reason := rule(before, run))), None)


def of_severity(run: Observation, *severities: str) -> list[Mapping[str, Any]]:
    """Returns the root causes of a run with a severity."""
    return [cause for cause in run.causes if cause["severity"] in severities]


def components(document: Mapping[str, Any], cause: Mapping[str, Any]) -> set[str]:
    """Returns whose code is at fault: distributions, and `user`."""
    return {each["fault"]["component"] for each in document["findings"] if each["id"] in cause["findings"]}


def place_of(run: Observation, cause: Mapping[str, Any]) -> tuple[str, str, str]:
    """Returns what identifies a root cause after a change that moves lines: kind, class and line of code."""
    finding = next(each for each in run.document["findings"] if each["id"] == cause["findings"][0])
    client = finding["client"] or {}
    site = client.get("created_at") or finding["fault"]["site"] or {}
    return cause["kind"], client.get("type", ""), site.get("code", "")


def described(document: Mapping[str, Any], cause: Mapping[str, Any]) -> str:
    """Returns a root cause in one line, with its place."""
    finding = next(each for each in document["findings"] if each["id"] == cause["findings"][0])
    client = finding["client"] or {}
    site = client.get("created_at") or finding["fault"]["site"] or (finding["loop"] or {}).get("created_at")
    place = f"{PurePath(site['file']).name}:{site['line']}, " if site else ""
    others = sorted(components(document, cause) - {"user"})
    whose = f", in {' and '.join(others)}" if others else ""
    return f"{cause['title']} ({place}{cause['kind']}{whose})"


def _ended(before: Before, run: Observation) -> str | None:
    if run.status is None:
        return (
            "the program no longer ends" if any(each.status is not None for each in before.runs) else "it still hangs"
        )
    return None


def _root_causes(before: Before, run: Observation) -> str | None:
    bad = of_severity(run, *BAD)
    causes = [each for each in bad if not is_foreign(run, each)]
    foreign = foreign_causes(run)
    more = foreign - Counter({name: max(foreign_causes(each)[name] for each in before.runs) for name in foreign})
    if more and not causes:
        return f"a package's own fault shows more often than before: {next(iter(more))[1]}"
    causes += [each for each in of_severity(run, "note") if place_of(run, each) not in before.notes]
    if not causes:
        return None
    old = any(each["kind"] == causes[0]["kind"] for each in (cause for run in before.runs for cause in run.causes))
    return f"{'still' if old else 'now'}: {described(run.document, causes[0])}"


def foreign_causes(run: Observation) -> Counter[tuple[str, str]]:
    """Returns the kinds and titles of the root causes that are the fault of a package alone."""
    causes = [each for each in of_severity(run, *BAD) if is_foreign(run, each)]
    return Counter((each["kind"], _numberless(each["title"])) for each in causes)


def is_foreign(run: Observation, cause: Mapping[str, Any]) -> bool:
    """Returns whether a root cause is the fault of a package alone."""
    return "user" not in components(run.document, cause)


def _status(before: Before, run: Observation) -> str | None:
    if run.status == 0:
        return None
    if before.expected is not None and not before.working and run.status in {each.status for each in before.runs}:
        return None
    last = next((line.strip() for line in reversed(run.errors.splitlines()) if line.strip()), "")
    return f"the program ends with status {run.status}" + (f": {last[:160]}" if last else "")


def _blind_spots(before: Before, run: Observation) -> str | None:
    known = {_numberless(line) for each in before.runs for line in each.document["cannot_tell"]}
    new = [line for line in run.document["cannot_tell"] if _numberless(line) not in known]
    return f"the sanitizer sees less than before: {new[0]}" if new else None


def _numberless(line: str) -> str:
    return re.sub(r"\d+", "N", line)


def _requests(before: Before, run: Observation) -> str | None:
    extra = _extra(run)
    if extra > max(0, before.least(_extra)):
        return f"requests are sent twice: {count(_calls_of(run), 'call')}, {count(_requests_of(run), 'request')}"
    if extra < min(0, before.most(_extra)):
        return f"calls are not sent: {count(_calls_of(run), 'call')}, {count(_requests_of(run), 'request')}"
    return None


def _calls(before: Before, run: Observation) -> str | None:
    runs = before.working or before.runs
    least, most = (choose(_calls_of(each) for each in runs) for choose in (min, max))
    made = _calls_of(run)
    if made < least - (0 if before.working else before.faults):
        return f"only {count(made, 'call')} of {least} {'is' if made == 1 else 'are'} made"
    if before.working and made > most:
        return f"{count(made, 'call')} are made, where the program makes {most}"
    return None


def _calls_of(run: Observation) -> int:
    return int(run.document["accounting"]["calls"])


def _requests_of(run: Observation) -> int:
    return int(run.document["accounting"]["requests"])


def _extra(run: Observation) -> int:
    return _requests_of(run) - _calls_of(run)


def _left(before: Before, run: Observation) -> str | None:
    least = max(0, before.least(_sockets))
    if run.sockets > least:
        return f"{count(run.sockets, 'socket')} left open at the end, not {least}"
    return None


def _sockets(run: Observation) -> int:
    return run.sockets


def _complaints(before: Before, run: Observation) -> str | None:
    unawaited = _UNAWAITED.search(run.errors)
    if unawaited is not None:  # also where it was so before: what the program means to close stays open
        return f"a call that closes is not awaited: {unawaited[0]}"
    lines = [line.strip() for line in run.errors.splitlines() if _COMPLAINT.search(line)]
    allowed = before.most(_complaints_of) if before.working else before.least(_complaints_of) - 1
    return f"standard error has {lines[0][:160]!r}" if lines and len(lines) > allowed else None


def _complaints_of(run: Observation) -> int:
    return len(_COMPLAINT.findall(run.errors))


def _input(_: Before, run: Observation) -> str | None:
    return "the program now reads standard input" if run.reads_input else None


def _output(before: Before, run: Observation) -> str | None:
    if before.expected is not None and (before.working or run.status != 0):
        return before.expected.difference(run.output)
    return _lost(before, run)


def _lost(before: Before, run: Observation) -> str | None:
    """Returns which line is lost of a program that did not work before: each fault explains one."""
    tests = max(sum(_tests(each.output).values()) for each in before.runs)
    if tests:  # the report of pytest, whose account of a failure is no output of the program
        passed = _tests(run.output)["passed"]
        return None if passed >= tests else f"{count(passed, 'test')} passed, where {tests} ran"
    now = run.output.splitlines()
    lines = Counter(now)
    for each in before.runs:
        had = _one_line_failures(each.output.splitlines(), now, before.faults)
        if each.status == 0 and len(had) > sum(lines.values()) + _failed_closes(each, Counter(had) - lines):
            return f"{count(sum(lines.values()), 'line')} printed, where {len(had)} were"
        # What is printed in a loop differs in numbers only, and the sanitizer reports its fault once.
        gone = list({_numberless(line): line for line in Counter(had) - lines}.values())
        if len(gone) <= before.faults:
            return None
    return f"the line {gone[before.faults]!r} is no longer printed" if gone else None


def _one_line_failures(had: list[str], now: list[str], faults: int) -> list[str]:
    """Returns lines with one for each failure that took several, such as a page, where fewer lines stand now."""
    kept: list[str] = []
    for what, start, end, first, last in SequenceMatcher(None, had, now, autojunk=False).get_opcodes():
        block = had[start:end]
        failed = next((line for line in block if _FAILURE.search(line)), None)
        if what == "replace" and last - first < len(block) and failed is not None and faults:
            faults -= 1
            kept += [failed, *now[first + 1 : last]]
        else:
            kept += block
    return kept


def _failed_closes(run: Observation, gone: Counter[str]) -> int:
    """Returns how many lines that are gone said that closing failed, of which there is no answer that could be lost."""
    failed = sum(int(each["count"]) for each in run.document["findings"] if each["kind"] == "cross-loop-close")
    return min(failed, sum(number for line, number in gone.items() if _CLOSING.search(line)))


def _tests(output: str) -> Counter[str]:
    """Returns how many tests passed, failed and could not run, by the last line of pytest's report."""
    last = next((line for line in reversed(output.splitlines()) if line.strip()), "")
    known = _COUNT.findall(last) if " in " in last else []
    return Counter({what: int(number) for number, what in known})


def evidence(before: Before, runs: Sequence[Observation]) -> tuple[str, ...]:
    """Returns what a proof rests on, a line each."""
    collectors = Counter(each.conditions.collector for each in runs)
    how = ", ".join(f"{count(number, 'run')} {name}" for name, number in collectors.items())
    forced = sum(each.collections for each in runs)
    varied = [each for each in runs if each.orders]
    accounts = sorted({(_calls_of(each), _requests_of(each)) for each in runs})
    calls = ", ".join(f"{count(calls, 'call')} and {count(requests, 'request')}" for calls, requests in accounts)
    known = before.working or before.runs
    usual = learn([each.output for each in known])
    same = not any(usual.difference(each.output) for each in runs)
    failed = "the program failed before; now it ends with status 0, and only lines about the failures are gone"
    if passed := _tests(runs[0].output)["passed"]:
        failed = f"{count(passed, 'test')} passed, and as many ran before"
    compared = f"{usual}, as in {count(len(known), 'run')} before" if same else failed
    order = f"varied in {count(len(varied), 'run')}" if varied else "no two were ever ready at the same time"
    costs = [(_typical(each, "connections"), _typical(each, "seconds")) for each in (before.runs, runs)]
    (opened, seconds), (opened_now, seconds_now) = costs
    spent = f"{seconds:.1f} s a run before, {seconds_now:.1f} s now"
    new = "each in a new process and a new copy of the folder"
    left = {title for each in runs for _, title in foreign_causes(each)}
    kept = f"only faults of packages are left, as before: {'; '.join(sorted(left))}" if left else "none left in any run"
    notes = sorted({cause["title"] for each in runs for cause in of_severity(each, "note")})
    kept += f"; notes, as before: {'; '.join(notes)}" if notes else ""
    return (
        f"{count(len(runs), 'run')}, {new}; {count(len(before.runs), 'run')} before the change",
        f"collector: {how}; {count(forced, 'forced collection')}; seeds {runs[0].conditions.seed} to {len(runs) - 1}",
        f"order of connections: {order}",
        f"root causes: {kept}; no new blind spot",
        f"output: {compared}",
        f"in every run: {calls}",
        f"cost: {count(round(opened), 'connection')} before, {opened_now:.0f} now; {spent}",
    )


def _typical(runs: Sequence[Observation], name: str) -> float:
    return float(median(getattr(each, name) for each in runs))
