"""Every scenario under every fix, with a provider that notes on which loop a client was built, asked and closed."""

from __future__ import annotations

import gc
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diagnostics.experiment.fixes import FIXES
from diagnostics.experiment.program import END, Incompatible
from diagnostics.experiment.scenarios import SCENARIOS
from diagnostics.model.cell import Load
from tests.experiment.fake_provider import NO_LOOP, FakeClient, FakeProvider, begin, play

LOAD = Load(runs=3, calls=4, concurrency=2)
ONE_LOOP = ("runner", "global-loop", "background-loop", "single-run")
# One loop cannot be entered from two threads at once, and these fixes say so themselves.
ONE_THREAD_ONLY = ("runner", "global-loop", "instance-loop")
# What the program makes and drops is not theirs.
HAVE_THEIR_OWN = ("client-per-loop", "background-loop")
# They keep each client as long as its loop, which the provider of these tests keeps.
CACHES = ("weak-key-cache", "loop-id-cache")
PLAYABLE = [
    (fix, scenario)
    for fix in FIXES
    for scenario in SCENARIOS
    if scenario != "fork" and not (scenario == "threads" and fix in ONE_THREAD_ONLY)
]
loads = st.builds(Load, *(st.integers(min_value=1, max_value=most) for most in (4, 7, 4)))


@settings(max_examples=200)
@given(pair=st.sampled_from(PLAYABLE), load=loads)
def test_every_question_is_asked_once_and_answered_in_any_load(pair: tuple[str, str], load: Load) -> None:
    fix, scenario = pair
    provider = FakeProvider()
    try:
        ledger = play(FIXES[fix], SCENARIOS[scenario], provider, load)
    finally:
        provider.close_loops()

    expected = {f"run {run} call {call}" for run in range(load.runs) for call in range(load.calls)}
    assert ledger.errors == []
    assert sorted(provider.questions) == sorted(expected)
    assert ledger.calls == ledger.answers == len(expected)
    at_once = load.concurrency * (load.runs if scenario == "threads" else 1)
    assert provider.most_at_once <= at_once


@pytest.mark.parametrize("scenario", [name for name in SCENARIOS if name != "fork"])
@pytest.mark.parametrize("fix", ["context-manager", "explicit-close", "client-per-loop"])
def test_a_client_is_closed_once_on_the_loop_that_used_it(fix: str, scenario: str, provider: FakeProvider) -> None:
    play(FIXES[fix], SCENARIOS[scenario], provider, LOAD)

    own_loop = scenario == "sequential-classifiers" and fix == "explicit-close"
    assert len(provider.lives) == LOAD.runs
    for life in provider.lives:
        assert life.built != NO_LOOP
        assert {life.built} == set(life.asked) == set(life.closed)
        assert len(life.closed) == 1
    assert all(loop.is_closed() for loop in provider.loops) is not own_loop


@pytest.mark.parametrize("scenario", [name for name in SCENARIOS if name not in ("fork", "threads")])
@pytest.mark.parametrize("fix", ONE_LOOP)
def test_there_is_one_loop_which_is_closed_at_the_end(fix: str, scenario: str, provider: FakeProvider) -> None:
    play(FIXES[fix], SCENARIOS[scenario], provider, LOAD)

    assert len(provider.loops) == 1
    assert provider.loops[0].is_closed()
    assert {loop for life in provider.lives for loop in life.asked} == {1}
    assert {loop for life in provider.lives for loop in life.closed} <= {1}


@pytest.mark.parametrize("fix", ["background-loop", "single-run"])
def test_threads_share_the_one_loop_where_the_fix_can(fix: str, provider: FakeProvider) -> None:
    play(FIXES[fix], SCENARIOS["threads"], provider, LOAD)
    assert len(provider.loops) == 1


