"""A diagnosis of a person's own program: what the sanitizer finds in it, and which fix works for its SDK and versions.

Example:
    found = run_program(["app.py"], folder)
    with open_session(this_interpreter(), cache=cache, redact=redactor(cache)) as session:
        diagnosis = diagnose_program(found, session, PhaseOptions(), folder)
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from diagnostics.experiment.fixes import FIXES
from diagnostics.experiment.providers import PROVIDERS
from diagnostics.extras import install
from diagnostics.lab.target import shadowed
from diagnostics.model.cures import NARROW
from diagnostics.model.libraries import LIBRARIES
from diagnostics.model.phase import PhaseAnswer, Table, cannot_tell
from diagnostics.phases.diagnosis import Diagnosis
from diagnostics.phases.formats import conclusion, stack
from diagnostics.phases.phase4 import fix_outcomes, least_time, ranked
from diagnostics.phases.plan import PhaseOptions, Session, plans
from diagnostics.redaction import Secrets
from diagnostics.redaction.records import redacted
from diagnostics.report.markup.escape import one_line
from diagnostics.report.view.phrasing import listed
from diagnostics.report.view.view_models import FixOutcome
from diagnostics.runs import writer
from diagnostics.runs.reader import RunError, read_findings
from diagnostics.sanitizer.analyze.describe import relative_path
from diagnostics.sanitizer.analyze.phrasing import blame
from diagnostics.sanitizer.process.command import run

SCENARIO_OF: Final = {
    "cross-loop-use": "repeated-run",
    "duplicate-request": "repeated-run",
    "use-after-loop-close": "repeated-run",
    "cross-loop-close": "gc-inside-run",
    "client-left-open": "unclosed-in-coroutine",
    "abandoned-stream": "abandoned-stream",
    "inherited-connection": "fork",
}
"""The scenario that has the mistake of a kind of finding; other kinds have none."""

AT_ONCE: Final = 3


class Mistake(NamedTuple):
    """The worst root cause of a program, and its first finding, as `run --json` writes them."""

    cause: Mapping[str, Any]
    finding: Mapping[str, Any]

    @property
    def provider(self) -> str | None:
        """The provider whose client it is about; `None` if the lab has no such client."""
        module = str((self.finding["client"] or {}).get("type", "")).partition(".")[0]
        rows = {row.module.partition(".")[0]: row.distribution for row in LIBRARIES.values() if row.client}
        return next((name for name, row in PROVIDERS.items() if row.distribution == rows.get(module)), None)


def run_program(words: Sequence[str], folder: Path) -> Mapping[str, Any]:
    """Runs a program under the sanitizer, which prints its report.

    Raises:
        RunError: the program could not be started.
    """
    file = folder / "findings.json"
    run(["--json", str(file), "--", *words])
    if not file.exists():
        raise RunError("the program did not start, so there is nothing to diagnose")
    return read_findings(file, lambda text: text)


def warn_of_others(packages: Mapping[str, str]) -> None:
    """Says which packages are not the program's own."""
    if others := shadowed(packages):
        named = ", ".join(f"{name} {packages[name]} instead of {version}" for name, version in others.items())
        again = f"to use its own, run in its environment: {install('lab')}"
        sys.stderr.write(f"warning: this environment replaces packages of the program: {named}; {again}\n")


def worst(document: Mapping[str, Any]) -> Mistake | None:
    """Returns the first root cause of the highest severity, or `None` if there is none."""
    findings = {each["id"]: each for each in document["findings"]}
    for severity in ("error", "leak"):
        for cause in document["root_causes"]:
            if cause["severity"] == severity:
                return Mistake(cause, findings[cause["findings"][0]])
    return None


def diagnose_program(document: Mapping[str, Any], session: Session, options: PhaseOptions, folder: Path) -> Diagnosis:
    """Answers when, why, where and how to fix it, for a program that was run.

    Args:
        document: as `run_program` returns it.
        options: the load and the number of trials; the provider is that of the program.
        folder: where `diagnosis.json` and `diagnosis.md` are written.

    Returns:
        The redacted conclusion.
    """
    mistake = worst(document)
    if mistake is None:
        clean, status = "No client, connection or loop of this run outlived another.", document["program"]["exit_code"]
        other = f"It ended with status {status} for another reason; its own output says which." if status else ""
        answers: tuple[PhaseAnswer, ...] = (
            PhaseAnswer("What is wrong with the program?", tuple(filter(None, (clean, other)))),
        )
    else:
        answers = (*_three_answers(mistake), _how(mistake, session, options))
    diagnosis = redacted(Diagnosis(answers, ()), Secrets.of_this_machine())
    writer.write_record(folder / "diagnosis.json", diagnosis)
    writer.write_whole(folder / "diagnosis.md", conclusion((), diagnosis))
    return diagnosis


