"""Every objection to a change, from observations that differ from an accepted one in one thing."""

from __future__ import annotations

from typing import Any

import pytest

from diagnostics.rewrite.proof.judge import judge
from diagnostics.rewrite.proof.observe import Conditions, Observation


def observed(
    *causes: tuple[str, str], status: int | None = 0, output: str = "a\nb\n", errors: str = "", **more: Any
) -> Observation:
    package, types = more.pop("package", {}), more.pop("types", {})
    calls, requests, blind = more.pop("calls", 2), more.pop("requests", 2), more.pop("cannot_tell", [])
    document = {
        "accounting": {"calls": calls, "requests": requests},
        "cannot_tell": blind,
        "root_causes": [
            {"kind": kind, "severity": severity, "title": f"title of {kind}", "findings": [f"F{number}"]}
            for number, (kind, severity) in enumerate(causes)
        ],
        "findings": [
            {
                "id": f"F{number}",
                "kind": kind,
                "severity": severity,
                "count": 1,
                "client": {"created_at": {"file": "/x/app.py", "line": 5}, "type": types.get(kind, "sdk.Client")},
                "fault": {"component": package.get(kind, "user"), "site": None},
                "loop": None,
            }
            for number, (kind, severity) in enumerate(causes)
        ],
    }
    return Observation(Conditions(), status, output, errors, document, seconds=1.0, **{"sockets": 0, **more})


LEAK, ERROR = ("client-left-open", "leak"), ("cross-loop-use", "error")
LEAKING = [observed(LEAK, sockets=1)] * 2
FAILING = [observed(ERROR, status=1, output="a\n", errors="Traceback (most recent call last)\nRuntimeError: x")] * 2


@pytest.mark.parametrize("baseline", [LEAKING, FAILING])
def test_a_change_after_which_nothing_is_wrong_is_accepted(baseline: list[Observation]) -> None:
    proof = judge(baseline, [observed()] * 3)
    assert proof.accepted, proof.reason
    assert proof.runs == 3
    assert any("root causes: none left" in line for line in proof.evidence)


@pytest.mark.parametrize(
    ("run", "reason"),
    [
        (observed(LEAK), "still: title of client-left-open (app.py:5, client-left-open)"),
        (observed(ERROR), "now: title of cross-loop-use"),
        (observed(("unclosed-at-exit", "note")), "now: title of unclosed-at-exit"),
        (observed(("stuck-waiter", "note")), "now: title of stuck-waiter"),
        (observed(status=3, errors="Traceback\nValueError: no"), "ends with status 3: ValueError: no"),
        (observed(status=None), "the program no longer ends"),
        (observed(cannot_tell=["the process 7 is not instrumented"]), "sees less than before: the process 7"),
        (observed(requests=3), "sent twice: 2 calls, 3 requests"),
        (observed(requests=1), "calls are not sent: 2 calls, 1 request"),
        (observed(calls=1, requests=1), "only 1 call of 2 is made"),
        (observed(calls=3, requests=3), "3 calls are made, where the program makes 2"),
        (observed(sockets=2), "2 sockets left open at the end, not 1"),
        (observed(errors="Task was destroyed but it is pending!"), "standard error has 'Task was destroyed"),
        (observed(reads_input=True), "now reads standard input"),
        (observed(output="a\nc\n"), "'c' is printed, and was 'b'"),
    ],
)
def test_each_objection_is_one_line(run: Observation, reason: str) -> None:
    proof = judge(LEAKING, [observed(), run])
    assert not proof.accepted
    assert reason in proof.reason
    assert "\n" not in proof.reason
    assert proof.runs == 2


@pytest.mark.parametrize(
    ("run", "reason"),
    [
        (observed(ERROR), "still: title of cross-loop-use"),
        (observed(status=1), "ends with status 1"),
        (observed(errors="Traceback (most recent call last)\nRuntimeError: x"), "standard error has"),
    ],
)
def test_a_program_that_failed_must_work_now(run: Observation, reason: str) -> None:
    assert reason in judge(FAILING, [run]).reason


def test_the_fault_of_a_package_may_stay_and_may_not_show_more_often() -> None:
    package = {"cross-loop-close": "sdk"}
    foreign = ("cross-loop-close", "leak")
    before = [observed(LEAK, foreign, package=package)] * 2
    proof = judge(before, [observed(foreign, package=package)])
    assert proof.accepted, proof.reason
    assert "only faults of packages are left, as before: title of cross-loop-close" in "\n".join(proof.evidence)
    more = judge(before, [observed(foreign, foreign, package=package)])
    assert "a package's own fault shows more often than before: title of cross-loop-close" in more.reason
    assert "still: title of client-left-open" in judge(before, [observed(LEAK, foreign, package=package)]).reason
    assert not judge([observed(LEAK)], [observed(foreign, package=package)]).accepted


