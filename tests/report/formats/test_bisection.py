"""What people read of a search through releases."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from diagnostics.model.bisection import Bisection, Outcome, ReleaseChange, ReleaseSpan, TriedRelease
from diagnostics.model.cell import Load
from diagnostics.model.codec import RecordError, encode
from diagnostics.report.formats.bisection import markdown, markdown_table, outcome_words, read, text

ROOT = Path(__file__).parents[3]
KEPT = sorted((ROOT / "reports" / "history").glob("*.json"))

RETRIED = Outcome("retried", ("cross-loop-use", "duplicate-request"), requests="more")
RAISED = Outcome("raised", ("cross-loop-use",), answers="some", evidence="RuntimeError: closed")
BEFORE = TriedRelease(
    "1.0.0", "2025-01-01", RETRIED, trials=6, environment="py3.12_widget-1.0.0-aa", packages={"a": "1"}
)
AFTER = TriedRelease("2.0.0", "2025-03-01", RAISED, trials=6, environment="py3.12_widget-2.0.0-bb", packages={"a": "2"})
MUTE = TriedRelease("1.1.0", "2025-02-01", reason="incompatible: half of it is missing")
FOUND = Bisection(
    package="openai",
    provider="openai",
    what="repeated-run",
    is_script=False,
    fix="none",
    load=Load(),
    python="3.12.1",
    loop="asyncio",
    hold="date",
    requirements=("httpx==0.27.2",),
    by="outcome",
    every=True,
    releases=4,
    changes=(
        ReleaseChange(
            BEFORE,
            AFTER,
            {"1.1.0": MUTE.reason or "", "1.2.0": "yanked"},
            {"a": ("1", "2"), "b": (None, "1")},
            "package",
            "https://github.com/some/widget/compare/v1.0.0...v2.0.0",
        ),
    ),
    history=(
        ReleaseSpan("1.0.0", "1.0.0", "2025-01-01", "2025-01-01", 1, 1, RETRIED),
        ReleaseSpan("2.0.0", "2.1.0", "2025-03-01", "2025-04-01", 2, 2, RAISED),
    ),
    tried=(BEFORE, MUTE, AFTER),
    command=("python", "-m", "diagnostics", "bisect", "openai", "--all"),
    seconds=12.4,
)


def test_the_record_has_the_form_that_was_promised_and_reads_back() -> None:
    data = encode(FOUND)

    assert data["schema"] == "diagnostics.bisect/2"
    assert (data["package"], data["what"], data["is_script"], data["python"]) == (
        "openai",
        "repeated-run",
        False,
        "3.12.1",
    )
    (change,) = data["changes"]
    assert (change["before"]["version"], change["after"]["version"]) == ("1.0.0", "2.0.0")
    assert change["difference"][0] == "symptom: retried → raised"
    assert data["history"][1]["outcome"]["symptom"] == "raised"
    assert [each["version"] for each in data["tried"] if each["outcome"] is None] == ["1.1.0"]
    assert read(json.dumps(data)) == FOUND


@pytest.mark.parametrize("broken", ["", "[]", "{}", '{"schema": "diagnostics.bisect/1"}', '{"schema": "other/1"}'])
def test_what_is_no_record_is_said(broken: str) -> None:
    with pytest.raises(RecordError, match="not a record"):
        read(broken)


def test_a_script_is_named_in_place_of_a_scenario() -> None:
    mine = replace(FOUND, what="mine.py", is_script=True)
    assert read(json.dumps(encode(mine))) == mine


def test_the_answer_names_both_releases_what_differs_and_what_else_moved() -> None:
    shown = text(FOUND)

    assert "openai 1.0.0 (2025-01-01) → 2.0.0 (2025-03-01): sent twice → raised" in shown
    assert "requests: more → one a call" in shown
    assert "findings: −duplicate-request" in shown
    assert "between them, without an outcome: 1.1.0 (incompatible: half of it is missing), 1.2.0 (yanked)" in shown
    assert "other packages that changed: a 1 → 2, b (none) → 1" in shown
    assert "cause: openai; with" in shown
    assert "2.0.0: RuntimeError: closed" in shown
    assert "https://github.com/some/widget/compare/v1.0.0...v2.0.0" in shown
    assert "3 of 4 releases tested" in shown
    assert shown.endswith("python -m diagnostics bisect openai --all\n")


@pytest.mark.parametrize(("cause", "word"), [("others", "another package"), ("cannot tell", "unknown")])
def test_whose_doing_it_is_is_said(cause: str, word: str) -> None:
    change = replace(FOUND.changes[0], cause=cause)
    assert f"cause: {word}; " in text(replace(FOUND, changes=(change,)))


def test_no_change_is_an_answer() -> None:
    shown = text(replace(FOUND, changes=(), history=FOUND.history[:1]))
    assert "No change was found in the tested releases." in shown


def test_a_table_has_a_row_a_stretch_and_stays_a_table_whatever_a_script_is_called() -> None:
    odd = replace(FOUND, what="a|b`c\n.py", is_script=True)
    tokens = MarkdownIt("commonmark").enable("table").parse(markdown_table([FOUND, odd]))

    assert sum(token.type == "tr_open" for token in tokens) == 1 + 2 + 2
    assert sum(token.type == "td_open" for token in tokens) == 4 * 8


@pytest.mark.parametrize(
    ("cause", "cell"),
    [
        ("package", "| openai 2.0.0 |"),
        ("others", "| a 1 → 2, b (none) → 1 |"),
        ("cannot tell", "| openai 2.0.0, or a 1 → 2, b (none) → 1 |"),
    ],
)
def test_a_table_says_what_brought_a_stretch(cause: str, cell: str) -> None:
    change = replace(FOUND.changes[0], cause=cause)
    assert cell in markdown_table([replace(FOUND, changes=(change,))])


def test_markdown_is_the_table_and_every_change() -> None:
    shown = markdown(FOUND)
    fences = [token for token in MarkdownIt("commonmark").enable("table").parse(shown) if token.type == "fence"]

    assert markdown_table([FOUND]).strip() in shown
    assert len(fences) == 2
    assert "requests: more → one a call" in fences[0].content


def test_an_outcome_in_one_line() -> None:
    assert outcome_words(Outcome("none")) == "none (no finding)"
    assert outcome_words(RAISED) == "raised, some of the calls answered (cross-loop-use)"
    assert outcome_words(Outcome("raised", recovers=False)) == "raised, does not recover (no finding)"
    assert outcome_words(Outcome("raised", exit_status=3)) == "raised, exit status 3 (no finding)"


def test_the_histories_that_were_promised_are_kept() -> None:
    kept = {(found.package, found.what) for found in (read(file.read_text(encoding="utf-8")) for file in KEPT)}
    assert kept == {
        ("openai", "repeated-run"),
        ("openai", "gc-inside-run"),
        ("google-genai", "repeated-run"),
        ("httpx2", "repeated-run"),
        ("anthropic", "repeated-run"),
    }
