"""`generate`: a beam search over chat completions, parallel within a step, with a client that its own loop closes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from openai import AsyncOpenAI

from diagnostics.async_tools import run_sync
from diagnostics.jets.asking import each_in_its_place
from diagnostics.jets.classifier import NO_KEY

if TYPE_CHECKING:
    from openai.types.chat import ChatCompletion

_SYSTEM = (
    "Continue the text by a few words. Answer with the continuation alone, or with nothing if the text is complete."
)


class NoProbabilities(RuntimeError):
    """The endpoint sends no log probabilities, which is what beams are ranked by."""


@dataclass(frozen=True)
class Beam:
    """A continuation of the prompt.

    Attributes:
        score: the sum of the log probabilities of its tokens, 0 at most.
    """

    text: str
    score: float


def generate(
    prompt: str,
    beams: int = 3,
    steps: int = 4,
    *,
    model_name: str = "openai/gpt-oss-120b",
    base_url: str | None = None,
    api_key: str | None = None,
    max_tokens: int = 8,
    max_retries: int = 2,
) -> tuple[Beam, ...]:
    """Continues a prompt; blocks, also where a loop is running.

    Each step asks for `beams` continuations of every beam at once, told apart by their seed, and keeps the best.

    Args:
        beams: how many are kept.
        steps: how often each is continued, by `max_tokens` tokens at most.

    Returns:
        The beams, best first; fewer than `beams` where the model says the same again.

    Raises:
        ValueError: `beams` or `steps` is below 1.
        NoProbabilities: beams cannot be ranked on this endpoint.
        openai.OpenAIError: a call failed, its retries included.
    """
    if beams < 1 or steps < 1:
        raise ValueError(f"beams and steps must be 1 or more, not {beams} and {steps}")
    settings = {"model": model_name, "max_tokens": max_tokens, "logprobs": True}
    key = NO_KEY if api_key is None and base_url is not None else api_key

    async def search() -> tuple[Beam, ...]:
        async with AsyncOpenAI(base_url=base_url, api_key=key, max_retries=max_retries) as client:
            kept: tuple[Beam, ...] = (Beam("", 0.0),)
            for _ in range(steps):
                kept = await _step(client, settings, prompt, kept, beams)
            return kept

    return run_sync(search(), inside_loop="block")


async def _step(
    client: AsyncOpenAI, settings: dict[str, Any], prompt: str, kept: Sequence[Beam], beams: int
) -> tuple[Beam, ...]:
    async def continued(asked: tuple[Beam, int]) -> Beam:
        beam, seed = asked
        messages: list[Any] = [{"role": "system", "content": _SYSTEM}, {"role": "user", "content": prompt + beam.text}]
        completion = await client.chat.completions.create(messages=messages, seed=seed, **settings)
        return _extend(beam, completion)

    asked = [(beam, seed) for beam in kept for seed in range(beams)]
    found = await each_in_its_place(asked, continued, len(asked))
    return best(found, beams)


def best(found: Sequence[Beam], beams: int) -> tuple[Beam, ...]:
    """The best beams, each text once; equal scores in the order in which they were asked for."""
    different: dict[str, Beam] = {}
    for beam in sorted(found, key=lambda beam: -beam.score):
        different.setdefault(beam.text, beam)
    return tuple(different.values())[:beams]


def _extend(beam: Beam, completion: ChatCompletion) -> Beam:
    choice = completion.choices[0]
    more = choice.message.content or ""
    if not more:
        return beam  # it is at its end
    if choice.logprobs is None or choice.logprobs.content is None:
        raise NoProbabilities(f"{completion.model} sends no log probabilities; a beam search cannot rank its answers")
    return Beam(beam.text + more, beam.score + sum(token.logprob for token in choice.logprobs.content))
