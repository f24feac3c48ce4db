"""Builds the view: a pure function of the records, so that every format says the same.

Trials that carry the same key are one trial (a resumed or merged run may hold it twice); the order of the records
never matters. The records are redacted first.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from diagnostics.model.cell import BASELINE, Load
from diagnostics.model.cures import rank
from diagnostics.model.event import cleaned as with_texts
from diagnostics.model.trial import Trial
from diagnostics.model.words import STATUSES
from diagnostics.redaction import Secrets
from diagnostics.report.view.aggregate import LOOP_FIX, SYMPTOM_ORDER, deciding, judged, result_of, seconds_per_call
from diagnostics.report.view.history import generation, histories, version_key
from diagnostics.report.view.tally import tally
from diagnostics.report.view.view_models import Impossible, Subject, Timeline, Totals, View
from diagnostics.runs.records import EnvironmentRow, Run
from diagnostics.runs.redaction import redacted_run

EVENT_TEXT_LIMIT = 300
"""Characters that the view keeps of any text of an event."""

_SubjectKey = tuple[str, str, str, Load]


def build_view(run: Run, secrets: Secrets | None, fix_notes: Mapping[str, str] | None = None) -> View:
    """Everything that a format may show of a run.

    Args:
        run: the records, as `read.read_run` returns them.
        secrets: what to hide in any text of the run; `None` for a run that this process wrote: it was redacted then.
        fix_notes: what a fix does and what it trades, in a sentence, by its name.
    """
    run, removed = redacted_run(run, secrets)
    trials = tuple({trial.key: trial for trial in run.trials}.values())
    environments = _environments(run.environments, trials)
    subjects = _subjects(trials, {row.name: row for row in environments})
    loops = {trial.environment.name: trial.environment.loop for trial in trials}
    return View(
        meta=run.meta,
        totals=_totals(trials, environments),
        environments=environments,
        subjects=subjects,
        fixes=_by_effect(subjects),
        histories=histories(subjects, loops),
        impossible=_impossible(environments, run.trials),
        warnings=run.warnings,
        fix_notes=dict(fix_notes or {}),
        redacted=removed,
        sweeps=run.sweeps,
        timelines=_timelines(run, trials, {row.name: row.label for row in environments}),
    )


def _timelines(run: Run, trials: Iterable[Trial], labels: Mapping[str, str]) -> tuple[Timeline, ...]:
    """In the order of the subjects; within one, the baseline first."""
    found = [
        Timeline(
            environment=labels[trial.environment.name],
            provider=trial.cell.provider,
            scenario=trial.cell.scenario,
            fix=trial.cell.fix,
            symptom=trial.symptom,
            key=trial.key,
            events=with_texts(run.timelines[trial.key], lambda text: text[:EVENT_TEXT_LIMIT]),
        )
        for trial in trials
        if trial.key in run.timelines
    ]
    return tuple(
        sorted(
            found,
            key=lambda each: (
                each.provider,
                each.scenario,
                int(each.environment[1:]),
                each.fix != BASELINE,
                each.fix,
                each.key,
            ),
        )
    )


def _environments(listed: Iterable[EnvironmentRow], trials: Iterable[Trial]) -> tuple[EnvironmentRow, ...]:
    """The listed environments and those that only trials name: newest Python last, those that ran first.

    One that was prepared, and in which nothing was tried before the run ended, is none of them yet.
    """
    tried = {trial.environment.name: trial.environment for trial in trials}
    rows = {row.name: row for row in listed if row.status != "ran" or row.name in tried}
    for environment in tried.values():
        if environment.name not in rows:
            rows[environment.name] = EnvironmentRow.of(environment)
    order = list(STATUSES)
    ranked = sorted(
        rows.values(), key=lambda row: (order.index(row.status), version_key(row.python), row.slug, row.name)
    )
    return tuple(
        replace(row, label=f"E{number}", reason=row.reason or None) for number, row in enumerate(ranked, start=1)
    )


def _subjects(trials: Iterable[Trial], environments: Mapping[str, EnvironmentRow]) -> tuple[Subject, ...]:
    cells: dict[_SubjectKey, dict[str, list[Trial]]] = defaultdict(lambda: defaultdict(list))
    for trial in trials:
        cells[(*trial.cell.subject, trial.cell.load)][trial.cell.fix].append(trial)
    subjects = [_subject(key, by_fix, environments[key[0]]) for key, by_fix in cells.items()]
    return tuple(sorted(subjects, key=_subject_key))


def _subject(key: _SubjectKey, by_fix: Mapping[str, Sequence[Trial]], environment: EnvironmentRow) -> Subject:
    _, provider, scenario, load = key
    baseline = judged(by_fix.get(BASELINE, ()))
    one_loop = seconds_per_call(deciding(by_fix.get(LOOP_FIX, ())))
    results = {fix: result_of(fix, found, baseline, one_loop) for fix, found in by_fix.items()}
    return Subject(
        environment=environment,
        provider=provider,
        generation=generation(provider, dict(environment.packages)),
        scenario=scenario,
        load=load,
        baseline=results.pop(BASELINE, None),
        fixes=tuple(results[fix] for fix in sorted(results)),
    )


def _subject_key(subject: Subject) -> tuple[object, ...]:
    load = subject.load
    return (
        subject.provider,
        subject.scenario,
        int(subject.environment.label[1:]),
        (load.runs, load.calls, load.concurrency, load.retries),
    )


def _by_effect(subjects: Sequence[Subject]) -> tuple[str, ...]:
    """The fixes, those that remove the most first; ties by what they hide, then as `model.cures` ranks them."""
    tallies = {fix: tally(subjects, fix) for fix in {result.fix for subject in subjects for result in subject.fixes}}

    def by_effect(fix: str) -> tuple[bool, float, float, int, str]:
        found = tallies[fix]
        said = found.said or 1
        return (found.said == 0, -found.removes / said, -found.hides / said, rank(fix), fix)

    return tuple(sorted(tallies, key=by_effect))


def _impossible(environments: Iterable[EnvironmentRow], trials: Iterable[Trial]) -> tuple[Impossible, ...]:
    """What gave no outcome, grouped by status and reason: first whole environments, then single cells."""
    whole: dict[tuple[str, str], list[str]] = defaultdict(list)
    for row in environments:
        if row.status != "ran":
            whole[row.status, row.reason or "no reason was recorded"].append(f"{row.label} {row.slug}")
    cells: dict[tuple[str, str], set[str]] = defaultdict(set)
    for trial in trials:
        if trial.status != "ran":
            cells[trial.status, trial.reason or "no reason was recorded"].add(
                f"{trial.cell.fix} for {trial.cell.provider}"
            )
    order = list(STATUSES)
    grouped = [
        sorted((Impossible(status, reason, tuple(what)) for (status, reason), what in found.items()), key=_by_status)
        for found in (whole, {key: sorted(what) for key, what in cells.items()})
    ]
    return tuple(sorted(grouped[0], key=lambda group: order.index(group.status)) + grouped[1])


def _by_status(group: Impossible) -> tuple[int, int, str]:
    return (list(STATUSES).index(group.status), -len(group.what), group.reason)


def _totals(trials: Sequence[Trial], environments: Sequence[EnvironmentRow]) -> Totals:
    statuses = Counter(trial.status for trial in trials)
    symptoms = Counter(trial.symptom for trial in trials if trial.symptom is not None)
    # A prepared environment ran if a trial of it did.
    statuses_of: dict[str, set[str]] = defaultdict(set)
    for trial in trials:
        statuses_of[trial.environment.name].add(trial.status)
    made = Counter(
        next(status for status in STATUSES if status in statuses_of[row.name]) if row.status == "ran" else row.status
        for row in environments
    )
    return Totals(
        trials=len(trials),
        statuses={status: statuses[status] for status in STATUSES if statuses[status]},
        symptoms={symptom: symptoms[symptom] for symptom in SYMPTOM_ORDER if symptoms[symptom]},
        environments={status: made[status] for status in STATUSES if made[status]},
        calls=sum(trial.accounting.calls for trial in trials),
        answers=sum(trial.accounting.answers for trial in trials),
        requests=sum(trial.accounting.requests for trial in trials),
    )
