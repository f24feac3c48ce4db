"""What a trial's traces mean: always a valid record, the worst first, and nothing that a file cannot hold."""

from __future__ import annotations

import json
import signal
import ssl
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagnostics.experiment.program import describe
from diagnostics.experiment.scenarios import SCENARIOS
from diagnostics.lab.execution.outcome import (
    EVIDENCE_CHARACTERS,
    INNERMOST,
    Traces,
    TrialPlan,
    conclude,
    not_run,
    printed,
    shorten,
)
from diagnostics.lab.server import Account
from diagnostics.model.cell import Cell, Environment
from diagnostics.model.codec import decode, encode
from diagnostics.model.request import HARNESS_FAILED
from diagnostics.model.trial import Trial

SOMEWHERE = Environment("somewhere", "3.13.0")
PLAN = TrialPlan(Cell("somewhere", "openai", "repeated-run", "none"), 0, "fork")
CLEAN = {
    "status": "ran",
    "errors": [],
    "calls": 4,
    "answers": 4,
    "raised": 0,
    "seconds": 0.1,
    "fds_left": 0,
    "fds_leaked": 0,
    "threads_left": 0,
}

counts = st.integers(min_value=0, max_value=10)
# With lone surrogates, which a result file can hold and a text file cannot.
texts = st.text(st.characters(), max_size=60)
PROVOKED = "openai.APIConnectionError: Connection error. <- RuntimeError: Event loop is closed"
"""An error of the kind that every scenario can provoke."""
ran = st.builds(
    lambda errors, counted, seconds: {
        **CLEAN,
        **dict(zip(("calls", "answers", "fds_left", "fds_leaked", "threads_left"), counted, strict=True)),
        "seconds": seconds,
        "errors": errors,
        "raised": len(errors),
    },
    st.lists(st.just(PROVOKED) | texts.map("ValueError: {}".format), max_size=3),
    st.tuples(*[counts] * 5),
    st.floats(min_value=0, max_value=1e6),
)
refused = st.builds(lambda reason: {"status": "incompatible", "reason": reason}, st.none() | texts)
traces = st.builds(
    Traces,
    result=st.none() | ran | refused,
    exit=st.integers(min_value=-80, max_value=255) | st.just(HARNESS_FAILED) | st.just(0),
    hang=st.booleans(),
    output=texts,
    account=st.builds(Account, counts, counts, counts),
)


@given(traces)
def test_any_traces_give_a_record_that_a_file_can_hold(left: Traces) -> None:
    trial = conclude(PLAN, SOMEWHERE, left, str)
    line = json.dumps(encode(trial), ensure_ascii=False).encode("utf-8")
    assert decode(Trial, json.loads(line), {trial.environment.name: trial.environment}) == trial
    assert trial.accounting.requests == left.account.requests
    assert (trial.symptom in (None, "none")) == (trial.evidence is None)
    assert (trial.status == "ran") == (trial.reason is None)


@given(traces)
def test_the_worst_that_happened_is_what_counts(left: Traces) -> None:
    trial = conclude(PLAN, SOMEWHERE, left, str)
    said = left.result or {"status": None}
    if left.hang:
        assert trial.symptom == "hang"
    elif left.exit == HARNESS_FAILED and left.result is None:
        assert trial.status == "broken"
    elif left.exit or left.result is None:
        assert trial.symptom == "crash"
    elif said["status"] == "incompatible":
        assert trial.status == "incompatible"
        assert trial.reason
    elif said["raised"]:
        assert (trial.status, trial.symptom) == (
            ("ran", "raised") if PROVOKED in said["errors"] else ("unrelated", None)
        )
    elif left.output.strip():
        assert trial.symptom == "logged"
    elif left.account.retries or left.account.requests > said["calls"]:
        assert trial.symptom == "retried"
    else:
        assert trial.symptom == "none"


