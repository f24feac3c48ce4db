"""The conclusion says what the facts of the phases say, and that it cannot tell where there are none."""

from __future__ import annotations

import io
import json
from typing import Any

from rich.console import Console

from diagnostics.model.codec import encode
from diagnostics.model.phase import CANNOT_TELL, KNOWN
from diagnostics.phases.diagnosis import Diagnosis, Pipeline, criteria, four_answers
from diagnostics.phases.formats import conclusion
from diagnostics.report.markup.terminal import show_markdown

FAILING = "sequential-classifiers"
FACTS: dict[str, Any] = {
    "closed_by": {
        FAILING: ["BaseEventLoop.__del__ (asyncio/base_events.py:762)"],
        "repeated-run": ["Runner.close (asyncio/runners.py:72)"],
    },
    "collection_between_runs": "prevents",
    "collection_inside_run": "causes",
    "finalised_on_another_loop": {FAILING: 2},
    "touches": ["connection.aclose by `AsyncHTTPConnection.aclose` (`httpcore2/_async/connection.py:159`)"],
    "created_at": "`build` (`experiment/provider.py:63`)",
    "removes": ["single-run", "context-manager"],
    "baseline": {FAILING: {"logged": 2}, "repeated-run": {"raised": 2}},
}
FINE = Pipeline("single-run", ("repeated-run", "fork"), ("repeated-run", "fork"))


def test_the_four_questions_are_answered_from_the_facts() -> None:
    when, why, where, how = four_answers(FACTS, FAILING)

    assert "`BaseEventLoop.__del__ (asyncio/base_events.py:762)`" in when.sentences[0]
    assert "the collector" in why.sentences[0]
    assert "prevents the error" in " ".join(why.sentences)
    assert "httpcore2/_async/connection.py:159" in where.sentences[0]
    assert how.facts == {"fix": "single-run"}
    assert {answer.verdict for answer in (when, why, where, how)} == {KNOWN}


def test_without_facts_nothing_can_be_told() -> None:
    assert {answer.verdict for answer in four_answers({}, FAILING)} == {CANNOT_TELL}
    assert {each.met for each in criteria({}, FAILING, None)} == {None}


def test_every_criterion_is_met_where_all_was_measured() -> None:
    found = criteria(FACTS, FAILING, FINE)

    assert [each.met for each in found] == [True] * 5
    assert "2 of 2 trials" in found[0].measured


def test_a_criterion_that_was_measured_and_failed_is_not_ticked() -> None:
    sometimes = {**FACTS, "baseline": {FAILING: {"logged": 1, "none": 1}}, "removes": []}

    found = criteria(sometimes, FAILING, Pipeline("x", ("a", "b"), ("a",)))

    assert [each.met for each in found] == [False, True, False, False, False]
    assert "not `b`" in found[4].measured


def test_the_page_and_the_screen() -> None:
    answers, found = four_answers(FACTS, FAILING), criteria(FACTS, FAILING, None)
    out = io.StringIO()

    page = conclusion((), Diagnosis(answers, found))
    show_markdown(page, Console(file=out, width=200, force_terminal=True, color_system=None))

    assert "- [x] Reproduce error consistently" in page
    assert "- [?] Run full pipeline" in page
    assert "[x] Identify exact line/operation" in out.getvalue()
    assert json.loads(json.dumps(encode(Diagnosis(answers, found))))["criteria"][0]["met"] is True
