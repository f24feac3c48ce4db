"""A whole diagnosis: all six phases one after the other, and their conclusion.

Example:
    with open_session(find_target("openai", None, cache=cache), cache=cache, redact=redactor(cache)) as session:
        diagnosis = run_diagnosis(session, PhaseOptions(), folder)
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from diagnostics.experiment.scenarios import SCENARIOS
from diagnostics.model.phase import PhaseResult
from diagnostics.phases import phase1, phase2, phase3, phase4, phase5, phase6
from diagnostics.phases.diagnosis import Diagnosis, Pipeline, criteria, four_answers
from diagnostics.phases.formats import conclusion
from diagnostics.phases.plan import FAILING, Phase, PhaseOptions, Session, plans
from diagnostics.phases.program import diagnose_program, run_program, warn_of_others
from diagnostics.phases.record import read_earlier, run_phase, write_phase
from diagnostics.redaction import Secrets
from diagnostics.redaction.records import redacted
from diagnostics.runs import writer
from diagnostics.runs.layout import phase_file

PHASES: Final[tuple[Phase, ...]] = tuple(module.PHASE for module in (phase1, phase2, phase3, phase4, phase5, phase6))


def run_diagnosis(
    session: Session,
    options: PhaseOptions,
    folder: Path,
    *,
    on_phase: Callable[[Phase], None] | None = None,
) -> Diagnosis:
    """Runs the phases, draws the conclusion, and writes both to a folder.

    Args:
        on_phase: called before each phase.

    Returns:
        The redacted conclusion.
    """
    records: list[PhaseResult] = []
    for phase in PHASES:
        if on_phase is not None:
            on_phase(phase)
        records.append(run_one(phase, session, options, folder))
    facts = {name: value for record in records for name, value in record.facts().items()}
    pipeline = whole_pipeline(session, options, facts.get("removes") or [])
    diagnosis = Diagnosis(four_answers(facts, FAILING), criteria(facts, FAILING, pipeline))
    diagnosis = redacted(diagnosis, Secrets.of_this_machine())
    writer.write_record(folder / "diagnosis.json", diagnosis)
    writer.write_whole(folder / "diagnosis.md", conclusion(records, diagnosis))
    return diagnosis


def run_one(
    phase: Phase, session: Session, options: PhaseOptions, folder: Path, earlier: Path | None = None
) -> PhaseResult:
    """Runs one phase, and writes its record to a folder.

    Args:
        earlier: another run of the phase to compare with, if the phase can.

    Raises:
        StoreError: the folder cannot be written, or the earlier run not be read.
    """
    other = None if earlier is None else read_earlier(phase, earlier)
    record, results = run_phase(phase, session, options)
    if other is not None and phase.compare is not None:
        record = replace(record, answers=(*record.answers, phase.compare(record, other)))
    write_phase(record, results, folder)
    return record


def whole_pipeline(session: Session, options: PhaseOptions, removing: list[str]) -> Pipeline | None:
    """Runs every scenario with the best fix; `None` if there is none."""
    if not removing:
        return None
    load, environment = options.load(runs=3, calls=50), session.target.environment.name
    wanted = [
        plan
        for scenario in SCENARIOS
        for plan in plans(environment, options.provider, scenario, load, trials=1, fix=removing[0])
    ]
    trials = [result.trial for result in session.run(wanted, at_once=2)]
    ran = [trial for trial in trials if trial.status == "ran"]
    clean = [trial for trial in ran if trial.symptom == "none" and trial.accounting.answers == trial.accounting.calls]
    names = (tuple(trial.cell.scenario for trial in group) for group in (ran, clean))
    return Pipeline(removing[0], *names)


def examine(
    program: Sequence[str],
    phase: Phase | None,
    session: Session,
    options: PhaseOptions,
    folder: Path,
    compare: Path | None,
    on_phase: Callable[[Phase], None],
) -> tuple[PhaseResult | Diagnosis, Path]:
    """Examines a program, runs one phase or runs all of them; returns what is found out, and the page that says it."""
    if program:
        warn_of_others(session.target.environment.packages)
        return diagnose_program(run_program(program, folder), session, options, folder), folder / "diagnosis.md"
    if phase is not None:
        return run_one(phase, session, options, folder, compare), phase_file(folder, phase.number, ".md")
    sys.stderr.write("no program given: this examines the lab's demonstration; diagnose app.py is yours\n")
    return run_diagnosis(session, options, folder, on_phase=on_phase), folder / "diagnosis.md"
