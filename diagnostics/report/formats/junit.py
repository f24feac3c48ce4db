"""`junit.xml`: one testcase for each subject and fix, as CI servers show them.

A fix that removes the error passes; `hides`, `no effect` and `worsens` fail; a case without a judgement is
skipped with the reason. The baseline has no verdict, so its case is skipped with its symptom. There are no times,
because a case stands for several trials.
"""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET  # it only writes here

from diagnostics.model.cell import BASELINE
from diagnostics.model.visible import visible
from diagnostics.model.words import SYMPTOM_NAMES, VERDICTS
from diagnostics.report.view.tally import scenario_name
from diagnostics.report.view.view_models import FixOutcome, Subject, View

FILE_NAME = "junit.xml"
EVIDENCE_LIMIT = 1500
# What XML 1.0 has no way to write.
_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def render(view: View) -> str:
    """The file's text."""
    root = ET.Element("testsuites")
    several = len({subject.load for subject in view.subjects}) > 1
    suites: dict[str, list[tuple[Subject, FixOutcome]]] = {}
    for subject in view.subjects:
        for result in (*filter(None, [subject.baseline]), *subject.fixes):
            suites.setdefault(subject.column, []).append((subject, result))
    for name, cases in suites.items():
        suite = ET.SubElement(root, "testsuite", name=_text(name))
        for subject, result in cases:
            _case(suite, subject, result, scenario_name(subject, several))
        _count(suite, cases, view)
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=False).join(
        ['<?xml version="1.0" encoding="utf-8"?>\n', "\n"]
    )


def _case(suite: ET.Element, subject: Subject, result: FixOutcome, scenario: str) -> None:
    where = f"{subject.provider}.{scenario}"
    name = f"{result.fix} [{subject.environment.label} {subject.environment.slug}]"
    case = ET.SubElement(suite, "testcase", classname=_text(where), name=_text(name))
    said = f"{result.verdict}: {VERDICTS[result.verdict]}" if result.verdict else ""
    if result.status != "ran":
        ET.SubElement(case, "skipped", type=result.status, message=_text(f"{result.status}: {result.reason or ''}"))
    elif result.fix == BASELINE:
        ET.SubElement(
            case, "skipped", type="baseline", message=_text(f"baseline: {SYMPTOM_NAMES[str(result.symptom)]}")
        )
    elif result.said and result.verdict != "removes":
        failure = ET.SubElement(case, "failure", type=str(result.verdict), message=_text(said))
        failure.text = _text((result.evidence or "")[:EVIDENCE_LIMIT])
    elif not result.said:
        ET.SubElement(case, "skipped", type=_text(str(result.verdict)), message=_text(said))


def _count(suite: ET.Element, cases: list[tuple[Subject, FixOutcome]], view: View) -> None:
    failed, skipped = len(suite.findall("*/failure")), len(suite.findall("*/skipped"))
    suite.set("tests", str(len(cases)))
    suite.set("failures", str(failed))
    suite.set("errors", "0")
    suite.set("skipped", str(skipped))
    suite.set("timestamp", _text(view.meta.started[:19]))


def _text(words: str) -> str:
    return visible(_FORBIDDEN.sub(" ", words))
