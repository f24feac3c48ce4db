from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

import numpy as np
import pytest

from diagnostics.experiment.fixes import FIXES
from diagnostics.jets.analysis import OWN, answers_as_csv, rows_as_csv, run_llm_analysis
from diagnostics.jets.data import Jets
from diagnostics.lab.server import Faults, ProviderServer

if TYPE_CHECKING:
    from collections.abc import Callable

    from diagnostics.jets.program import JetEndpoint

# Those that leave nothing open; all of them are compared by tests/cli/test_jets.py, in a process of their own.
CLEAN = [OWN, "context-manager", "sync-client"]


@pytest.mark.parametrize("strategy", CLEAN)
def test_every_jet_of_every_configuration_has_one_answer_at_its_place(
    endpoint: Callable[..., JetEndpoint], jets: Jets, server: ProviderServer, trial: str, strategy: str
) -> None:
    analysis = run_llm_analysis(
        jets, endpoint(), templates=["simple_list", "jet_summary"], efforts=["low", "high"], strategy=strategy
    )
    assert analysis.complete, analysis.errors
    assert server.account(trial).requests == 4 * len(jets)
    assert [(row.template, row.effort) for row in analysis.rows] == [
        ("simple_list", "low"),
        ("simple_list", "high"),
        ("jet_summary", "low"),
        ("jet_summary", "high"),
    ]
    count = (jets.X[:, :, 0] > 0).sum(axis=1)
    assert np.argsort(-count, kind="stable").tolist() == np.argsort(analysis.quark[0], kind="stable").tolist()
    assert {(row.jets, row.answered, row.accuracy, row.roc_auc) for row in analysis.rows} == {
        (len(jets), len(jets), analysis.rows[0].accuracy, analysis.rows[0].roc_auc)
    }
    assert (analysis.rows[0].roc_auc or 0) > 0.7
    assert all(row.seconds > 0 for row in analysis.rows)
    (lines,) = (list(csv.DictReader(io.StringIO(rows_as_csv([analysis])))),)
    assert [(line["strategy"], float(line["accuracy"])) for line in lines] == [
        (strategy, analysis.rows[0].accuracy)
    ] * 4
    told = list(csv.DictReader(io.StringIO(answers_as_csv([analysis]))))
    assert [int(line["jet"]) for line in told] == [*range(len(jets))] * 4
    assert [float(line["probability_quark"]) for line in told] == analysis.quark.ravel().round(6).tolist()


@pytest.mark.parametrize("strategy", CLEAN)
def test_a_jet_without_an_answer_is_missing_and_the_figures_cannot_be_told(
    endpoint: Callable[..., JetEndpoint], jets: Jets, strategy: str
) -> None:
    analysis = run_llm_analysis(
        jets, endpoint(Faults(status=(400,))), efforts=["low", "high"], strategy=strategy, concurrency=1
    )
    first, second = analysis.rows
    assert not analysis.complete
    assert len(analysis.errors) == 1
    assert "400" in analysis.errors[0]
    # The classifier stops at the first call that fails; a fix goes on, as in every scenario.
    assert (first.answered, first.accuracy, first.roc_auc) == (0 if strategy == OWN else len(jets) - 1, None, None)
    assert second.answered == len(jets)
    assert second.accuracy is not None
    assert np.isnan(analysis.quark[0, 0])
    told = list(csv.DictReader(io.StringIO(answers_as_csv([analysis]))))
    assert (told[0]["prediction"], told[0]["probability_quark"]) == ("", "")


def test_jets_of_one_class_have_no_roc_auc(endpoint: Callable[..., JetEndpoint], jets: Jets) -> None:
    quarks = jets.y == 1
    (row,) = run_llm_analysis(Jets(jets.X[quarks], jets.y[quarks]), endpoint()).rows
    assert row.accuracy is not None
    assert row.roc_auc is None


def test_no_fix_is_called_like_the_classifier() -> None:
    assert OWN not in FIXES
