"""The tables of `report.md`: each function turns the view into a heading, an introduction and rows of Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from diagnostics.explain import essence
from diagnostics.model.cell import BASELINE
from diagnostics.model.libraries import named
from diagnostics.model.words import SYMPTOM_NAMES, VERDICTS
from diagnostics.report.markup.escape import Md, code, fence, prose, row, text
from diagnostics.report.view.aggregate import LOOP_FIX
from diagnostics.report.view.costs import Spread, fix_costs
from diagnostics.report.view.history import telling
from diagnostics.report.view.hypotheses import hypothesis_rates
from diagnostics.report.view.phrasing import count, times_seen, without_folders
from diagnostics.report.view.rates import why_enough
from diagnostics.report.view.tally import IMPOSSIBLE_MARK, MARKS, columns, scenario_name, scenarios, tally
from diagnostics.report.view.view_models import FixOutcome, History, Subject, View
from diagnostics.runs.layout import SUMMARY, TRIALS
from diagnostics.runs.records import EnvironmentRow

_MOST_COLUMNS = 14
_SHOWN_PACKAGES = named("sdk", "driver", "client", "transport")
LEGEND = Md(
    "; ".join(f"{MARKS[verdict]} {verdict}: {VERDICTS[verdict]}" for verdict in MARKS if verdict in VERDICTS)
    + f"; {IMPOSSIBLE_MARK}: not tried, or not possible with these packages."
)


@dataclass(frozen=True)
class Section:
    """A piece of the document: `rows` may be cut from their end, `head` stays as long as a row does.

    Attributes:
        heading: of the second level; "" continues the section before.
        fold: the summary line of a folded block; "" is not folded.
        noun: what one row is, for the sentence that says how many were left out.
        whole: the file that holds all of it.
        first_to_go: whether it is cut before the short tables are.
    """

    name: str
    heading: str
    intro: Md
    head: tuple[Md, ...]
    rows: tuple[Md, ...]
    fold: str = ""  # Markdown, as all the rest
    noun: str = "row"
    whole: str = SUMMARY
    first_to_go: bool = False


def all_sections(view: View) -> list[Section]:
    """Every section that has something to show, in the order of the document."""
    found = [
        _reproduced(view),
        _fixes_by(view, columns(view.subjects), "Which fix removes the error where", Md("")),
        _fixes_by(view, scenarios(view.subjects), "", Md("The same by scenario")),
        _code_of(view),
        _newer(view),
        *_verdicts(view),
        _costs(view),
        _hypotheses(view),
        _evidence(view),
        _environments(view),
        _impossible(view),
    ]
    return [section for section in found if section.rows]


def _table(*titles: str) -> tuple[Md, Md]:
    return row([text(title) for title in titles]), row([Md("---")] * len(titles))


def _reproduced(view: View) -> Section:
    shown = dict(list(columns(view.subjects).items())[:_MOST_COLUMNS])

    def cell(subjects: Sequence[Subject]) -> Md:
        seen = times_seen(each.baseline for each in subjects if each.baseline)
        return Md(seen.replace(", ", "<br>") or IMPOSSIBLE_MARK)

    rows = [
        row([code(name), *(cell([subject for subject in found if subject.column == column]) for column in shown)])
        for name, found in scenarios(view.subjects).items()
    ]
    intro = Md(
        "The worst symptom of the baseline (no fix), and in how many environments it occurs. A program recovers if a "
        "call is answered after the first that failed."
    )
    head = _table("scenario", *shown)
    return Section("reproduced", "What was reproduced where", intro, head, tuple(rows), noun="scenario")


def _fixes_by(view: View, groups: dict[str, list[Subject]], heading: str, fold: Md) -> Section:
    shown = dict(list(groups.items())[:_MOST_COLUMNS])
    rows = [row([code(fix), *(Md(tally(found, fix).in_marks()) for found in shown.values())]) for fix in view.fixes]
    why = text(why_enough(view.subjects))
    intro = Md("") if fold else Md(f"Combinations of environment and scenario with each verdict. {LEGEND}\n\n{why}")
    return Section(f"fixes{fold}", heading, intro, _table("fix", *shown), tuple(rows), fold=fold, noun="fix")


def _code_of(view: View) -> Section:
    """What each fix is: its lines, below those of the unfixed program."""
    rows = tuple(
        Md(f"**{code(fix)}**\n\n{fence(changed, language='python')}\n")
        for fix in view.fixes
        if (changed := essence(fix))
    )
    intro = Md(f"The unfixed program:\n\n{fence(essence(BASELINE), language='python')}")
    return Section("code", "The fixes in code", intro, (), rows, Md("The same program with each fix"), noun="fix")


def _newer(view: View) -> Section:
    grouped: dict[tuple[str, str, Md], list[str]] = {}
    for history in telling(view.histories):
        several = len({subject.load for subject in view.subjects}) > 1
        name = f"{history.scenario} {history.load.runs}×{history.load.calls}" if several else history.scenario
        grouped.setdefault((history.provider, history.python, _stretches(history)), []).append(name)
    rows = [
        row([code(provider), text(python), line, _codes(sorted(names))])
        for (provider, python, line), names in sorted(grouped.items())
    ]
    intro = Md("The symptom without a fix, from the oldest to the newest release, on the Python that ran most of them.")
    head = _table("provider", "Python", "releases", "scenarios")
    return Section("newer", "Do newer versions remove it?", intro, head, tuple(rows))


def _stretches(history: History) -> Md:
    parts = []
    for stretch in history.stretches[:12]:
        span = text(stretch.first) if stretch.first == stretch.last else text(f"{stretch.first} to {stretch.last}")
        parts.append(Md(f"{span}: **{SYMPTOM_NAMES[stretch.symptom]}**"))
    return Md(" → ".join(parts) + (" → …" if len(history.stretches) > 12 else ""))


def _verdicts(view: View) -> list[Section]:
    """One folded table a provider; environments with the same outcome share a row."""
    several = len({subject.load for subject in view.subjects}) > 1
    intro = Md(
        "Environments with the same outcome share a row; E1, E2, … are listed under “The environments”, the signs are "
        "explained above, ×3 is three trials. A symptom beside one occurred only with the fix; the baseline was clean."
    )
    found: list[Section] = []
    for provider in sorted({subject.provider for subject in view.subjects}):
        mine = [subject for subject in view.subjects if subject.provider == provider]
        fixes = [fix for fix in view.fixes if any(subject.result(fix) for subject in mine)][:_MOST_COLUMNS]
        grouped: dict[tuple[str, Md, tuple[Md, ...]], list[EnvironmentRow]] = {}
        for subject in mine:
            marks = tuple(_mark(subject.result(fix)) for fix in fixes)
            key = (scenario_name(subject, several), _symptom(subject.baseline), marks)
            grouped.setdefault(key, []).append(subject.environment)
        rows = [
            row([code(scenario), baseline, Md(_labels(where)), *marks])
            for (scenario, baseline, marks), where in grouped.items()
        ]
        head = _table("scenario", "baseline", "environments", *fixes)
        fold = Md(f"{text(provider)}: {count(len(mine), 'combination')} in {count(len(rows), 'row')}")
        heading = "" if found else "The verdict for each environment, provider and scenario"
        section = Section(
            f"verdicts {provider}", heading, Md("") if found else intro, head, tuple(rows), fold, first_to_go=True
        )
        found.append(section)
    return found


def _mark(result: FixOutcome | None) -> Md:
    if result is None or result.verdict is None:
        return Md(IMPOSSIBLE_MARK)
    # A fix that shows something where the baseline was clean deserves to be seen, though no verdict is due.
    worse = result.verdict == "not reproduced" and result.symptom not in (None, "none")
    said = f" {SYMPTOM_NAMES[result.symptom or 'none']}" if worse else ""
    return Md(f"{MARKS[result.verdict]}{said} ×{result.ran}")


def _symptom(result: FixOutcome | None) -> Md:
    if result is None or result.symptom is None:
        return Md(IMPOSSIBLE_MARK)
    if result.differ:
        return Md(
            ", ".join(f"{SYMPTOM_NAMES[word]} {count}" for word, count in result.symptoms.items())
            + " (trials disagree)"
        )
    return Md("none, but not clean" if result.symptom == "none" and not result.clean else result.seen)


def _costs(view: View) -> Section:
    rows = []
    for cost in fix_costs(view):
        numbers = [_median(cost.connections), _median(cost.requests), _median(cost.time)]
        left = [Md(str(number)) for number in (cost.fds, cost.threads, cost.combinations)]
        note = [prose(view.fix_notes.get(cost.fix, ""), limit=240)] if view.fix_notes else []
        rows.append(row([code(cost.fix), *numbers, *left, *note]))
    titles = ["fix", "connections per call", "requests per call", "time against one long loop", "descriptors left"]
    titles += ["threads left", "combinations", *(["trade-off"] if view.fix_notes else [])]
    intro = Md(
        "The median over all combinations, with the minimum and maximum in brackets; for descriptors and threads, the "
        f"maximum left by any trial. One long loop is <code>{LOOP_FIX}</code> in the same environment and scenario."
    )
    return Section("costs", "What each fix costs", intro, _table(*titles), tuple(rows), noun="fix")


def _median(spread: Spread | None) -> Md:
    if spread is None:
        return Md(IMPOSSIBLE_MARK)
    low, mid, high = (f"{number:.2f}" for number in (spread.low, spread.median, spread.high))
    return Md(mid if low == high else f"{mid} ({low} to {high})")


def _hypotheses(view: View) -> Section:
    rows = [row([text(each.says), text(found.rate), text(found.detail)]) for each, found in hypothesis_rates(view)]
    heading = "How often common explanations and fixes are borne out"
    intro = Md("A rate counts combinations of environment, provider and scenario in which the baseline can tell.")
    head = _table("hypothesis", "rate", "detail")
    return Section("hypotheses", heading, intro, head, tuple(rows), noun="hypothesis")


def _evidence(view: View) -> Section:
    """One piece of evidence for each provider and symptom, from the newest environment that shows it."""
    shown: dict[tuple[str, str], Md] = {}
    for subject in view.subjects:
        baseline = subject.baseline
        if baseline is not None and baseline.symptom not in (None, "none") and baseline.evidence:
            name = f"{code(subject.scenario)} in {subject.environment.label}"
            block = fence(without_folders(baseline.evidence))
            shown[subject.column, str(baseline.symptom)] = Md(
                f"**{text(subject.column)}, {SYMPTOM_NAMES[str(baseline.symptom)]}**: {name}\n\n{block}\n"
            )
    rows = tuple(shown[key] for key in sorted(shown))
    fold = Md(f"{count(len(rows), 'example')}, one for each provider and symptom")
    return Section("evidence", "Evidence", Md(""), (), rows, fold, noun="example", whole=TRIALS, first_to_go=True)


def _environments(view: View) -> Section:
    names = [name for name in _SHOWN_PACKAGES if any(name in environment.packages for environment in view.environments)]
    made = [environment for environment in view.environments if environment.status == "ran"]
    rows = [
        row(
            [
                text(environment.label),
                code(environment.slug, limit=120),
                text(environment.python, limit=40),
                *(text(environment.packages.get(name, ""), limit=40) for name in names),
            ]
        )
        for environment in made
    ]
    head = _table("", "environment", "Python", *names)
    fold = Md(f"{count(len(made), 'environment')}; every package of each is in <code>{SUMMARY}</code>")
    return Section("environments", "The environments", Md(""), head, tuple(rows), fold, first_to_go=True)


def _impossible(view: View) -> Section:
    rows = []
    for group in view.impossible:
        named = _codes(group.what[:6]) + (f" and {len(group.what) - 6} more" if len(group.what) > 6 else "")
        rows.append(row([Md(group.status), text(group.reason, limit=400), Md(named)]))
    head = _table("status", "why", "what")
    intro = Md("These environments and combinations have no outcome.")
    heading = "What was not possible, and why"
    return Section("impossible", heading, intro, head, tuple(rows), noun="reason", first_to_go=True)


def _codes(names: Iterable[str]) -> Md:
    return Md(", ".join(code(name, limit=80) for name in names))


def _labels(where: Sequence[EnvironmentRow]) -> str:
    """Such as `E1–E4, E7`."""
    numbers = sorted({int(environment.label[1:]) for environment in where})
    spans: list[list[int]] = []
    for number in numbers:
        if spans and number == spans[-1][1] + 1:
            spans[-1][1] = number
        else:
            spans.append([number, number])
    return ", ".join(f"E{first}" if first == last else f"E{first}–E{last}" for first, last in spans)
