"""Facts become findings: grouped, in order, with the component that holds the client."""

from __future__ import annotations

import asyncio
import sys
from types import CodeType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagnostics.model.codec import encode
from diagnostics.model.words import FINDING_KINDS, SEVERITIES
from diagnostics.sanitizer.analyze.describe import component, who
from diagnostics.sanitizer.analyze.evaluate import counts, evaluate
from diagnostics.sanitizer.analyze.phrasing import KINDS, SHARED, UNENDED, blame
from diagnostics.sanitizer.analyze.root_causes import group
from diagnostics.sanitizer.analyze.suppressions import keep
from diagnostics.sanitizer.capture.facts import CallRecord, ClientRecord, ConnectionRecord, Fact, LoopRecord
from diagnostics.sanitizer.capture.holders import ClientHolder
from diagnostics.sanitizer.capture.sites import capture, contains, in_stdlib, is_users
from diagnostics.sanitizer.output import full_text
from diagnostics.sanitizer.output.drawing import Style
from diagnostics.sanitizer.output.text import render

USERS = "/home/somebody/agent.py"
INSTALLED = "/venv/lib/python3.13/site-packages"


class Thing:
    """Stands for a live loop, client or connection."""


def code(file: str, name: str = "main") -> CodeType:
    """A code object as if it came from a file."""
    namespace: dict[str, Any] = {}
    exec(compile(f"def {name}(): pass", file, "exec"), namespace)
    found: CodeType = namespace[name].__code__
    return found


def stack(*files: str) -> tuple[Any, ...]:
    return tuple(part for file in files for part in (code(file), 1))


LOOPS = [LoopRecord(Thing(), stack(USERS)), LoopRecord(Thing(), stack(USERS, USERS))]
CLIENTS = [
    ClientRecord(Thing(), "openai.AsyncOpenAI", "openai", stack(USERS)),
    ClientRecord(
        Thing(),
        "openai.AsyncOpenAI",
        "openai",
        stack(f"{INSTALLED}/openai/_client.py", f"{INSTALLED}/agentkit/x.py", USERS),
    ),
]
CONNECTIONS = [ConnectionRecord(LOOPS[0], CLIENTS[0], "localhost:1", stack(USERS))]
facts = st.builds(
    Fact,
    st.sampled_from(sorted(FINDING_KINDS)),
    st.sampled_from(sorted(SEVERITIES)),
    loop=st.sampled_from(LOOPS),
    client=st.sampled_from([*CLIENTS, None]),
    connection=st.sampled_from([*CONNECTIONS, None]),
    current=st.sampled_from([*LOOPS, None]),
    stack=st.sampled_from([stack(USERS), ()]),
    trigger=st.sampled_from(["gc", "call", "loop close"]),
    operation=st.sampled_from(["", "transport.abort"]),
    count=st.integers(1, 5),
    detail=st.just({"connections": 1}),
)


@given(st.lists(facts, max_size=12))
def test_nothing_is_lost_or_made_up(made: list[Fact]) -> None:
    findings = evaluate(made)
    assert sum(finding.count for finding in findings) == sum(fact.count for fact in made)
    assert sorted({(f.kind, f.severity) for f in findings}) == sorted({(f.kind, f.severity) for f in made})
    assert {(kind, severity): count for kind, severity, count in counts(made)} == {
        (kind, severity): sum(f.count for f in findings if (f.kind, f.severity) == (kind, severity))
        for kind, severity, _ in counts(made)
    }


@given(st.lists(facts, max_size=12))
def test_errors_come_first_and_equal_facts_give_equal_findings(made: list[Fact]) -> None:
    findings = evaluate(made)
    order = [list(SEVERITIES).index(finding.severity) for finding in findings]
    assert order == sorted(order)
    assert [encode(finding) for finding in evaluate(made)] == [encode(finding) for finding in findings]
    assert keep(findings, [("*", "*")]) == []


@given(st.lists(facts, min_size=1, max_size=12))
def test_the_report_ends_with_a_summary_that_names_each_kind(made: list[Fact]) -> None:
    findings = evaluate(made)
    text = full_text.render(findings)
    last = text.splitlines()[-1]
    assert last.startswith("SUMMARY: diagnostics: ")
    assert all(finding.kind in last and finding.message in text for finding in findings)
    assert text.count("AT FAULT: ") == text.count("FIX") == len(findings)


def test_nothing_seen_is_nothing_said() -> None:
    assert full_text.render(evaluate([])) == ""
    assert render([], [], Style()) == ""


def test_who_is_at_fault_and_why_is_one_sentence() -> None:
    assert blame("your code", SHARED) == "your code uses one client on several loops"
    assert blame("your code", UNENDED) == "your code: its task goes on after it was cancelled"


def test_each_kind_has_words() -> None:
    assert KINDS.keys() == FINDING_KINDS.keys()


def test_what_follows_from_a_foreign_connection_is_not_told_twice() -> None:
    call = CallRecord.of_another_process()
    first = Fact("cross-loop-use", "error", loop=LOOPS[0], call=call)
    second = Fact("use-after-loop-close", "error", loop=LOOPS[0], call=call)
    assert [finding.kind for finding in evaluate([second, first])] == ["cross-loop-use"]
    assert [finding.kind for finding in evaluate([second])] == ["use-after-loop-close"]


