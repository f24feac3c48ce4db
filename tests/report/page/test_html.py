"""The page before a browser sees it: whole, escaped, under its own policy, and small."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagnostics.model.machine import Machine
from diagnostics.model.placeholders import PRIVACY
from diagnostics.model.trial import Trial
from diagnostics.model.words import SYMPTOMS, VERDICTS
from diagnostics.redaction import Secrets
from diagnostics.report.page import html
from diagnostics.report.page.data import NAME, SYMPTOM_SIGNS, TEXT, VERDICT_SIGNS, page_data
from diagnostics.report.view.build import build_view
from diagnostics.report.view.view_models import View
from diagnostics.runs.records import Run, Sweep

HOSTILE = "</script><script>alert(1)</script><!--<style>]]>{{7*7}}{% raw %}\u2028\"'`&amp;"


class Elements(HTMLParser):
    """The elements of a page: names, attributes, and the text of scripts and styles."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.inside: list[tuple[str, str]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self.inside.append((tag, ""))

    def handle_data(self, data: str) -> None:
        if self.inside:
            tag, before = self.inside.pop()
            self.inside.append((tag, before + data))  # as it comes: in pieces, where it has an ampersand

    def handle_endtag(self, tag: str) -> None:
        self.inside.append(("", ""))


@pytest.fixture(scope="module")
def view(sample: Run) -> View:
    return build_view(sample, Secrets(), {"context-manager": "a new pool for each run"})


texts = st.text() | st.sampled_from(["</script>", "<!--", "]]>", "\u2028", "&lt;", "\ud800"])


@given(st.recursive(texts, lambda inner: st.lists(inner) | st.dictionaries(texts, inner), max_leaves=20))
def test_data_in_a_script_element_begins_and_ends_nothing_and_comes_back(data: Any) -> None:
    text = html.as_script_data({"data": data})
    assert not set("<>&\u2028\u2029") & set(text)
    assert json.loads(text) == {"data": data}


def test_the_policy_allows_this_style_and_this_script_and_nothing_else(view: View) -> None:
    page = Elements(html.render(view))
    (policy,) = [
        at["content"] for tag, at in page.tags if tag == "meta" and at.get("http-equiv") == "Content-Security-Policy"
    ]
    assert policy is not None
    assert policy.startswith("default-src 'none'; ")
    styles = [text for tag, text in page.inside if tag == "style"]
    scripts = [text for tag, text in page.inside if tag == "script" and not text.startswith("{")]
    hashes = [base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in (*styles, *scripts)]
    assert re.findall(r"sha256-([^']+)", policy) == hashes
    assert "unsafe" not in policy


def test_it_names_nothing_that_could_be_fetched(view: View) -> None:
    page = html.render(view).replace(f'<a href="{PRIVACY}">', "")  # a person may follow it
    assert not re.findall(r"(?:src|href|action|url)\s*[=(]\s*[\"']?(?!#)[a-z]*:?//", page)
    for tag, attributes in Elements(page).tags:
        assert tag not in ("link", "img", "iframe", "object", "embed", "base", "form") or "id" in attributes
        assert not {"src", "style"} & set(attributes)
        assert not [name for name in attributes if name.startswith("on")]


def test_nothing_of_a_run_becomes_markup(trial: Callable[..., Trial], run_of: Callable[..., Run]) -> None:
    cell = {"scenario": HOSTILE, "provider": HOSTILE}
    trials = [trial("none", "logged", evidence=HOSTILE, **cell), trial(HOSTILE, "none", **cell)]
    words = {"started": HOSTILE, "machine": Machine(HOSTILE, 2, HOSTILE), "profile": HOSTILE, "command": (HOSTILE,)}
    hostile = build_view(replace(run_of(trials, **words), warnings=(HOSTILE,)), Secrets(), {HOSTILE: HOSTILE})
    fine = build_view(
        replace(
            run_of(
                [
                    trial("none", "logged", evidence="x", scenario="x", provider="x"),
                    trial("x", scenario="x", provider="x"),
                ],
                command=("x",),
            ),
            warnings=("x",),
        ),
        Secrets(),
        {"x": "x"},
    )
    tags = [[tag for tag, _ in Elements(html.render(each)).tags] for each in (hostile, fine)]
    assert tags[0] == tags[1]


def test_a_line_of_ten_megabytes_does_not_make_the_page_large(
    trial: Callable[..., Trial], run_of: Callable[..., Run]
) -> None:
    line = "x" * 10_000_000
    cell = {"scenario": line, "provider": line}
    trials = [
        trial("none", "logged", evidence=line, **cell),
        trial(line, "none", **cell),
        trial("runner", status="broken", reason=line, **cell),
    ]
    view = build_view(run_of(trials, command=(line,), machine=Machine(line, 2, "3.13.0")), Secrets(), {line: line})
    assert len(html.render(view)) < 200_000


def test_every_cell_is_in_the_data_once(view: View) -> None:
    data = page_data(view)
    cells = [cell for row in data["rows"] for cell in row["cells"] if cell]
    assert len(cells) == sum(1 + len(subject.fixes) for subject in view.subjects)
    assert all(len(row["cells"]) == len(data["fixes"]) == 1 + len(view.fixes) for row in data["rows"])
    assert len(set(data["texts"])) == len(data["texts"])
    verdicts = [cell["v"] for cell in cells if "v" in cell]
    assert sorted(verdicts) == sorted(
        result.verdict for subject in view.subjects for result in subject.fixes if result.verdict
    )


def test_a_cell_holds_its_interval_its_account_and_its_findings(view: View) -> None:
    row = next(row for row in page_data(view)["rows"] if "1.54.0" in row["r"] and row["s"] == "repeated-run")
    assert len(page_data(view)["rows"]) == 9
    instrumented = [each["cells"][0] for each in page_data(view)["rows"] if each["cells"][0].get("w")]
    (baseline,) = instrumented
    assert [finding[0] for finding in baseline["f"]] == ["cross-loop-close", "client-left-open"]
    assert (baseline["k"], baseline["n"]) == (2, 2)
    assert baseline["i"] == [0.3424, 1.0]
    assert baseline["a"][:3] == [30, 30, 36]
    assert row["l"] == [3, 5, 5, 2]


def test_a_stack_that_is_written_once_is_there_for_each_event(view: View) -> None:
    (timeline,) = page_data(view)["timelines"]
    events = {event["n"]: event for event in timeline["events"]}
    assert events[14]["stack"] == events[12]["stack"]
    assert len(events[12]["stack"]) == 2


def test_texts_are_cut_to_what_a_page_can_show(view: View) -> None:
    data = page_data(replace(view, fix_notes={view.fixes[0]: "n" * 2 * TEXT}, fixes=(view.fixes[0], "f" * 2 * NAME)))
    assert len(data["fixes"][1]["note"]) < TEXT + 50
    assert len(data["fixes"][2]["name"]) < NAME + 50


def test_every_word_has_a_sign_of_its_own() -> None:
    assert set(VERDICT_SIGNS) == set(VERDICTS)
    assert set(SYMPTOM_SIGNS) == set(SYMPTOMS)
    for signs in (VERDICT_SIGNS, SYMPTOM_SIGNS):
        assert len(set(signs.values())) == len(signs)


def test_a_sweep_is_shown_with_its_intervals(view: View) -> None:
    page = html.render(replace(view, sweeps=(Sweep("calls", "openai", "3.13.0", ((5, 0, 3), (100, 3, 3))),)))
    assert "By calls per run: openai, Python 3.13.0" in page
    assert "3 of 3" in page
    assert "44 to 100 %" in page
