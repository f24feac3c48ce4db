"""The same analysis under any fix of `diagnostics.experiment`, the failing ones included.

The program is the scenario `sequential-classifiers`: for each configuration an object with a loop of its own and a lazy
client, rebound for the next one. A fix works on it as on every scenario. This module only translates: a question of the
scenario is a jet of a configuration.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from diagnostics.experiment.fix import Fix
from diagnostics.experiment.program import Batch, CallLedger, CallTarget, Incompatible, Stage
from diagnostics.experiment.scenarios import SCENARIOS
from diagnostics.experiment.stainless_chat import StainlessChat
from diagnostics.jets.classifier import NO_KEY
from diagnostics.jets.progress import Tick
from diagnostics.jets.prompt import UnreadableAnswer, read, request
from diagnostics.model.cell import Load

SCENARIO = SCENARIOS["sequential-classifiers"]


@dataclass(frozen=True)
class JetEndpoint:
    """An OpenAI-compatible endpoint.

    Attributes:
        base_url: with the version, such as `http://localhost:8000/v1`.
        model: as the endpoint knows it.
        retries: the SDK's, for each call.
    """

    base_url: str
    model: str
    api_key: str = NO_KEY
    retries: int = 2


@dataclass(frozen=True)
class Inquiry:
    """One configuration's calls.

    Attributes:
        prompts: one for each jet.
        effort: the reasoning effort that is asked for.
    """

    prompts: tuple[str, ...]
    effort: str | None


def name(run: int, jet: int) -> str:
    """What the scenario calls a jet of a configuration."""
    return f"{run}/{jet}"


class Asking(StainlessChat):
    """The OpenAI SDK, asked about the jet that a question stands for."""

    def __init__(self, requests: Mapping[str, dict[str, Any]]) -> None:
        super().__init__("openai", path="")
        self._requests = requests

    async def ask(self, client: Any, target: CallTarget, question: str) -> str:  # noqa: ARG002 - of the protocol
        """One call."""
        completion = await client.chat.completions.create(**self._requests[question])
        return str(completion.choices[0].message.content)

    def ask_sync(self, client: Any, target: CallTarget, question: str) -> str:  # noqa: ARG002 - of the protocol
        """The same with the sync client."""
        completion = client.chat.completions.create(**self._requests[question])
        return str(completion.choices[0].message.content)


class Answers(CallLedger):
    """Puts each answer into its jet's place, and counts how many came for it.

    Attributes:
        quark: (configurations, jets), the probability of a quark jet; NaN without a readable answer.
        count: (configurations, jets), answers that came, readable or not.
        seconds: of each configuration, from its first call to its last answer.
    """

    def __init__(self, runs: int, jets: int, tick: Tick = lambda: None) -> None:
        super().__init__()
        self.quark = np.full((runs, jets), np.nan)
        self.count = np.zeros((runs, jets), dtype=np.int64)
        self.seconds = np.zeros(runs)
        self._began = np.zeros(runs)
        self._tick = tick
        self._place = threading.Lock()

    def ask(self, batch: Batch) -> None:
        """Counts, and starts the configuration's clock."""
        super().ask(batch)
        self._began[_place(batch.waves[0][0])[0]] = time.perf_counter()

    def answer(self, question: str, answer: str, *, partial: bool = False) -> None:  # noqa: ARG002 - of the base
        """An answer that cannot be read is an error, but it is an answer."""
        run, jet = place = _place(question)
        with self._place:
            self.answers += 1
            self.count[place] += 1
            self.seconds[run] = time.perf_counter() - self._began[run]
            try:
                self.quark[place] = read(answer)
            except UnreadableAnswer as error:
                self.errors.append(f"jet {jet}: {error}")
        self._tick()


class JetStage(Stage):
    """A stage whose questions are jets."""

    def questions(self, run: int) -> tuple[str, ...]:
        """Every jet of a configuration."""
        return tuple(name(run, jet) for jet in range(self.load.calls))


def play(
    fix: type[Fix], inquiries: tuple[Inquiry, ...], endpoint: JetEndpoint, concurrency: int, tick: Tick
) -> Answers:
    """Plays the analysis as a fix arranges it, to its end.

    Raises:
        Incompatible: the installed packages cannot do what the fix asks for.
    """
    requests = {
        name(run, jet): request(endpoint.model, inquiry.effort, prompt)
        for run, inquiry in enumerate(inquiries)
        for jet, prompt in enumerate(inquiry.prompts)
    }
    jets = len(inquiries[0].prompts)
    answers = Answers(len(inquiries), jets, tick)
    target = CallTarget(endpoint.base_url.rstrip("/"), endpoint.model, endpoint.api_key)
    arranged = fix(Asking(requests), target, answers, endpoint.retries)
    stage = JetStage(Load(len(inquiries), jets, concurrency, endpoint.retries), arranged.prepare, lambda: None)
    _noting(answers, lambda: arranged.play(SCENARIO.play(stage)))
    _noting(answers, arranged.finish)
    return answers


def _noting(answers: Answers, part: Callable[[], None]) -> None:
    try:
        part()
    except Incompatible:
        raise
    except Exception as error:  # noqa: BLE001 - what the person who runs it would see; it is counted and shown
        answers.error(error)


def _place(question: str) -> tuple[int, int]:
    run, _, jet = question.partition("/")
    return int(run), int(jet)
