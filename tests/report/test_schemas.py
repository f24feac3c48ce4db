"""The published schemas: each is one, names every field and word there is, and real documents fit them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from diagnostics.model.bisection import Bisection, Outcome, ReleaseChange, ReleaseSpan, TriedRelease
from diagnostics.model.cell import Load
from diagnostics.model.codec import encode
from diagnostics.model.finding import Access, ClientFacts, Fault, Finding, Hint, LoopFacts, Site
from diagnostics.model.words import FINDING_KINDS, SEVERITIES, STATUSES, SYMPTOMS, VERDICTS
from diagnostics.redaction import Secrets
from diagnostics.report.formats import sarif, summary, trace, view_json
from diagnostics.report.view.build import build_view
from diagnostics.runs.reader import read_run
from diagnostics.sanitizer.analyze.recorded import Process
from diagnostics.sanitizer.analyze.root_causes import group
from diagnostics.sanitizer.output.formats import sarif as findings_sarif
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
    client=ClientFacts("C1", "openai.AsyncOpenAI", SITE, (SITE,), 6, 6, closer="async with"),
    loop=LoopFacts("L1", "asyncio", SITE, "asyncio.run", SITE, "asyncio.run"),
    connection=None,
    access=Access("L2", SITE, "connection.send", "call", (SITE,)),
    fault=Fault("user", SITE, "it keeps one client over several loops"),
    hint=Hint("single-run", "make every call in one asyncio.run"),
)
OUTCOME = Outcome("raised", ("cross-loop-use",), evidence="RuntimeError")
BISECT = encode(
    Bisection(
        package="openai",
        provider="openai",
        what="repeated-run",
        is_script=False,
        fix="none",
        load=Load(),
        python="3.13.0",
        loop="asyncio",
        hold="date",
        requirements=(),
        by="symptom",
        every=False,
        releases=9,
        changes=(
            ReleaseChange(
                TriedRelease("1.2.3", "2026-01-01", Outcome("none")), TriedRelease("1.2.4", "2026-01-02", OUTCOME)
            ),
        ),
        history=(ReleaseSpan("1.0.0", "1.2.3", "2025-12-01", "2026-01-01", 4, 2, Outcome("none")),),
        tried=(TriedRelease("1.1.1", "2025-12-24", reason="incompatible"),),
        command=("python", "-m", "diagnostics", "bisect", "openai"),
        seconds=1.0,
    )
)


def test_there_is_one_file_for_each_document() -> None:
    assert NAMES == ["bisect-2", "findings-2", "run-2", "summary-2", "trace", "trial-2", "view-2"]


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
    run = read_run(SAMPLE)
    for trial in run.trials[::17]:
        check_json("trial-2", json.loads(json.dumps(encode(trial, compact=True))))
    check_json("run-2", json.loads(json.dumps(encode(run.meta))))
    view = build_view(run, Secrets())
    check_json("summary-2", json.loads(summary.render(view)))
    check_json("view-2", json.loads(view_json.render(view)))
    check_json("trace", json.loads(trace.render(view)))
    check_sarif(sarif.render(view))


def made() -> Any:
    """A document of findings as it is written."""
    report = group([FINDING], ())
    return json.loads(json.dumps(document(Process(1, calls=6, requests=6), report, exit_code=0, blind_spots=())))


def test_the_documents_of_findings_and_bisection_fit() -> None:
    check_json("findings-2", made())
    check_json("bisect-2", json.loads(json.dumps(BISECT)))


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("trial-2", {"symptom": None}),
        ("trial-2", {"status": "sad"}),
        ("trial-2", {"accounting": {"calls": "many"}}),
        ("trial-2", {"key": "x"}),
        ("bisect-2", {"tried": "many"}),
        ("bisect-2", {"history": [{"first": "1"}]}),
    ],
)
def test_what_is_wrong_does_not_fit(name: str, change: dict[str, Any]) -> None:
    good = {"trial-2": encode(read_run(SAMPLE).trials[0]), "bisect-2": BISECT}[name]
    good = json.loads(json.dumps(good))
    check_json(name, good)
    with pytest.raises(AssertionError, match=name):
        check_json(name, {**good, **change})


def test_findings_are_placed_at_the_line_at_fault() -> None:
    (run,) = check_sarif(findings_sarif.render(made()))["runs"]
    (result,) = run["results"]
    assert (result["ruleId"], result["level"], result["occurrenceCount"]) == ("cross-loop-use", "error", 3)
    place = result["locations"][0]["physicalLocation"]
    assert (place["artifactLocation"]["uri"], place["region"]["startLine"]) == ("app/main.py", 12)
    assert "Fix: create the client inside each run and close it there" in result["message"]["text"]
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
    assert findings_sarif.uri(file) == uri
