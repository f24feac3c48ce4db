from __future__ import annotations

import gc
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagnostics import async_tools, sanitizer
from diagnostics.jets.beam import Beam, best, generate
from diagnostics.lab.server import Faults, ProviderServer

if TYPE_CHECKING:
    from collections.abc import Callable

    from diagnostics.jets.program import JetEndpoint

PROMPT = "A client outlived its loop, and"
some_beams = st.lists(st.builds(Beam, st.text("ab", max_size=2), st.floats(-9, 0)), max_size=12)


@given(some_beams, st.integers(1, 5))
def test_the_best_are_kept_each_text_once(found: list[Beam], beams: int) -> None:
    kept = best(found, beams)
    texts = [beam.text for beam in kept]
    assert len(set(texts)) == len(texts) == min(beams, len({beam.text for beam in found}))
    assert [beam.score for beam in kept] == sorted((beam.score for beam in kept), reverse=True)
    dropped = [beam for beam in found if beam.text not in texts]
    assert all(beam.score <= kept[-1].score for beam in dropped)
    assert all(beam.score == max(other.score for other in found if other.text == beam.text) for beam in kept)


def test_a_wider_search_asks_more_and_finds_a_better_story(
    endpoint: Callable[..., JetEndpoint], server: ProviderServer, trial: str
) -> None:
    local = endpoint()
    told = {beams: generate(PROMPT, beams, 3, model_name="storyteller", base_url=local.base_url) for beams in (1, 4)}
    assert server.account(trial).requests == 3 + (4 + 16 + 16)
    assert [len(beams) for beams in told.values()] == [1, 4]
    assert told[4][0].score > told[1][0].score
    assert all(len(beam.text.split()) == 9 for beams in told.values() for beam in beams)
    assert told[4] == generate(PROMPT, 4, 3, model_name="storyteller", base_url=local.base_url)


def test_several_prompts_leave_nothing_behind_also_where_calls_fail(
    endpoint: Callable[..., JetEndpoint], server: ProviderServer, trial: str
) -> None:
    local = endpoint(Faults(status=(500, 429, 200, 500), retry_after=0.01))
    with sanitizer.watch() as findings:
        for prompt in (PROMPT, "two", "three"):
            generate(prompt, 3, 2, model_name="storyteller", base_url=local.base_url)
        async_tools.shutdown()
        gc.collect()
    assert findings == []
    account = server.account(trial)
    assert account.requests - account.retries == 3 * (3 + 9)


@pytest.mark.parametrize(("beams", "steps"), [(0, 1), (1, 0), (-1, 2)])
def test_no_beams_or_steps_are_refused(beams: int, steps: int) -> None:
    with pytest.raises(ValueError, match="1 or more"):
        generate(PROMPT, beams, steps)