@pytest.mark.parametrize("recovers", [True, False, None])
def test_a_record_says_whether_the_program_recovered(recovers: bool | None) -> None:
    left = replace(raising(RuntimeError("Event loop is closed")), result={**CLEAN, "recovers": recovers})
    assert decode(Trial, encode(conclude(PLAN, SOMEWHERE, left, str)), {"somewhere": SOMEWHERE}).recovers is recovers


def outcome(left: Traces, scenario: str = "repeated-run") -> tuple[str, str | None]:
    plan = replace(PLAN, cell=replace(PLAN.cell, scenario=scenario))
    trial = conclude(plan, SOMEWHERE, left, str)
    return trial.status, trial.symptom


def raising(*errors: BaseException) -> Traces:
    texts = [describe(error) for error in errors]
    return Traces({**CLEAN, "errors": texts, "raised": len(texts)}, 0, hang=False, output="", account=Account())


def caused(error: BaseException, cause: BaseException) -> BaseException:
    error.__cause__ = cause
    return error


FOREIGN = [
    FileNotFoundError(2, "No such file or directory", "/tmp/ca.pem"),
    ModuleNotFoundError("No module named 'anyio'"),
    OSError(28, "No space left on device"),
    MemoryError(),
    PermissionError(13, "Permission denied"),
    caused(Exception("Connection error."), ssl.SSLCertVerificationError(1, "unable to get local issuer certificate")),
    caused(Exception("Connection error."), ConnectionRefusedError(111, "Connection refused")),
]
OWN = [
    RuntimeError("Event loop is closed"),
    caused(Exception("Connection error."), RuntimeError("Event loop is closed")),
    caused(Exception("Connection error."), ssl.SSLError(1, "record layer failure")),
    ConnectionResetError(104, "Connection reset by peer"),
]


@pytest.mark.parametrize("error", FOREIGN, ids=repr)
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_an_exception_that_no_scenario_provokes_is_no_symptom(scenario: str, error: BaseException) -> None:
    assert outcome(raising(error), scenario) == ("unrelated", None)
    assert outcome(raising(error, *OWN), scenario) == ("ran", "raised")


@pytest.mark.parametrize("error", OWN, ids=repr)
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_an_exception_that_every_scenario_provokes_is_one(scenario: str, error: BaseException) -> None:
    assert outcome(raising(error), scenario) == ("ran", "raised")


def test_what_a_scenario_provokes_is_its_own() -> None:
    torn, lost = json.JSONDecodeError("Expecting value", "", 0), ChildProcessError("the forked child ended")
    every = {name: (outcome(raising(torn), name)[0], outcome(raising(lost), name)[0]) for name in SCENARIOS}
    assert {name: found for name, found in every.items() if "ran" in found} == {
        "fork": ("ran", "ran"),
        "threads": ("ran", "unrelated"),
    }


IMPORTED = """Task exception was never retrieved
future: <Task finished>
Traceback (most recent call last):
  File "a.py", line 1, in main
    import b
ModuleNotFoundError: No module named 'b'

The above exception was the direct cause of the following exception:

Traceback (most recent call last):
  File "a.py", line 3, in main
    raise OSError from error
    ^^^^^^^^^^^^^^^^^^^^^^^^
OSError: two
lines
last words"""
GROUP = """  + Exception Group Traceback (most recent call last):
  |   File "a.py", line 1, in main
  | ExceptionGroup: unhandled errors in a TaskGroup (2 sub-exceptions)
  +-+---------------- 1 ----------------
    | Traceback (most recent call last):
    |   File "a.py", line 2, in one
    | ValueError: 1
    +---------------- 2 ----------------
    | Traceback (most recent call last):
    |   File "a.py", line 3, in other
    | {}: 2
    +------------------------------------"""


