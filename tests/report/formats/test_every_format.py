"""Every format renders every run, and what a run produced stays text in all of them."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from typing import Final

import pytest
from hypothesis import HealthCheck, given, settings
from markdown_it import MarkdownIt
from markdown_it.token import Token

from diagnostics.redaction import Secrets
from diagnostics.report.formats.changes import CHANGES_FORMATS
from diagnostics.report.formats.registry import FORMATS
from diagnostics.report.issues import issue
from diagnostics.report.issues.issue_model import Posting, ScriptRun, choose_case
from diagnostics.report.issues.known_issues import KNOWN_ISSUES
from diagnostics.report.issues.projects import PROJECTS
from diagnostics.report.markup.truncate import LIMIT
from diagnostics.report.view.build import build_view
from diagnostics.report.view.compare import compare
from diagnostics.report.view.view_models import View
from diagnostics.runs.records import Run
from tests.report.accepted import check_json, check_junit, check_sarif
from tests.report.strategies import HOSTILE, swollen, views

CHECKS: Final[dict[str, Callable[[str], object]]] = {
    "json": lambda text: check_json("view-2", json.loads(text)),
    "summary": lambda text: check_json("summary-2", json.loads(text)),
    "trace": lambda text: check_json("trace", json.loads(text)),
    "sarif": check_sarif,
    "junit": check_junit,
}
"""The formats that somebody else's reader has to accept."""

DRAWN: Final = {"png", "svg"}
"""Pictures, a second each, which say nothing that a run said: their own tests are enough."""

_any = settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
_parser = MarkdownIt("commonmark").enable("table")


@_any
@given(views)
def test_every_format_renders_any_view(view: View) -> None:
    for name in sorted(FORMATS.keys() - DRAWN):
        text = FORMATS[name].render(view)
        assert isinstance(text, str)
        text.encode("utf-8", errors="backslashreplace")
        if name in CHECKS:
            CHECKS[name](text)


@_any
@given(views, views)
def test_any_two_runs_can_be_compared(before: View, after: View) -> None:
    for row in CHANGES_FORMATS.values():
        text = row.render(compare(before, after))
        assert "\x1b" not in text
        assert len(text) < LIMIT


@pytest.mark.parametrize("name", PROJECTS)
@settings(max_examples=3, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(views)
def test_a_body_stays_what_it_is_whatever_the_run(name: str, view: View) -> None:
    project = PROJECTS[name]
    for hostile in HOSTILE:
        run = ScriptRun(hostile, hostile, hostile, dict.fromkeys(project.shown, hostile), 1, f"RESULT: {hostile}")
        body = issue.render(view, Posting(project, choose_case(view, project), run))
        check_markup(body)
        headings = [token.content for token in _headings(body)]
        assert headings == [field.heading for field in project.form if field.heading]


def _headings(body: str) -> list[Token]:
    tokens = _parser.parse(body)
    return [after for token, after in itertools.pairwise(tokens) if token.type == "heading_open"]


def check_markup(body: str) -> None:
    """Only the fences, the folds, the tags and the links that are ours."""
    tokens = _parser.parse(body)
    assert {token.info for token in tokens if token.type == "fence"} <= {"text", "python", "mermaid"}
    blocks = [token.content.strip() for token in tokens if token.type == "html_block"]
    assert all(block.startswith("<details><summary>") for block in blocks[::2])
    assert all(block == "</details>" for block in blocks[1::2])
    assert len(blocks) % 2 == 0
    children = [child for token in tokens for child in token.children or []]
    assert not [child for child in children if child.type == "image"]
    links = {child.attrs["href"] for child in children if child.type == "link_open"}
    assert links <= {each.url for each in KNOWN_ISSUES}
    assert {child.content for child in children if child.type == "html_inline"} <= {"<code>", "</code>", "<br>"}


def test_a_line_of_ten_megabytes_does_no_harm(sample: Run) -> None:
    view = build_view(swollen(sample, "`<script>end;" * 800_000), Secrets())
    for name in sorted(FORMATS.keys() - DRAWN):
        text = FORMATS[name].render(view)
        assert isinstance(text, str)
        assert len(text) < 2_000_000, name
        if name in CHECKS:
            CHECKS[name](text)
