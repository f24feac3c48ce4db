"""Compares what a tool blames with what a suite's seed says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from benchmarks.blame.suites import Answer, Suite


def wrong(suite: Suite, folder: Path) -> list[str]:
    """Returns what the plugin got wrong in a suite, one line each."""
    file = folder / "findings.json"
    if not file.exists():
        return ["the run wrote no findings"]
    document = json.loads(file.read_text(encoding="utf-8"))
    by_id = {finding["id"]: finding for finding in document["findings"]}
    problems: list[str] = []
    left = {(answer.file, answer.line): answer for answer in suite.answers}
    for cause in document["root_causes"]:
        findings = [by_id[name] for name in cause["findings"]]
        site = (findings[0]["client"] or {}).get("created_at") or {"file": "", "line": 0}
        place = Path(site["file"]).name, site["line"]
        answer = next((each for each in suite.answers if (each.file, each.line) == place), None)
        if answer is None:
            problems.append(f"blamed for nothing: {cause['kind']} at {place}")
            continue
        left.pop(place, None)
        problems += [f"{place}: {what}" for each in findings for what in _differs(answer, each["test"])]
    return problems + [f"missed: {place}" for place in left]


def _differs(answer: Answer, test: dict[str, Any] | None) -> list[str]:
    if test is None:
        return ["no test"]
    found = []
    if not {test["nodeid"], *test["others"]} <= answer.nodeids:
        found.append(f"{test['nodeid']} and {test['others']}, not {sorted(answer.nodeids)}")
    if (test["fixture"] or "", test["scope"] or "") != (answer.fixture, answer.scope):
        found.append(f"fixture {test['fixture']} ({test['scope']}), not {answer.fixture} ({answer.scope})")
    return found