@pytest.mark.parametrize(
    ("output", "names", "counts"),
    [
        ("Unclosed client session\nclient_session: <aiohttp.ClientSession>", [], True),
        (IMPORTED, ["ModuleNotFoundError", "OSError"], False),
        (GROUP.format("anyio.ClosedResourceError"), ["ExceptionGroup", "ValueError", "ClosedResourceError"], True),
        (GROUP.format("TypeError"), ["ExceptionGroup", "ValueError", "TypeError"], False),
    ],
)
def test_every_traceback_in_an_output_counts(output: str, names: list[str], counts: bool) -> None:
    assert printed(output) == names
    left = Traces(CLEAN, 0, hang=False, output=output, account=Account())
    assert outcome(left) == (("ran", "logged") if counts else ("unrelated", None))
    ended = replace(left, exit=1, result=None)
    assert outcome(ended) == (("ran", "crash") if counts else ("unrelated", None))


def evidence(left: Traces) -> str:
    return conclude(PLAN, SOMEWHERE, left, str).evidence or ""


def test_a_hang_shows_what_its_threads_wait_for_and_the_same_stack_once() -> None:
    pool = [f'  File "/x/lib/site-packages/httpcore/pool.py", line {number} in wait' for number in range(20)]
    stacks = [("Thread 0x1", pool), ("Thread 0x2", pool), ("Current thread 0x3", ['  File "prog.py", line 1 in main'])]
    dump = "\n".join("\n".join([f"{name} (most recent call first):", *stack]) for name, stack in stacks)
    assert evidence(Traces(None, -9, hang=True, output=f"last words\n{dump}\n", account=Account())).splitlines() == [
        "the program did not end in time",
        "last words",
        "2 threads, innermost first:",
        *(f'  File "httpcore/pool.py", line {number} in wait' for number in range(INNERMOST)),
        "1 thread, innermost first:",
        '  File "prog.py", line 1 in main',
    ]


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV])
def test_a_signal_has_a_name(number: signal.Signals) -> None:
    assert evidence(Traces(None, -number, hang=False, output="last words", account=Account())).splitlines() == [
        f"the process was ended by {number.name}",
        "last words",
    ]


def test_what_the_harness_could_not_write_is_no_symptom_of_the_program() -> None:
    output = "the trial's result cannot be written: [Errno 28] No space left on device"
    trial = conclude(PLAN, SOMEWHERE, Traces(None, HARNESS_FAILED, hang=False, output=output, account=Account()), str)
    assert (trial.status, trial.reason, trial.symptom) == ("broken", output, None)


def test_a_secret_is_taken_out_before_the_text_is_shortened() -> None:
    """Half a secret would not be recognised."""
    secret = "sk-" + "s" * 40
    for before in range(900, 1100):
        output = "x" * before + secret + "y" * EVIDENCE_CHARACTERS
        left = Traces(CLEAN, 0, hang=False, output=output, account=Account())
        trial = conclude(PLAN, SOMEWHERE, left, lambda text: text.replace(secret, "[key]"))
        assert "ss" not in (trial.evidence or "")


@given(st.text(max_size=400), st.integers(min_value=100, max_value=300))
def test_a_shortened_text_keeps_its_beginning_and_its_end(text: str, limit: int) -> None:
    short = shorten(text, limit)
    assert len(short) <= limit
    if len(text) <= limit:
        assert short == text
    else:
        assert text.startswith(short.partition("\n[… ")[0])
        assert text.endswith(short.rpartition(" characters …]\n")[2])


def test_the_reason_for_a_trial_that_could_not_run_is_shortened_too() -> None:
    trial = not_run(PLAN, SOMEWHERE, "broken", "x" * 10_000 + "\udcff", str)
    assert len(trial.reason or "") <= EVIDENCE_CHARACTERS
    (trial.reason or "").encode("utf-8")


def test_what_is_taken_out_is_counted_before_the_text_is_cut() -> None:
    def clean(text: str) -> str:
        return text.replace("marple", "<user>")

    said = "\n".join(f"line {number} of marple" for number in range(500))
    left = Traces({**CLEAN, "raised": 1, "errors": [said]}, 0, hang=False, output="", account=Account(0, 0, 0))
    trial = conclude(PLAN, SOMEWHERE, left, clean)
    assert trial.redacted == {"user": 500}
    assert not_run(PLAN, SOMEWHERE, "broken", "by marple", clean).redacted == {"user": 1}
