"""The published schemas: each is one, names every field and word there is, and real documents fit them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from diagnostics.model.finding import Access, ClientFacts, Fault, Finding, Hint, LoopFacts, Site
from diagnostics.model.words import FINDING_KINDS, SEVERITIES, STATUSES, SYMPTOMS, VERDICTS
from diagnostics.report.formats import sarif, trace, view_json
from diagnostics.report.redact import Secrets
from diagnostics.report.view.build import build_view
from diagnostics.runs.reader import read_run
from diagnostics.runs.upgrade import upgraded
from diagnostics.sanitizer.analyze.recorded import Process
from diagnostics.sanitizer.output.json_document import document
from tests.report.accepted import SCHEMAS, check_json, check_sarif, schema
from tests.report.renew_schemas import RENEWED, renewed

SAMPLE = Path(__file__).parents[2] / "reports" / "sample"
NAMES = sorted(path.stem for path in SCHEMAS.iterdir())
SITE = Site("app/main.py", 12, "main", "client = AsyncOpenAI()")
FINDING = Finding(
    kind="cross-loop-use",
    severity="error",
    count=3,
    message="a call on L2 used a connection of C1 that belongs to L1",
    client=ClientFacts("C1", "openai.AsyncOpenAI", SITE, (SITE,), 6, 6),
    loop=LoopFacts("L1", "asyncio", SITE, "asyncio.run", SITE, "asyncio.run"),
    connection=None,
    access=Access("L2", SITE, "connection.send", "call", (SITE,)),
    fault=Fault("user", SITE, "it keeps one client over several loops"),
    hint=Hint("single-run", "make every call in one asyncio.run"),
)
BISECT = {
    "schema": "diagnostics.bisect/1",
    "package": "openai",
    "provider": "openai",
    "scenario": "repeated-run",
    "python": "3.13.0",
    "boundaries": [{"before": "1.2.3", "after": "1.2.4", "from": "none", "to": "logged"}],
    "history": [{"first": "1.0.0", "last": "1.2.3", "symptom": "none"}],
    "tried": 9,
    "cannot_tell": ["1.1.1"],
}


def test_there_is_one_file_for_each_document() -> None:
    assert NAMES == ["bisect-1", "findings-1", "summary-1", "trace", "trial-1", "view-1"]


@pytest.mark.parametrize("name", NAMES)
def test_each_is_a_schema_of_the_name_of_its_file(name: str) -> None:
    found = schema(name)
    Draft202012Validator.check_schema(found)
    assert found["$id"].endswith(f":{name}")
    if name != "trace":
        kind, _, version = name.partition("-")
        assert found["title"] == found["properties"]["schema"]["const"] == f"diagnostics.{kind}/{version}"


def _nodes(node: Any) -> list[dict[str, Any]]:
    children = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    return ([node] if isinstance(node, dict) else []) + [found for child in children for found in _nodes(child)]


@pytest.mark.parametrize("name", NAMES)
def test_every_list_of_words_is_a_whole_table(name: str) -> None:
    tables = [set(table) for table in (STATUSES, SYMPTOMS, VERDICTS, FINDING_KINDS, SEVERITIES)]
    tables += [{"fork", "cold"}, {"holds", "does not hold", "cannot tell"}]
    for node in _nodes(schema(name)):
        if "enum" in node and name != "trace":
            assert {word for word in node["enum"] if word is not None} in tables


@pytest.mark.parametrize("name", RENEWED)
def test_a_schema_says_of_our_records_what_the_classes_say(name: str) -> None:
    assert renewed(name) == schema(name), "renew it: python -m tests.report.renew_schemas"


def test_the_sample_run_fits() -> None:
    lines = (SAMPLE / "trials.jsonl").read_text(encoding="utf-8").splitlines()
    for line in lines[::17]:
        check_json("trial-1", upgraded(json.loads(line)))
    check_json("summary-1", json.loads((SAMPLE / "summary.json").read_text(encoding="utf-8")))
    view = build_view(read_run(SAMPLE), Secrets())
    check_json("view-1", json.loads(view_json.render(view)))
    check_json("trace", json.loads(trace.render(view)))
    check_sarif(sarif.render(view))


def test_the_documents_of_findings_and_bisection_fit() -> None:
    check_json(
        "findings-1",
        json.loads(json.dumps(document(Process(1, calls=6, requests=6), [FINDING], exit_code=0, blind_spots=()))),
    )
    check_json("bisect-1", BISECT)


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("trial-1", {"symptom": None}),
        ("trial-1", {"status": "sad"}),
        ("trial-1", {"accounting": {}}),
        ("trial-1", {"key": "x"}),
        ("bisect-1", {"tried": "many"}),
        ("bisect-1", {"history": [{"first": "1"}]}),
    ],
)
def test_what_is_wrong_does_not_fit(name: str, change: dict[str, Any]) -> None:
    with (SAMPLE / "trials.jsonl").open(encoding="utf-8") as lines:
        good = {"trial-1": upgraded(json.loads(lines.readline())), "bisect-1": BISECT}[name]
    check_json(name, good)
    with pytest.raises(AssertionError, match=name):
        check_json(name, {**good, **change})


def test_findings_are_placed_at_the_line_at_fault() -> None:
    made = json.loads(json.dumps(document(Process(1, calls=6, requests=6), [FINDING], exit_code=0, blind_spots=())))
    (run,) = check_sarif(sarif.render_findings(made))["runs"]
    (result,) = run["results"]
    assert (result["ruleId"], result["level"], result["occurrenceCount"]) == ("cross-loop-use", "error", 3)
    place = result["locations"][0]["physicalLocation"]
    assert (place["artifactLocation"]["uri"], place["region"]["startLine"]) == ("app/main.py", 12)
    assert "Fix: make every call in one asyncio.run" in result["message"]["text"]
    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == ["cross-loop-use"]


@pytest.mark.parametrize(
    ("file", "uri"),
    [
        ("app/main.py", "app/main.py"),
        ("/srv/app/main.py", "srv/app/main.py"),
        ("~/app/main.py", "app/main.py"),
        ("../x.py", "x.py"),
        ("/x/lib/python3.13/site-packages/openai/_base.py", "site-packages/openai/_base.py"),
        (r"C:\app\main.py", "app/main.py"),
        ("a b/ü#?.py", "a%20b/%C3%BC%23%3F.py"),
        ("<string>", "%3Cstring%3E"),
        ("", "unknown"),
    ],
)
def test_a_path_is_a_relative_reference(file: str, uri: str) -> None:
    assert sarif.uri(file) == uri
