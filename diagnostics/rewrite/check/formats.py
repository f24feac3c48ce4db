"""What `check` found, as text and for programs: one function and one row a format."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any, Final

from diagnostics.model.finding import MarkedLine
from diagnostics.rewrite.rules import RULES
from diagnostics.rewrite.rules.records import Alert
from diagnostics.sanitizer.analyze.describe import relative_path
from diagnostics.sanitizer.output.drawing import Style, frames, title, wrapped
from diagnostics.sanitizer.output.formats import github as workflow
from diagnostics.sanitizer.output.formats import sarif as static_results
from diagnostics.sanitizer.output.last_line import plural
from diagnostics.sanitizer.output.redact import redact_text

SCHEMA: Final = "diagnostics.check/1"


def text(alerts: Sequence[Alert], look: Style) -> str:
    """Returns a block for each alert, and a line that counts them."""
    blocks = ["\n".join(_block(alert, look)) + "\n\n" for alert in alerts]
    return redact_text("".join(blocks) + (f"{plural(len(alerts), 'alert')}\n" if alerts else "no problem found\n"))


def _block(alert: Alert, look: Style) -> list[str]:
    lines = title(f"warning[{alert.name}]", alert.message, "warning", look)
    lines += frames(alert.lines, look)
    confirmed = ["   = confirmed by a run"] if alert.confirmed else []
    code = f"   = {alert.code}; to ignore it, add to a line above:  # event-loops: ignore[{alert.code}]"
    return [*lines, *confirmed, code, wrapped("help: ", alert.help, look, colour="help")]


def github(alerts: Sequence[Alert], _: Style) -> str:
    """Returns an annotation of GitHub Actions for each alert."""
    return "".join(
        workflow.annotation(
            "warning", _site(alert.lines[0]), f"{alert.code} {alert.name}", f"{alert.message}\nhelp: {alert.help}"
        )
        for alert in alerts
    )


def sarif(alerts: Sequence[Alert], _: Style) -> str:
    """Returns a log of SARIF 2.1.0."""
    used = [rule for rule in RULES if any(alert.code == rule.code for alert in alerts)]
    rules = [
        static_results.described(rule.code, rule.name, rule.summary, " ".join(rule.why.split()), rule.why)
        for rule in used
    ]
    return static_results.log([_result(alert) for alert in alerts], rules=rules)


def _result(alert: Alert) -> dict[str, Any]:
    first, *others = alert.lines
    words = f"{alert.message}\nFix: {alert.help}"
    made = static_results.result(alert.code, "leak", words, _site(first), first.site.function or "module")
    made["relatedLocations"] = [
        {"id": number, **static_results.location(_site(line)), "message": {"text": line.text}}
        for number, line in enumerate(others, 1)
    ]
    return made


def as_json(alerts: Sequence[Alert], _: Style) -> str:
    """Returns a document with every alert and its lines."""
    found = [
        {**asdict(alert), "lines": [{**_site(line), "text": line.text} for line in alert.lines]} for alert in alerts
    ]
    return redact_text(json.dumps({"schema": SCHEMA, "alerts": found}, indent=1) + "\n")


def _site(line: MarkedLine) -> dict[str, Any]:
    return {**asdict(line.site), "file": relative_path(line.site.file)}


FORMATS: Final[dict[str, Callable[[Sequence[Alert], Style], str]]] = {
    "text": text,
    "github": github,
    "sarif": sarif,
    "json": as_json,
}
