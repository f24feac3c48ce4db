"""The records of a phase, and what people see of them."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from diagnostics.lab.execution.outcome import TrialPlan
from diagnostics.model.cell import Cell, Environment, Load
from diagnostics.model.codec import encode
from diagnostics.model.event import Event
from diagnostics.model.machine import Machine
from diagnostics.model.phase import CANNOT_TELL, KNOWN, PhaseAnswer, PhaseResult, Table, cannot_tell, read_phase
from diagnostics.phases.formats import MOST_ROWS, event_printer, markdown

WORDS = st.text(min_size=1, max_size=40).filter(lambda text: text.strip() != "")


def findings(*answers: PhaseAnswer) -> PhaseResult:
    environment = Environment("e-1", "3.13.0", packages={"openai": "3.54.0", "httpx2": "2.16.2"})
    machine = Machine("Linux", 2, "3.12.1")
    return PhaseResult(
        2, "the life of every loop", "openai", environment, machine, "2026-11-22T00:00:00+00:00", 1.5, answers
    )


TABLE = Table("every loop", ("loop", "closed by"), (("L1", "`BaseEventLoop.__del__`"), ("L2", "nothing | at all")))
ANSWER = PhaseAnswer(
    "What closes the loop?", ("In `x` it is `__del__`.",), tables=(TABLE,), facts={"closed_by": {"x": ["y"]}}
)


def test_what_was_written_is_read_again() -> None:
    found = findings(ANSWER, cannot_tell("And why?", "Nothing was instrumented."))

    again = read_phase(json.loads(json.dumps(encode(found))))

    assert again == found
    assert again.facts() == {"closed_by": {"x": ["y"]}}


@given(
    st.lists(
        st.tuples(WORDS, st.lists(WORDS, min_size=1, max_size=3), st.sampled_from((KNOWN, CANNOT_TELL))), max_size=4
    )
)
def test_any_words_survive_being_written(said: list[tuple[str, list[str], str]]) -> None:
    found = findings(*(PhaseAnswer(question, tuple(sentences), verdict) for question, sentences, verdict in said))

    assert read_phase(json.loads(json.dumps(encode(found)))) == found


@pytest.mark.parametrize("data", [None, [], {}, {"schema": "diagnostics.phase/2"}, {"schema": "diagnostics.phase/1"}])
def test_something_else_is_refused(data: object) -> None:
    with pytest.raises(ValueError, match=r"expected|missing"):
        read_phase(data)


def test_a_phase_has_found_out_if_any_answer_is_known() -> None:
    unsure = cannot_tell("And why?", "Nothing was instrumented.")

    assert findings(ANSWER, unsure).found_out
    assert not findings(unsure).found_out


def test_an_answer_needs_a_sentence_and_a_table_its_columns() -> None:
    with pytest.raises(ValueError, match="no sentence"):
        PhaseAnswer("Why?", ())
    with pytest.raises(ValueError, match="a verdict is"):
        PhaseAnswer("Why?", ("So.",), "maybe")
    with pytest.raises(ValueError, match="a row of 1 under 2"):
        Table("t", ("a", "b"), (("x",),))


def test_the_page_has_questions_tables_and_answers() -> None:
    page = markdown(findings(ANSWER, cannot_tell("And why?", "Nothing was instrumented.")))

    rendered = MarkdownIt().enable("table").render(page)
    assert rendered.count("<h2>") == 2
    assert rendered.count("<tr>") == 3
    assert "<code>BaseEventLoop.__del__</code>" in rendered
    assert "<strong>Unknown.</strong> Nothing was instrumented." in rendered


def test_a_long_table_is_cut_and_says_so() -> None:
    rows = tuple((str(number),) for number in range(MOST_ROWS + 5))

    page = markdown(findings(PhaseAnswer("Q?", ("A.",), tables=(Table("t", ("n",), rows),))))

    assert "5 more rows" in page


def test_a_page_has_no_escape_sequence() -> None:
    page = markdown(findings(PhaseAnswer("Q?", ("red: \x1b[31m `x`",), tables=(TABLE,))))

    assert "\x1b" not in page
    assert "every loop" in page


@pytest.mark.parametrize(("every", "passes"), [(False, ["2"]), (True, ["1", "2", "4"])])
def test_a_collection_is_printed_where_it_finalised_something(
    every: bool, passes: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    plan = TrialPlan(Cell("e", "httpx2", "repeated-run", "none", Load()), 0, "cold", instrumented=True, events=True)
    listener = event_printer(as_json=False, all_collections=every)
    for event in (
        Event(1, "GC", "", "collected", detail="generation 1"),
        Event(2, "GC", "", "collected", detail="generation 2"),
        Event(3, "C1", "httpx2.AsyncClient", "gone", detail="by the collector"),
        Event(4, "GC", "", "collected", detail="generation 4"),
        Event(5, "C2", "httpx2.AsyncClient", "gone", detail="with its last reference"),
    ):
        listener(plan, event)

    printed = capsys.readouterr().out.splitlines()
    assert [line.split()[-1] for line in printed if line.startswith("[GC]")] == passes
    assert printed.index("[GC] collected - generation 2") < printed.index("[C1] gone - by the collector")