def test_what_a_line_does_with_a_known_client_is_told_without_its_other_effects() -> None:
    client = ClientRecord(Thing(), "asyncpg.Pool", "asyncpg", stack(USERS))
    client.holder = ClientHolder("asyncpg.Pool", None, is_persons=True, how="opened")
    line = stack(USERS)
    use = Fact("cross-loop-use", "error", loop=LOOPS[0], current=LOOPS[1], client=client, stack=line)
    effect = Fact(
        "use-after-loop-close", "error", loop=LOOPS[0], current=LOOPS[1], stack=(code("base_events.py"), 1, *line)
    )
    assert [finding.kind for finding in evaluate([effect, use])] == ["cross-loop-use"]
    assert [finding.kind for finding in evaluate([effect])] == ["use-after-loop-close"]


@pytest.mark.parametrize("made", [ClientRecord(Thing(), "asyncio.Event", "asyncio", stack(USERS)), None])
def test_a_lock_inside_a_call_is_not_told_beside_its_client(made: ClientRecord | None) -> None:
    where = {"loop": LOOPS[0], "current": LOOPS[1]}
    inside = stack("locks.py", USERS)
    lock = Fact("cross-loop-use", "error", client=made, stack=inside, detail={"what": "an asyncio Event"}, **where)
    use = Fact("cross-loop-use", "error", client=CLIENTS[0], stack=stack(USERS), **where)
    assert [each.client and each.client.type for each in evaluate([lock, use])] == ["openai.AsyncOpenAI"]
    assert [each.client and each.client.type for each in evaluate([lock])] == [made and "asyncio.Event"]


@pytest.mark.parametrize(("client", "holder"), [(CLIENTS[0], "user"), (CLIENTS[1], "agentkit")])
def test_the_fault_goes_to_the_component_that_holds_the_client(client: ClientRecord, holder: str) -> None:
    (finding,) = evaluate([Fact("cross-loop-use", "error", loop=LOOPS[0], client=client)])
    assert component(client) == finding.fault.component == holder
    assert finding.client is not None
    assert finding.client.created_at is not None
    assert finding.client.created_at.file == USERS
    (cause,) = group([finding], ()).root_causes
    assert cause.advice[0].fix == ("context-manager" if holder == "user" else "background-loop")


@pytest.mark.parametrize(
    ("files", "names", "closed_by"),
    [
        ((USERS,), ("main",), "user"),
        (("runners.py", USERS), ("close", "main"), "asyncio.Runner"),
        (("runners.py", "runners.py", USERS), ("close", "run", "main"), "asyncio.run"),
        (("base_events.py", USERS), ("__del__", "main"), "gc"),
    ],
)
def test_what_closed_a_loop_is_named(files: tuple[str, ...], names: tuple[str, ...], closed_by: str) -> None:
    folder = asyncio_folder()
    made: list[Any] = []
    for file, name in zip(files, names, strict=True):
        made += [code(file if file == USERS else folder + file, name), 1]
    assert who(tuple(made), "close") == closed_by


def asyncio_folder() -> str:
    return asyncio.__file__.removesuffix("__init__.py")


def test_a_stack_is_captured_from_the_caller_outwards_and_shared() -> None:
    def inner() -> Any:
        return capture(sys._getframe(0))

    once, again = [inner() for _ in range(2)]
    assert once is again
    assert once[0] is inner.__code__
    assert contains(once, once[2:])
    assert not contains(once[4:], once)


def test_equal_functions_of_two_files_are_told_apart() -> None:
    files = []
    for file in ("/home/somebody/one.py", "/home/somebody/other.py"):
        namespace: dict[str, Any] = {"capture": capture}
        exec(compile("def make():\n    return capture()\n", file, "exec"), namespace)
        files.append(namespace["make"]()[0].co_filename)
    assert files == ["/home/somebody/one.py", "/home/somebody/other.py"]


def test_whose_a_file_is() -> None:
    assert is_users(USERS)
    assert not is_users(f"{INSTALLED}/openai/_client.py")
    assert in_stdlib(asyncio_folder() + "runners.py")
    assert in_stdlib("<frozen runpy>")


def test_connections_of_several_loops_are_not_told_as_those_of_one() -> None:
    loops = [LoopRecord(Thing(), stack(USERS)) for _ in range(3)]

    def left(*on: LoopRecord) -> str:
        (finding,) = evaluate(
            Fact("client-left-open", "leak", loop=loop, client=CLIENTS[0], detail={"connections": 2}) for loop in on
        )
        return finding.message

    assert left(loops[0]) == "2 connections of openai.AsyncOpenAI C1 left open when its loop closed: L1"
    assert left(*loops) == ("6 connections of openai.AsyncOpenAI C1 left open when their loops closed: L1 and 2 others")


def test_several_locks_of_one_cause_are_one_root_cause() -> None:
    waits = [
        Fact(
            "cross-loop-use",
            "error",
            loop=LOOPS[0],
            client=ClientRecord(None, f"asyncio.{kind}", "asyncio", ()),
            current=LOOPS[1],
            stack=stack(f"/home/somebody/{kind}.py"),
            operation=f"{kind}.wait",
            detail={"what": f"an asyncio {kind}"},
        )
        for kind in ("Lock", "Event", "Queue")
    ]
    report = group(evaluate(waits), ())
    (cause,) = report.root_causes
    assert (len(report.findings), report.findings[0].count) == (1, 3)
    assert "an asyncio Lock and an asyncio Event and an asyncio Queue" in report.findings[0].message
    assert cause.kind == "cross-loop-use"


def test_a_task_that_was_pending_is_shown_where_it_waits() -> None:
    fact = Fact("pending-task-destroyed", "leak", loop=LOOPS[0], stack=stack(USERS), trigger="loop close")
    report = group(evaluate([fact]), ())
    text = render(report.root_causes, report.findings, Style())
    assert "the task still waits here" in text