@pytest.mark.parametrize("fix", ["none", "never-close", "no-keepalive", "aiohttp-transport"])
def test_what_does_not_arrange_loops_enters_a_new_one_each_run(fix: str, provider: FakeProvider) -> None:
    play(FIXES[fix], SCENARIOS["repeated-run"], provider, LOAD)

    assert len(provider.loops) == LOAD.runs
    (life,) = provider.lives
    assert (life.built, life.closed) == (NO_LOOP, [])
    assert set(life.asked) == {1, 2, 3}
    assert {loop.is_closed() for loop in provider.loops} == {fix != "never-close"}


@pytest.mark.parametrize("scenario", ["keep-references", "sequential-classifiers"])
def test_an_instance_keeps_its_loop_and_nobody_closes_it(scenario: str, provider: FakeProvider) -> None:
    play(FIXES["instance-loop"], SCENARIOS[scenario], provider, LOAD)

    assert [loop.is_closed() for loop in provider.loops] == [False] * LOAD.runs
    assert [life.asked for life in provider.lives] == [[run] * LOAD.calls for run in (1, 2, 3)]


def test_the_sync_client_needs_no_loop(provider: FakeProvider) -> None:
    play(FIXES["sync-client"], SCENARIOS["repeated-run"], provider, LOAD)

    assert provider.loops == []
    assert [(life.built, life.closed) for life in provider.lives] == [(NO_LOOP, [NO_LOOP])]


@pytest.mark.parametrize(
    ("fix", "option", "value"),
    [("no-keepalive", "keepalive", False), ("aiohttp-transport", "transport", "aiohttp"), ("none", "retries", 7)],
)
def test_a_fix_builds_its_clients_differently(fix: str, option: str, value: object, provider: FakeProvider) -> None:
    arrangement, _, _ = begin(FIXES[fix], provider, Load(retries=7))
    assert getattr(arrangement.build().options, option) == value
    assert arrangement.build().options.retries == 7


@pytest.mark.parametrize("scenario", [name for name in SCENARIOS if name != "fork"])
def test_the_drop_in_has_one_client_which_is_closed_on_its_loop(scenario: str, provider: FakeProvider) -> None:
    """Whatever the program holds or drops: who takes `run_sync` asks `LoopLocal` for the client."""
    play(FIXES["background-loop"], SCENARIOS[scenario], provider, LOAD)

    (life,) = provider.lives
    assert (life.built, set(life.asked), life.closed) == (1, {1}, [1])


@pytest.mark.parametrize("fix", ["background-loop", "client-per-loop", "context-manager", "explicit-close"])
def test_a_client_that_cannot_be_closed_is_no_symptom(fix: str) -> None:
    class NeverClosed(FakeProvider):
        async def close(self, client: FakeClient) -> None:
            raise Incompatible("this release cannot close a client")

    provider = NeverClosed()
    with pytest.raises(Incompatible, match="cannot close"):
        play(FIXES[fix], SCENARIOS["sequential-classifiers"], provider, LOAD)
    provider.close_loops()


@pytest.mark.parametrize("fix", [fix for fix in ONE_LOOP if fix != "background-loop"])
def test_what_the_program_still_holds_at_its_end_is_closed(fix: str, provider: FakeProvider) -> None:
    """`END` is not resumed: the generator keeps its holders until the fix has tidied up."""
    arrangement, stage, _ = begin(FIXES[fix], provider, LOAD)
    program = SCENARIOS["keep-references"].play(stage)
    arrangement.play(program)
    if fix != "single-run":  # which tidies up inside its one run
        assert [life.client() is not None for life in provider.lives] == [True] * LOAD.runs
    arrangement.finish()
    assert [life.closed for life in provider.lives] == [[1]] * LOAD.runs
    assert next(program, END) is END


