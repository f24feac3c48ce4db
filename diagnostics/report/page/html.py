"""`report.html`: one file to look at. It opens from disk, needs no network, and asks for none.

What came from a run is text: in the markup by Jinja2's escaping, in the script's data as JSON in which no tag can begin
or end, and the script itself makes text nodes only. A content security policy in the page allows the one style and the
one script that are in it, by their hashes, and nothing else.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from diagnostics.explain import essence
from diagnostics.model.cell import BASELINE
from diagnostics.model.placeholders import PRIVACY, sentence
from diagnostics.model.visible import visible
from diagnostics.model.words import SYMPTOM_NAMES, SYMPTOMS, VERDICTS
from diagnostics.report.markup.truncate import cut
from diagnostics.report.page.data import NAME, SYMPTOM_SIGNS, TEXT, VERDICT_SIGNS, libraries, page_data
from diagnostics.report.view.costs import FixCost, fix_costs
from diagnostics.report.view.headline import headline
from diagnostics.report.view.rates import Rate, rates, why_enough
from diagnostics.report.view.tally import columns, tally
from diagnostics.report.view.view_models import View

FILE_NAME = "report.html"

_TAGS = {ord("<"): "\\u003c", ord(">"): "\\u003e", ord("&"): "\\u0026", 0x2028: "\\u2028", 0x2029: "\\u2029"}


def render(view: View) -> str:
    """The text of `report.html`."""
    style, script = _asset("page.css"), _asset("page.js")
    return visible(
        _environment()
        .get_template("report.html.j2")
        .render(
            policy=_policy(style, script),
            style=_ready(style),
            script=_ready(script),
            data=_ready(as_script_data(page_data(view))),
            headline=[{"title": line.title, "sentence": _ready(line.sentence)} for line in headline(view, name=_code)],
            meta=view.meta,
            totals=view.totals,
            redaction=(sentence(view.redacted), PRIVACY),
            warnings=[cut(warning, TEXT) for warning in view.warnings],
            verdicts=[(word, VERDICT_SIGNS[word], VERDICTS[word]) for word in VERDICT_SIGNS],
            symptoms=[(word, SYMPTOM_SIGNS[word], SYMPTOMS[word]) for word in SYMPTOMS],
            names=SYMPTOM_NAMES,
            overview=_overview(view),
            why=why_enough(view.subjects),
            unfixed=essence(BASELINE),
            code={fix: essence(fix) for fix in view.fixes},
            rates=_by_group(rates(view.subjects)),
            sweeps=[
                (sweep, [Rate("", f"{value:,}", hits, trials) for value, hits, trials in sweep.points])
                for sweep in view.sweeps
            ],
            costs=fix_costs(view),
            scales=_scales(fix_costs(view)),
            notes=view.fix_notes,
            environments=[(row, libraries(row)) for row in view.environments],
            impossible=view.impossible,
            timelines=bool(view.timelines),
        )
    )


def as_script_data(data: Mapping[str, Any]) -> str:
    """JSON that can stand in a script element: nothing in it begins or ends a tag, a comment or a line of a script."""
    return json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":")).translate(_TAGS)


def _ready(text: str) -> Markup:
    """Text that the template is not to escape: a file of this project, or one that has been escaped."""
    return Markup(text)  # noqa: S704 - that is what it is for


def _policy(style: str, script: str) -> str:
    def digest(text: str) -> str:
        return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()

    return (
        f"default-src 'none'; style-src 'sha256-{digest(style)}'; script-src 'sha256-{digest(script)}'; "
        "base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
    )


@cache
def _asset(name: str) -> str:
    # As the browser sees it, and hashes it: between the tags, and with Unix line ends.
    text = files("diagnostics.report.page").joinpath("templates", name).read_text(encoding="utf-8")
    return "\n" + text.replace("\r\n", "\n")


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("diagnostics.report.page", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["short"] = lambda value, limit=NAME: cut(str(value), limit)
    environment.filters["percent"] = lambda share: f"{100 * share:.1f}"
    return environment


def _code(name: str) -> str:
    return str(Markup("<code>{}</code>").format(cut(name, 80)))


def _overview(view: View) -> dict[str, Any]:
    shown = columns(view.subjects)
    rows = []
    for fix in view.fixes:
        cells = []
        for column, subjects in shown.items():
            found = tally(subjects, fix)
            parts, start = [], 0
            for verdict, count in found.by_verdict.items():
                parts.append((verdict, VERDICT_SIGNS[verdict], count, start))
                start += count
            cells.append((column, parts, start, found.in_words()))
        rows.append((fix, cells))
    return {"columns": list(shown), "rows": rows}


def _by_group(found: tuple[Rate, ...]) -> dict[str, list[Rate]]:
    groups: dict[str, list[Rate]] = {}
    for rate in found:
        groups.setdefault(rate.group, []).append(rate)
    return groups


def _scales(costs: tuple[FixCost, ...]) -> dict[str, float]:
    """The largest median of each measure: the length of its longest bar."""
    return {
        name: max((spread.median for cost in costs if (spread := getattr(cost, name)) is not None), default=0.0) or 1.0
        for name in ("connections", "requests", "time")
    }
