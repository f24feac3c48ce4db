"""Runs a phase, writes its record to a run folder, and reads it again."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from diagnostics.lab.execution.outcome import TrialResult
from diagnostics.model.codec import parse
from diagnostics.model.event import EVENTS_SUFFIX
from diagnostics.model.phase import PhaseResult, read_phase
from diagnostics.phases.formats import markdown
from diagnostics.phases.plan import Phase, PhaseOptions, Session
from diagnostics.redaction import Secrets
from diagnostics.redaction.records import redacted
from diagnostics.report.view.event_lines import trial_event
from diagnostics.runs import writer
from diagnostics.runs.bounded import read_bytes
from diagnostics.runs.layout import phase_file
from diagnostics.runs.upgrade import upgraded


def run_phase(phase: Phase, session: Session, options: PhaseOptions) -> tuple[PhaseResult, list[TrialResult]]:
    """Runs the trials of a phase and answers its questions.

    Returns:
        The redacted record of the phase, and its trials with their events.
    """
    started, clock = writer.now(), time.perf_counter()
    results = phase.run(session, options)
    answers = phase.answers(results, options)
    environments = {each.trial.environment.name: each.trial.environment for each in results}
    record = PhaseResult(
        number=phase.number,
        title=phase.title,
        provider=options.provider,
        environment=session.target.environment,
        machine=writer.this_machine(),
        started=started,
        seconds=round(time.perf_counter() - clock, 3),
        answers=answers,
        trials=tuple(each.trial for each in results),
        environments=tuple(environments.values()),
    )
    return redacted(record, Secrets.of_this_machine()), results


def write_phase(record: PhaseResult, results: Sequence[TrialResult], folder: Path) -> None:
    """Writes `phaseN.json`, `phaseN.md` and, if trials were instrumented, `phaseN.events.jsonl`."""
    writer.write_record(phase_file(folder, record.number), record)
    writer.write_whole(phase_file(folder, record.number, ".md"), markdown(record))
    events = [
        trial_event(each.trial.key, each.trial.cell, each.trial.trial, event)
        for each in results
        for event in each.events
    ]
    if events:
        writer.write_lines(phase_file(folder, record.number, EVENTS_SUFFIX), events)


def read_earlier(phase: Phase, run: Path) -> PhaseResult:
    """Reads the record of an earlier run of a phase.

    Args:
        run: its folder, or its `phaseN.json`.

    Raises:
        UnreadableRecord: there is no such file, or it is not a record of a phase.
    """
    file = run if run.suffix == ".json" else phase_file(run, phase.number)
    try:
        return read_phase(upgraded(parse(read_bytes(file))))
    except OSError as error:
        raise writer.UnreadableRecord(
            f"cannot read {file} ({error.strerror}); name a run folder of this phase"
        ) from error
    except ValueError as error:
        raise writer.UnreadableRecord(f"{file} is not the record of a phase: {error}") from error