def _three_answers(mistake: Mistake) -> tuple[PhaseAnswer, ...]:
    loop, access, client = (mistake.finding[name] or {} for name in ("loop", "access", "client"))
    closed = loop.get("closed_by")
    when = "When: which operation closes the loop?"
    where = [f"The `{client['type']}` is created at {_at(client['created_at'])}."] if client.get("created_at") else []
    if access.get("site"):
        where.append(f"It is used at {_at(access['site'])} (`{access['operation']}`).")
    fault = mistake.finding["fault"]
    whose = _sentence(blame(_whose(fault["component"]), fault["why"]))
    return (
        PhaseAnswer(when, (f"`{closed}`, for the loop created at {_at(loop.get('created_at'))}.",))
        if closed
        else cannot_tell(when, "No loop of the finding was closed."),
        PhaseAnswer("Why: what is the mistake?", (f"{_sentence(mistake.cause['title'])}.",)),
        PhaseAnswer("Where: whose code is it?", (*where, f"{whose}.")),
    )


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def _how(mistake: Mistake, session: Session, options: PhaseOptions) -> PhaseAnswer:
    question = "How to fix it?"
    advice = [f"In this program: {each['text']}." for each in mistake.cause["advice"][:1]]
    scenario, provider = SCENARIO_OF.get(mistake.cause["kind"]), mistake.provider
    if scenario is None or provider is None:
        client = f" with {mistake.finding['client']['type']}" if mistake.finding["client"] else ""
        missing = f"No fix was tried: the lab has no scenario for {mistake.cause['kind']}{client}."
        return PhaseAnswer(question, (*advice, missing)) if advice else cannot_tell(question, missing)
    if PROVIDERS[provider].distribution not in session.target.environment.packages:
        missing = f"No fix was tried: this environment has no {PROVIDERS[provider].distribution}."
        return PhaseAnswer(question, (*advice, missing))
    outcomes = _outcomes(session, provider, scenario, options)
    table = Table(
        f"Every fix in `{scenario}` with {provider}",
        ("fix", "verdict", "trials"),
        tuple((f"`{fix}`", *_verdict(each)) for fix, each in outcomes.items()),
    )
    where = f"`{scenario}`, the scenario of the lab with this mistake, on {stack(session.target.environment)}"
    if not any(each.verdict not in (None, "not reproduced") for each in outcomes.values()):
        shown = f"The error did not occur in {where}, so no fix could be compared."
        return PhaseAnswer(question, (*advice, shown), tables=(table,))
    best = ranked({scenario: outcomes}, [scenario])
    if not best:
        return PhaseAnswer(question, (*advice, f"No fix removes the error in {where}."), tables=(table,))
    names = listed([f"`{fix}`" for fix in best], 13)
    found = f"These fixes remove the error in {where}: {names}."
    if narrow := [f"`{fix}`" for fix in best if fix in NARROW]:
        found += f" In other scenarios, {listed(narrow)} may not: they need a program that keeps one client."
    first = f"`{best[0]}` comes first: {FIXES[best[0]].trade_off}. {least_time({scenario: outcomes}, [scenario], best)}"
    return PhaseAnswer(question, (*advice, found, first), tables=(table,), facts={"fix": best[0]})


def _outcomes(session: Session, provider: str, scenario: str, options: PhaseOptions) -> dict[str, FixOutcome]:
    load, environment = options.load(runs=3, calls=5), session.target.environment.name
    wanted = [
        plan
        for fix in FIXES
        for plan in plans(environment, provider, scenario, load, trials=options.trials or 3, fix=fix)
    ]
    return fix_outcomes(session.run(wanted, at_once=AT_ONCE), scenario)


def _verdict(outcome: FixOutcome) -> tuple[str, str]:
    trials = str(sum(outcome.symptoms.values()))
    if outcome.symptom is None:
        return ": ".join(filter(None, (outcome.status, one_line(outcome.reason or "", 80)))), trials
    return outcome.verdict or f"baseline: {outcome.symptom}", trials


def _at(site: Mapping[str, Any] | None) -> str:
    return f"`{relative_path(site['file'])}:{site['line']}`" if site else "an unknown line"


def _whose(component: str) -> str:
    return "your code" if component == "user" else f"`{component}`"
