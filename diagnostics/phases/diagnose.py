"""A whole diagnosis: all six phases one after the other, and their conclusion.

Example:
    with open_session(find_target("openai", None, cache=cache), cache=cache, redact=redactor(cache)) as session:
        diagnosis = run_diagnosis(session, PhaseOptions(), folder)
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

from diagnostics.experiment.scenarios import SCENARIOS
from diagnostics.model.phase import PhaseResult
from diagnostics.phases import phase1, phase2, phase3, phase4, phase5, phase6
from diagnostics.phases.diagnosis import Diagnosis, Pipeline, criteria, four_answers
from diagnostics.phases.diagnosis_formats import markdown
from diagnostics.phases.plan import FAILING, Phase, PhaseOptions, Session, plans
from diagnostics.phases.record import run_phase, write_phase
from diagnostics.redaction import Secrets
from diagnostics.redaction.records import redacted
from diagnostics.runs import writer

PHASES: Final[tuple[Phase, ...]] = tuple(module.PHASE for module in (phase1, phase2, phase3, phase4, phase5, phase6))


def run_diagnosis(
    session: Session,
    options: PhaseOptions,
    folder: Path,
    *,
    phases: tuple[Phase, ...] = PHASES,
    on_phase: Callable[[Phase], None] | None = None,
) -> Diagnosis:
    """Runs the phases, draws the conclusion, and writes both to a folder.

    Args:
        on_phase: called before each phase.

    Returns:
        The redacted conclusion.

    Raises:
        StoreError: the folder cannot be written.
    """
    records: list[PhaseResult] = []
    for phase in phases:
        if on_phase is not None:
            on_phase(phase)
        record, results = run_phase(phase, session, options)
        write_phase(record, results, folder)
        records.append(record)
    facts = {name: value for record in records for name, value in record.facts().items()}
    pipeline = whole_pipeline(session, options, facts.get("removes") or [])
    diagnosis = Diagnosis(four_answers(facts, FAILING), criteria(facts, FAILING, pipeline))
    diagnosis = redacted(diagnosis, Secrets.of_this_machine())
    writer.write_record(folder / "diagnosis.json", diagnosis)
    writer.write_whole(folder / "diagnosis.md", markdown(records, diagnosis.answers, diagnosis.criteria))
    return diagnosis


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
