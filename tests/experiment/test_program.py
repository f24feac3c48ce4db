"""The ledger counts what happened and nothing else, from any thread; an exception becomes one line."""

from __future__ import annotations

import threading
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagnostics.experiment.program import ECHO, Batch, CallLedger, Holder, Stage, describe
from diagnostics.model.cell import Load

texts = st.text(max_size=30)
sizes = st.integers(min_value=1, max_value=40)


@given(question=texts, answer=texts)
def test_only_the_right_answer_counts(question: str, answer: str) -> None:
    ledger = CallLedger()
    ledger.answer(question, answer)
    assert (ledger.answers, len(ledger.errors)) == ((1, 0) if answer == ECHO + question else (0, 1))


@given(question=texts, length=sizes)
def test_of_a_left_stream_any_beginning_but_none_counts(question: str, length: int) -> None:
    ledger = CallLedger()
    ledger.answer(question, (ECHO + question)[:length], partial=True)
    ledger.answer(question, "", partial=True)
    ledger.answer(question, "x" + ECHO + question, partial=True)
    assert (ledger.answers, len(ledger.errors)) == (1, 2)


@given(st.lists(st.tuples(sizes, sizes, st.lists(texts, max_size=3)), max_size=5))
def test_what_other_processes_counted_is_added(counted: list[tuple[int, int, list[str]]]) -> None:
    ledger = CallLedger()
    for calls, answers, errors in counted:
        ledger.add(calls, answers, errors)
    assert ledger.calls == sum(calls for calls, _, _ in counted)
    assert ledger.answers == sum(answers for _, answers, _ in counted)
    assert ledger.errors == [error for _, _, errors in counted for error in errors]


@pytest.mark.parametrize(
    ("calls", "recovers"),
    [("", None), ("...", None), ("..E", None), (".E..", True), (".E.E", True), (".EE", False), ("EEE", False)],
)
def test_a_program_recovers_if_a_call_works_after_one_has_failed(calls: str, recovers: bool | None) -> None:
    ledger = CallLedger()
    for call in calls:
        if call == ".":
            ledger.answer("question", ECHO + "question")
        else:
            ledger.error(RuntimeError("Event loop is closed"))
    assert ledger.recovers is recovers


def test_two_threads_that_count_at_the_same_time_lose_nothing() -> None:
    both_are_counting = threading.Barrier(2)

    @dataclass(frozen=True)
    class SlowBatch(Batch):
        """Whoever read the count before asking for the size has read an old one."""

        @property
        def size(self) -> int:
            both_are_counting.wait(timeout=60)
            return 5

    ledger = CallLedger()
    batch = SlowBatch(Holder(), (), 1)
    threads = [threading.Thread(target=ledger.ask, args=(batch,)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert ledger.calls == 10


def chain(messages: list[str], *, explicit: bool) -> BaseException:
    """Each exception was raised because of the one before."""
    error: BaseException = ValueError(messages[0])
    for message in messages[1:]:
        outer = RuntimeError(message)
        if explicit:
            outer.__cause__ = error
        else:
            outer.__context__ = error
        error = outer
    return error


@given(st.lists(st.text(st.characters(exclude_characters="\n"), max_size=8), min_size=1, max_size=5), st.booleans())
def test_an_exception_and_its_causes_are_one_line_outermost_first(messages: list[str], explicit: bool) -> None:
    described = describe(chain(messages, explicit=explicit))
    assert "\n" not in described
    assert described.startswith("RuntimeError" if len(messages) > 1 else "ValueError")
    assert "ValueError" in described.split(" <- ")[-1]


def test_causes_in_a_circle_end() -> None:
    first, second = ValueError("first"), RuntimeError("second")
    first.__cause__, second.__cause__ = second, first
    assert describe(first) == "ValueError: first <- RuntimeError: second"


def test_a_suppressed_context_is_no_cause() -> None:
    error = RuntimeError("outer")
    error.__context__ = ValueError("inner")
    error.__suppress_context__ = True
    assert describe(error) == "RuntimeError: outer"


def test_a_message_of_several_lines_is_one() -> None:
    assert describe(ValueError("a\nb")) == "ValueError: a b"


@given(runs=sizes, calls=sizes)
def test_no_two_questions_of_a_trial_are_the_same(runs: int, calls: int) -> None:
    stage = Stage(Load(runs, calls), lambda holder: None, lambda: None)
    questions = [question for run in range(runs) for question in stage.questions(run)]
    assert len(set(questions)) == len(questions) == runs * calls


@given(calls=sizes, parted=st.booleans())
def test_a_batch_asks_every_question_of_its_run_in_order(calls: int, parted: bool) -> None:
    stage = Stage(Load(1, calls), lambda holder: None, lambda: None)
    batch = stage.batch(Holder(), 0, between=(lambda: None) if parted else None)
    assert tuple(question for wave in batch.waves for question in wave) == stage.questions(0)
    assert len(batch.waves) == (2 if parted else 1)
    assert batch.size == calls


def test_a_client_has_no_other_place() -> None:
    with pytest.raises(ValueError, match="attic"):
        Holder("attic")
