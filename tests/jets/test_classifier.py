from __future__ import annotations

import asyncio
import gc
import pickle
import threading
from typing import TYPE_CHECKING, Any

import numpy as np
import openai
import pytest
from sklearn.base import clone, is_classifier
from sklearn.exceptions import NotFittedError
from sklearn.metrics import roc_auc_score

from diagnostics import async_tools, sanitizer
from diagnostics.jets.classifier import LocalLLMClassifier, Unanswered
from diagnostics.jets.data import DataError, Jets, constituents
from diagnostics.jets.prompt import compose, read
from diagnostics.jets.templates import TEMPLATES
from diagnostics.lab.server import Faults, ProviderServer, jet_classifier, storyteller

if TYPE_CHECKING:
    from collections.abc import Callable

    from diagnostics.jets.program import JetEndpoint


def classifier(endpoint: JetEndpoint, template: str = "simple_list") -> LocalLLMClassifier:
    return LocalLLMClassifier(endpoint.model, template, "low", endpoint.base_url, max_retries=endpoint.retries)


def expected(jets: Jets, template: str = "simple_list") -> list[float]:
    """What the provider's model says of each jet, asked without any server."""
    prompts = [compose(TEMPLATES[template], constituents(jet)) for jet in jets.X]
    return [read(jet_classifier.reply(prompt, 0)) for prompt in prompts]


FAULTS = {
    "429 and 500": Faults(status=(429, 500), retry_after=0.01),
    "latency": Faults(latency=0.02),
    "reset": Faults(reset=1),
    "keep-alive expiry": Faults(keepalive_expiry=0.001),
}


@pytest.mark.parametrize("concurrency", [1, 50])
@pytest.mark.parametrize("fault", FAULTS)
def test_every_jet_gets_its_own_answer_whatever_goes_wrong(
    endpoint: Callable[..., JetEndpoint],
    jets: Jets,
    server: ProviderServer,
    trial: str,
    fault: str,
    concurrency: int,
) -> None:
    model = classifier(endpoint(FAULTS[fault], retries=5)).fit(jets.X, jets.y)
    quark = model.predict_proba(jets.X, max_concurrent=concurrency)[:, 1]
    assert quark.tolist() == expected(jets)
    account = server.account(trial)
    assert account.connections <= concurrency + account.retries or fault == "keep-alive expiry"
    if fault == "latency":
        assert account.requests == len(jets)


@pytest.mark.parametrize("use_async", [True, False])
@pytest.mark.parametrize("template", TEMPLATES)
def test_predictions_are_the_likelier_class_of_each_jet(
    endpoint: Callable[..., JetEndpoint], jets: Jets, template: str, use_async: bool
) -> None:
    model = classifier(endpoint(), template).fit(jets.X, jets.y)
    predictions = model.predict(jets.X, use_async=use_async, max_concurrent=8, verbose=True)
    assert predictions.tolist() == [int(quark >= 0.5) for quark in expected(jets, template)]
    assert roc_auc_score(jets.y, expected(jets, template)) > 0.7


def test_it_is_a_scikit_learn_classifier(endpoint: Callable[..., JetEndpoint], jets: Jets) -> None:
    model = classifier(endpoint(), "jet_summary")
    assert is_classifier(model)
    assert set(model.get_params()) == {
        "model_name",
        "template_name",
        "reasoning_effort",
        "base_url",
        "api_key",
        "max_retries",
    }
    copy = clone(model).set_params(reasoning_effort="high")
    assert (copy.template_name, copy.reasoning_effort, model.reasoning_effort) == ("jet_summary", "high", "low")
    with pytest.raises(NotFittedError):
        copy.predict(jets.X)
    assert copy.fit(jets.X, jets.y) is copy
    assert copy.classes_.tolist() == [0, 1]
    assert copy.predict_proba(jets.X).sum(axis=1) == pytest.approx(np.ones(len(jets)))
    assert copy.score(jets.X, jets.y) == np.mean(copy.predict(jets.X) == jets.y)
    again = pickle.loads(pickle.dumps(copy))
    assert again.predict(jets.X[:3]).tolist() == copy.predict(jets.X[:3]).tolist()