def test_what_was_open_at_the_end_before_may_stay_unless_it_is_of_the_class_at_fault() -> None:
    note, types = ("unclosed-at-exit", "note"), {"unclosed-at-exit": "asyncio.Server"}
    before = [observed(LEAK, note, types=types)] * 2
    proof = judge(before, [observed(note, types=types)])
    assert proof.accepted, proof.reason
    assert "none left in any run; notes, as before: title of unclosed-at-exit" in "\n".join(proof.evidence)
    assert "now: title of" in judge(LEAKING, [observed(note, types=types)]).reason
    assert "still: title of unclosed-at-exit" in judge([observed(LEAK, note)] * 2, [observed(note)]).reason
    assert (
        "still: title of unclosed-at-exit" in judge([observed(note, types=types)], [observed(note, types=types)]).reason
    )


def test_a_close_that_nothing_awaits_is_refused_also_where_it_was_so_before() -> None:
    errors = "app.py:8: RuntimeWarning: coroutine 'AsyncStream.close' was never awaited\n  stream.close()\n"
    before = [observed(("client-left-open", "leak"), errors=errors)] * 2
    assert judge(before, [observed(errors=errors)]).reason.startswith(
        "a call that closes is not awaited: coroutine 'Async"
    )
    assert judge(before, [observed(errors=errors.replace("close'", "enclose'"))]).accepted


@pytest.mark.parametrize(
    ("after", "reason"),
    [
        ("...\n3 passed in 0.10s\n", ""),
        ("..s\n2 passed, 1 skipped in 0.10s\n", "2 tests passed, where 3 ran"),
        ("\n", "0 tests passed, where 3 ran"),
    ],
)
def test_of_tests_that_failed_as_many_must_pass_as_ran(after: str, reason: str) -> None:
    report = "F..\n=== FAILURES ===\nRuntimeError: Event loop is closed\n1 failed, 2 passed in 0.12s\n"
    before = [observed(ERROR, status=1, output=report)] * 2
    assert (judge(before, [observed(output=after)]).reason or "") == reason


def test_a_line_that_says_that_closing_failed_may_go() -> None:
    closing = ("cross-loop-close", "error")
    before = [observed(closing, output="a\nb\ncould not close\n")] * 2
    assert judge(before, [observed()]).accepted
    assert not judge(before, [observed(output="a\n")]).accepted
    assert not judge(before, [observed(output="a\ncould not close\n")]).accepted
    assert not judge([observed(closing)] * 2, [observed(output="a\n")]).accepted
    assert not judge([observed(ERROR, output="a\nb\nfailed\n")] * 2, [observed()]).accepted


def test_lines_that_no_fault_explains_may_not_be_lost() -> None:
    before = [observed(ERROR, status=0, output="a\nfailed\n")]
    assert judge(before, [observed(output="a\nb\n")]).accepted
    assert "'failed'" in judge(before, [observed(output="x\ny\n")]).reason
    twice = [observed(ERROR, status=0, output="a\nrun 1 failed\nrun 2 failed\n")]
    assert judge(twice, [observed(output="a\nb\nc\n")]).accepted
    assert "1 line printed, where 2 were" in judge(before, [observed(output="a\n")]).reason


def test_a_failure_of_several_lines_is_one_that_an_answer_may_replace() -> None:
    before = [
        observed(ERROR, status=0, output="200 a\n500 <html>\n<h1>Internal Server Error</h1>\n<p>Sorry.</p>\nend\n")
    ]
    assert judge(before, [observed(output="200 a\n200 b\nend\n")]).accepted
    assert "2 lines printed, where 5 were" in judge(before, [observed(output="200 a\nend\n")]).reason
    other = [observed(ERROR, status=0, output="200 a\nb\nc\nd\nend\n")]
    assert "3 lines printed, where 5 were" in judge(other, [observed(output="200 a\n200 b\nend\n")]).reason


def test_a_program_that_ends_with_a_status_of_its_own_keeps_it() -> None:
    before = [observed(LEAK, status=3)]
    assert judge(before, [observed(status=3)]).accepted
    assert not judge(before, [observed(status=3, output="")]).accepted


def test_only_the_output_is_open_to_more_runs_before() -> None:
    assert judge(LEAKING, [observed(output="")]).output
    assert not judge(LEAKING, [observed(LEAK, output="")]).output