# The sync client closes every client at the end, so it holds them until then.
@pytest.mark.parametrize("fix", [name for name in FIXES if name not in ("sync-client", *CACHES)])
def test_a_dropped_client_is_gone_before_the_next_is_asked(fix: str, provider: FakeProvider) -> None:
    arrangement, stage, ledger = begin(FIXES[fix], provider, LOAD)
    arrangement.play(SCENARIOS["gc-between-runs"].play(stage))

    assert provider.most_alive == 1
    assert ledger.answers == LOAD.runs * LOAD.calls
    if fix not in HAVE_THEIR_OWN:
        assert [life.client() for life in provider.lives] == [None] * LOAD.runs
    arrangement.finish()


@pytest.mark.parametrize("fix", [name for name in FIXES if name not in ("sync-client", *HAVE_THEIR_OWN, *CACHES)])
def test_a_client_that_is_collected_inside_a_run_lives_until_then(fix: str, provider: FakeProvider) -> None:
    play(FIXES[fix], SCENARIOS["gc-inside-run"], provider, LOAD)
    closes_itself = fix in ("context-manager", "explicit-close")
    assert provider.most_alive == (1 if closes_itself else 2)


@pytest.mark.parametrize(("fix", "kept"), [("weak-key-cache", 0), ("loop-id-cache", LOAD.runs)])
def test_a_cache_closes_no_client_and_only_one_keyed_by_the_loop_forgets_it(
    fix: str, kept: int, provider: FakeProvider
) -> None:
    arrangement, stage, _ = begin(FIXES[fix], provider, LOAD)
    arrangement.play(SCENARIOS["repeated-run"].play(stage))
    arrangement.finish()
    assert [(set(life.asked), life.closed) for life in provider.lives] == [({run}, []) for run in (1, 2, 3)]

    provider.loops.clear()
    gc.collect()
    assert sum(life.client() is not None for life in provider.lives) == kept


class Failing(FakeProvider):
    """Every call fails."""

    async def ask(self, client: object, target: object, question: str) -> str:
        self.here()
        raise ConnectionError(question)


@pytest.mark.parametrize("fix", [name for name in FIXES if name != "sync-client"])
def test_a_call_that_fails_is_noted_and_the_others_go_on(fix: str) -> None:
    provider = Failing()
    ledger = play(FIXES[fix], SCENARIOS["repeated-run"], provider, LOAD)
    provider.close_loops()
    assert (ledger.calls, ledger.answers) == (12, 0)
    assert sorted(ledger.errors) == sorted(
        f"ConnectionError: run {run} call {call}" for run in range(3) for call in range(4)
    )


class Refusing(FakeProvider):
    """No client can be built."""

    def build(self, target: object, options: object) -> NoReturn:
        raise Incompatible("no such transport")

    build_sync = build


@pytest.mark.parametrize("scenario", ["repeated-run", "unclosed-in-coroutine", "threads"])
@pytest.mark.parametrize("fix", ["none", "context-manager", "single-run", "sync-client"])
def test_what_cannot_be_built_is_incompatible_and_no_symptom(fix: str, scenario: str) -> None:
    with pytest.raises(Incompatible, match="no such transport"):
        play(FIXES[fix], SCENARIOS[scenario], Refusing(), LOAD)


FORK = """
import sys
from diagnostics.experiment.fixes import FIXES
from diagnostics.experiment.scenarios import SCENARIOS
from diagnostics.model.cell import Load
from tests.experiment.fake_provider import FakeProvider, play

provider = FakeProvider()
ledger = play(FIXES[sys.argv[1]], SCENARIOS["fork"], provider, Load(3, 4, 2))
print(ledger.calls, ledger.answers, ledger.errors, len(provider.questions))
"""


@pytest.mark.parametrize("fix", ["none", "context-manager", "single-run", "background-loop", "client-per-loop"])
def test_what_a_forked_child_counts_comes_back(fix: str) -> None:
    """In a process of its own: pytest has threads, and a fork beside threads is a warning."""
    root = Path(__file__).parents[2]
    command = [sys.executable, "-c", FORK, fix]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False, timeout=120)
    # The first and the last of four runs are the parent's own.
    assert (done.stdout, done.returncode) == ("16 16 [] 8\n", 0), done.stderr
