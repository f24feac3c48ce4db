"""The plots for pasting: which fix removes it where, how often it shows, what the fixes cost.

Altair writes Vega-Lite, vl-convert draws it with its own fonts and without a browser. Imported only where a plot is
asked for: it takes a second.
"""

from __future__ import annotations

from typing import Any

import altair as alt

from diagnostics.report.markup.truncate import cut
from diagnostics.report.page.data import VERDICT_COLOURS
from diagnostics.report.view.costs import fix_costs
from diagnostics.report.view.rates import Rate, rates
from diagnostics.report.view.tally import columns, tally
from diagnostics.report.view.view_models import View

_NAME = 60
_MOST = 60
"""Rows that a plot shows; a picture of more can be read by nobody."""

_CONFIG: dict[str, Any] = {
    "background": "white",
    "axis": {
        "labelFontSize": 12,
        "titleFontSize": 12,
        "labelLimit": 260,
        "labelPadding": 7,
        "labelColor": "#333",
        "titleColor": "#555",
    },
    "legend": {"labelFontSize": 12, "titleFontSize": 12, "labelLimit": 260},
    "title": {"fontSize": 15, "anchor": "start", "subtitleFontSize": 12, "subtitleColor": "#555", "offset": 12},
    "header": {"labelFontSize": 13, "labelFontWeight": "bold", "titleFontSize": 12},
    "view": {"stroke": None},
}


def charts(view: View) -> dict[str, Any]:
    """Each plot that the run has numbers for, by the name of its file."""
    found = {
        "verdicts": _verdicts(view),
        "rates": _rates(view),
        "sweeps": _sweeps(view),
        "costs": _costs(view),
    }
    return {name: chart for name, chart in found.items() if chart is not None}


def _title(text: str, below: str) -> alt.TitleParams:
    return alt.TitleParams(text, subtitle=below)


def _data(rows: list[dict[str, Any]]) -> alt.InlineData:
    return alt.InlineData(values=rows)


def _verdicts(view: View) -> Any:
    """A row for each fix and a column for each client, as in the page: a bar of its verdicts, and their counts."""
    bars: list[dict[str, Any]] = []
    for column, subjects in columns(view.subjects).items():
        for fix in view.fixes[:_MOST]:
            found = tally(subjects, fix)
            for place, (word, number) in enumerate(found.by_verdict.items()):
                where = {"fix": cut(fix, _NAME), "client": cut(column, _NAME), "place": place}
                bars.append({**where, "verdict": word, "count": number, "words": "" if place else found.in_words()})
    if not bars:
        return None
    shown = [word for word in VERDICT_COLOURS if any(bar["verdict"] == word for bar in bars)]
    scale = alt.Scale(domain=shown, range=[VERDICT_COLOURS[word] for word in shown])
    fixes = [cut(fix, _NAME) for fix in view.fixes[:_MOST]]
    base = alt.Chart().encode(y=alt.Y("fix:N", title=None, sort=fixes, axis=alt.Axis(domain=False, ticks=False)))
    cells = base.mark_bar(height=9, yOffset=-8).encode(
        x=alt.X("count:Q", stack="normalize", axis=None),
        order="place:Q",
        color=alt.Color("verdict:N", scale=scale, legend=alt.Legend(title=None, orient="bottom")),
    )
    words = base.mark_text(fontSize=10, yOffset=5, align="left", color="#1a1f24").encode(x=alt.datum(0), text="words:N")
    title = _title("Which fix removes the error where", "in how many combinations each verdict was given")
    return (
        alt.layer(cells, words, data=_data(bars))
        .properties(width=168, height=alt.Step(32))
        .facet(alt.Facet("client:N", title=None, header=alt.Header(labelLimit=168, labelFontSize=11)), title=title)
        .configure(**_CONFIG)
    )


def _interval_rows(found: list[Rate]) -> list[dict[str, Any]]:
    return [
        {
            "group": cut(rate.group, _NAME),
            "name": cut(rate.name, _NAME),
            "share": rate.share,
            "low": rate.interval[0],
            "high": rate.interval[1],
            "count": f"{rate.hits} of {rate.trials}",
        }
        for rate in found
    ]


