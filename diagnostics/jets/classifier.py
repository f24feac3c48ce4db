"""`LocalLLMClassifier`: a scikit-learn classifier that asks a language model about each jet.

It owns no loop and no client. Async calls run on the process's one persistent loop (`async_tools.run_sync`), with that
loop's client for the endpoint (`LoopLocal`), which is closed there before the loop closes. So it can be made, cloned,
pickled, dropped and collected at any moment, in any thread, in a forked child, and where a loop is already running.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any, Self, cast

import numpy as np
from openai import AsyncOpenAI, OpenAI
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.validation import check_is_fitted

from diagnostics.async_tools import LoopLocal, run_sync
from diagnostics.jets.asking import each_in_its_place
from diagnostics.jets.data import GLUON, QUARK, check_jets, check_labels, constituents
from diagnostics.jets.progress import Tick, bar
from diagnostics.jets.prompt import EFFORTS, UnreadableAnswer, compose, read, request
from diagnostics.jets.templates import TEMPLATES

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

NO_KEY = "no-key-needed"
"""What local endpoints are sent as a key; the SDK refuses to have none."""


class Unanswered(RuntimeError):
    """Some answers could not be read; all jets were asked about, and what was answered is not lost.

    Attributes:
        probabilities: (jets,), of a quark jet; NaN where there is no readable answer.
    """

    def __init__(self, message: str, probabilities: NDArray[np.float64]) -> None:
        super().__init__(message)
        self.probabilities = probabilities


class LocalLLMClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc] # scikit-learn has no types
    """Tells quark jets (1) from gluon jets (0) by asking any OpenAI-compatible endpoint.

    Args:
        model_name: as the endpoint knows it; the local provider's is `jet-classifier`.
        template_name: how a jet is put into words; one of `templates.TEMPLATES`.
        reasoning_effort: `low`, `medium` or `high`; None: not sent.
        base_url: of the endpoint, such as `http://localhost:8000/v1`; None: `OPENAI_BASE_URL`, or OpenAI itself.
        api_key: None: `OPENAI_API_KEY`, or a word that says none is needed where a `base_url` is given.
        max_retries: the SDK's, for each call.

    Attributes:
        classes_: `[0, 1]`, whatever `fit` was shown: a model may always answer either.
    """

    def __init__(
        self,
        model_name: str = "openai/gpt-oss-120b",
        template_name: str = "simple_list",
        reasoning_effort: str | None = "low",
        base_url: str | None = None,
        api_key: str | None = None,
        max_retries: int = 2,
    ) -> None:
        self.model_name = model_name
        self.template_name = template_name
        self.reasoning_effort = reasoning_effort
        self.base_url = base_url
        self.api_key = api_key
        self.max_retries = max_retries

    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Checks jets, labels and parameters. The model comes as it is: nothing is learnt from the jets.

        Raises:
            ValueError: a parameter is none of those there are; `DataError`: these are no jets and labels.
        """
        check_labels(y, len(check_jets(X)))
        self._check_parameters()
        self.classes_ = np.array([GLUON, QUARK])
        return self

    def predict(
        self, X: ArrayLike, use_async: bool = True, max_concurrent: int = 10, verbose: bool = False
    ) -> NDArray[np.int64]:
        """The class of each jet; see `predict_proba`."""
        probabilities = self.predict_proba(X, use_async, max_concurrent, verbose)
        return np.where(probabilities[:, QUARK] >= 0.5, QUARK, GLUON)

    def predict_proba(
        self, X: ArrayLike, use_async: bool = True, max_concurrent: int = 10, verbose: bool = False
    ) -> NDArray[np.float64]:
        """The probabilities that the model states for each jet.

        Blocks, also where a loop is running, as in a notebook; `await classify(…)` does not.

        Args:
            use_async: False: one call after the other with the SDK's sync client.
            max_concurrent: calls in flight at once.
            verbose: whether to show a progress bar on standard error.

        Returns:
            (jets, 2), gluon and quark.

        Raises:
            NotFittedError: `fit` was not called.
            DataError: X holds no jets.
            Unanswered: an answer could not be read.
            openai.OpenAIError: a call failed, its retries included; the others are cancelled.
        """
        prompts = self._prompts(X)
        if max_concurrent < 1:
            raise ValueError(f"max_concurrent must be 1 or more, not {max_concurrent}")
        with self._shown(len(prompts), verbose=verbose) as tick:
            if use_async:
                answers = run_sync(self._ask_all(prompts, max_concurrent, tick), inside_loop="block")
            else:
                answers = self._ask_in_turn(prompts, tick)
        return _probabilities(answers)

    async def classify(self, X: ArrayLike, max_concurrent: int = 10) -> NDArray[np.float64]:
        """As `predict_proba`, for async code: runs on the caller's loop, with that loop's client."""
        return _probabilities(await self._ask_all(self._prompts(X), max_concurrent, lambda: None))

    def _check_parameters(self) -> None:
        if self.template_name not in TEMPLATES:
            raise ValueError(f"there is no template {self.template_name!r}; choose from {', '.join(TEMPLATES)}")
        if self.reasoning_effort not in (None, *EFFORTS):
            raise ValueError(f"reasoning_effort is one of {', '.join(EFFORTS)}, or None, not {self.reasoning_effort!r}")

    def _prompts(self, X: ArrayLike) -> list[str]:
        check_is_fitted(self)
        self._check_parameters()  # again, because `set_params` may have come between
        template = TEMPLATES[self.template_name]
        return [compose(template, constituents(jet)) for jet in check_jets(X)]

    def _shown(self, jets: int, *, verbose: bool) -> AbstractContextManager[Tick]:
        what = f"{self.template_name} · {self.reasoning_effort or 'no effort set'}"
        return bar(what, jets) if verbose else nullcontext(lambda: None)

    def _request(self, prompt: str) -> dict[str, Any]:
        return request(self.model_name, self.reasoning_effort, prompt)

    async def _ask_all(self, prompts: Sequence[str], max_concurrent: int, tick: Tick) -> list[str | None]:
        client = await clients(self.base_url, self._key, self.max_retries).get()

        async def ask(prompt: str) -> str | None:
            completion = await client.chat.completions.create(**self._request(prompt))
            return cast("str | None", completion.choices[0].message.content)

        return await each_in_its_place(prompts, ask, max_concurrent, tick)

    def _ask_in_turn(self, prompts: Sequence[str], tick: Tick) -> list[str | None]:
        answers: list[str | None] = []
        with OpenAI(base_url=self.base_url, api_key=self._key, max_retries=self.max_retries) as client:
            for prompt in prompts:
                answers.append(client.chat.completions.create(**self._request(prompt)).choices[0].message.content)
                tick()
        return answers

    @property
    def _key(self) -> str | None:
        return self.api_key if self.api_key is not None or self.base_url is None else NO_KEY


@functools.cache
def clients(base_url: str | None, api_key: str | None, max_retries: int) -> LoopLocal[AsyncOpenAI]:
    """Each loop's client for an endpoint, shared by all classifiers of the process."""
    return LoopLocal(
        lambda: AsyncOpenAI(base_url=base_url, api_key=api_key, max_retries=max_retries),
        close=lambda client: client.close(),
    )


def _probabilities(answers: Sequence[str | None]) -> NDArray[np.float64]:
    quark = np.full(len(answers), np.nan)
    refused = {number: why for number, answer in enumerate(answers) if (why := _take(quark, number, answer))}
    if refused:
        first, why = next(iter(refused.items()))
        raise Unanswered(f"{len(refused)} of {len(answers)} answers cannot be read; that of jet {first}: {why}", quark)
    return np.column_stack([1 - quark, quark])


def _take(quark: NDArray[np.float64], number: int, answer: str | None) -> UnreadableAnswer | None:
    try:
        quark[number] = read(answer)
    except UnreadableAnswer as error:
        return error
    return None