@pytest.mark.parametrize("wrong", [{"template_name": "prose"}, {"reasoning_effort": "utmost"}])
def test_a_parameter_that_is_none_is_refused_also_after_the_fit(jets: Jets, wrong: dict[str, Any]) -> None:
    (name,) = wrong.values()
    with pytest.raises(ValueError, match=name):
        LocalLLMClassifier(**wrong).fit(jets.X, jets.y)
    with pytest.raises(ValueError, match=name):
        LocalLLMClassifier().fit(jets.X, jets.y).set_params(**wrong).predict(jets.X)


def test_what_is_no_jets_reaches_no_endpoint(
    endpoint: Callable[..., JetEndpoint], jets: Jets, server: ProviderServer, trial: str
) -> None:
    model = classifier(endpoint()).fit(jets.X, jets.y)
    with pytest.raises(DataError):
        model.predict(np.zeros((2, 3, 4)))
    with pytest.raises(DataError):
        model.fit(jets.X, jets.y[:3])
    with pytest.raises(ValueError, match="max_concurrent"):
        model.predict(jets.X, max_concurrent=0)
    assert server.account(trial).requests == 0


def test_answers_that_cannot_be_read_are_said_to_be_so_and_the_others_are_kept(
    endpoint: Callable[..., JetEndpoint], jets: Jets
) -> None:
    prompts = [compose(TEMPLATES["simple_list"], constituents(jet)) for jet in jets.X]
    tales = [storyteller.reply(prompt, 0) for prompt in prompts]  # which speak of quarks and gluons now and then
    readable = ["quark" in tale or "gluon" in tale for tale in tales]
    assert 0 < sum(readable) < len(jets)
    with pytest.raises(
        Unanswered, match=rf"^{len(jets) - sum(readable)} of 24 .* jet {readable.index(False)}: "
    ) as told:
        classifier(endpoint(model="storyteller")).fit(jets.X, jets.y).predict(jets.X)
    assert (~np.isnan(told.value.probabilities)).tolist() == readable


def test_a_call_that_fails_for_good_is_raised_once_and_ends_the_others(
    endpoint: Callable[..., JetEndpoint], jets: Jets, server: ProviderServer, trial: str
) -> None:
    model = classifier(endpoint(Faults(status=(400,), latency=0.01))).fit(jets.X, jets.y)
    with pytest.raises(openai.BadRequestError):
        model.predict(jets.X, max_concurrent=2)
    assert server.account(trial).requests < len(jets)


def test_nothing_is_left_behind_and_nothing_is_found(endpoint: Callable[..., JetEndpoint], jets: Jets) -> None:
    async_tools.shutdown()
    threads = set(threading.enumerate())
    with sanitizer.watch() as findings:
        for template in TEMPLATES:
            model = classifier(endpoint(), template).fit(jets.X, jets.y)
            model.predict(jets.X[:4])
            del model
            gc.collect()
        async_tools.shutdown()
        gc.collect()
    assert findings == []
    assert set(threading.enumerate()) <= threads


async def classify_twice(model: LocalLLMClassifier, jets: Jets) -> Any:
    first = await model.classify(jets.X[:4])
    return first, await model.classify(jets.X[:4], max_concurrent=1)


def test_async_code_awaits_it_on_its_own_loop(endpoint: Callable[..., JetEndpoint], jets: Jets) -> None:
    model = classifier(endpoint()).fit(jets.X, jets.y)
    with sanitizer.watch() as findings:
        for _ in range(3):
            for probabilities in asyncio.run(classify_twice(model, jets)):
                assert probabilities[:, 1].tolist() == expected(jets)[:4]
        gc.collect()
    assert findings == []