def _rates(view: View) -> Any:
    found = list(rates(view.subjects))[:_MOST]
    if not found:
        return None
    y = alt.Y("name:N", title=None, axis=alt.Axis(grid=True, domain=False, ticks=False))
    axis = alt.Axis(format="%", values=[0, 0.25, 0.5, 0.75, 1])
    x = alt.X("low:Q", title="trials of the baseline that showed a symptom", scale=alt.Scale(domain=[0, 1]), axis=axis)
    base = alt.Chart()
    layers = (
        base.mark_rule(strokeWidth=5, opacity=0.4, color="#0b57a4").encode(x=x, x2="high:Q", y=y)
        + base.mark_point(filled=True, size=70, color="#0b57a4", opacity=1).encode(x="share:Q", y=y)
        + base.mark_text(align="left", dx=8, fontSize=11, color="#555").encode(x=alt.datum(1), y=y, text="count:N")
    )
    title = _title("How often it shows without a fix", "over all environments; the bar is the 95 % interval (Wilson)")
    return (
        alt.layer(layers, data=_data(_interval_rows(found)))
        .properties(width=300, height=alt.Step(20))
        .facet(facet=alt.Facet("group:N", title=None), columns=2, title=title)
        .resolve_scale(y="independent")
        .configure(**_CONFIG)
    )


def _sweeps(view: View) -> Any:
    if not view.sweeps:
        return None
    plots = []
    for sweep in view.sweeps:
        found = [Rate("", str(value), hits, trials) for value, hits, trials in sweep.points]
        order = [rate.name for rate in found]
        base = alt.Chart(_data(_interval_rows(found)))
        x = alt.X("name:N", title=sweep.measure, sort=order, axis=alt.Axis(labelAngle=0))
        y = alt.Y("low:Q", title="shown", scale=alt.Scale(domain=[0, 1]), axis=alt.Axis(format="%"))
        plots.append(
            (
                base.mark_rule(strokeWidth=5, opacity=0.4, color="#0b57a4").encode(x=x, y=y, y2="high:Q")
                + base.mark_point(filled=True, size=70, color="#0b57a4", opacity=1).encode(x=x, y="share:Q")
            ).properties(width=alt.Step(56), height=220)
        )
    where = view.sweeps[0]
    below = f"{cut(where.provider, _NAME)}, Python {cut(where.python, 20)}; 95 % intervals (Wilson)"
    return alt.hconcat(*plots).properties(title=_title("How often it shows at which load", below)).configure(**_CONFIG)


def _costs(view: View) -> Any:
    costs = fix_costs(view)[:_MOST]
    if not costs:
        return None
    order = [cut(cost.fix, _NAME) for cost in costs]
    plots = []
    measures = {
        "connections": "connections per call",
        "requests": "requests per call",
        "time": "time, one long loop is 1",
    }
    for number, (measure, name) in enumerate(measures.items()):
        rows = [
            {"fix": cut(cost.fix, _NAME), "middle": spread.median, "low": spread.low, "high": spread.high}
            for cost in costs
            if (spread := getattr(cost, measure)) is not None
        ]
        base = alt.Chart(_data(rows)).encode(
            y=alt.Y(
                "fix:N",
                title=None,
                sort=order,
                scale=alt.Scale(domain=order),
                axis=alt.Axis(labels=number == 0, domain=False, ticks=False),
            )
        )
        plots.append(
            (
                base.mark_bar(height=11, color="#7aa7d6").encode(
                    x=alt.X("middle:Q", title=name, axis=alt.Axis(tickCount=4))
                )
                + base.mark_rule(strokeWidth=1.5, color="#1a1f24").encode(x="low:Q", x2="high:Q")
            ).properties(width=210, height=alt.Step(22))
        )
    title = _title("What each fix costs", "bar: median over all combinations; line: minimum to maximum")
    return alt.hconcat(*plots, spacing=14).properties(title=title).configure(**_CONFIG)
