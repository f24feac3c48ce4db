"""What goes into a prompt can be read from it again, by the local provider too; and so can an answer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import diagnostics.jets.templates
from diagnostics.jets.data import Jets, constituents
from diagnostics.jets.observables import charged, dispersion, relative, width
from diagnostics.jets.prompt import UnreadableAnswer, compose, read, request
from diagnostics.jets.templates import TEMPLATES
from diagnostics.lab.server import jet_classifier
from diagnostics.lab.server.openai import REPLIES

some_jets = st.lists(
    st.tuples(
        st.floats(1e-3, 1e3), st.floats(-2, 2), st.floats(0, 6.28), st.sampled_from([211, -211, 22, 130, 2212, 310, 1])
    ),
    min_size=1,
    max_size=40,
).map(np.array)


def test_every_template_is_one_file_and_one_row() -> None:
    folder = Path(str(diagnostics.jets.templates.__file__)).parent
    assert {path.stem for path in folder.glob("*.py")} - {"__init__"} == set(TEMPLATES)
    assert all(TEMPLATES[name].name == name and TEMPLATES[name].summary for name in TEMPLATES)
    assert "simple_list" in TEMPLATES
    assert len(TEMPLATES) >= 4


def test_every_model_of_the_provider_is_one_file_and_one_row() -> None:
    folder = Path(jet_classifier.__file__).parent
    assert {f"{name.replace('-', '_')}.py" for name in REPLIES} <= {path.name for path in folder.glob("*.py")}
    assert {reply.__module__.rpartition(".")[2].replace("_", "-") for reply in REPLIES.values()} == set(REPLIES)


@pytest.mark.parametrize("name", TEMPLATES)
@given(some_jets)
def test_the_provider_reads_the_multiplicity_from_any_template(name: str, jet: Any) -> None:
    assert jet_classifier.multiplicity(compose(TEMPLATES[name], jet)) == len(jet)


@given(some_jets, some_jets)
def test_jets_with_more_constituents_are_less_likely_quark_jets(one: Any, other: Any) -> None:
    answers = [read(REPLIES["jet-classifier"](compose(TEMPLATES["simple_list"], jet), 0)) for jet in (one, other)]
    assert (answers[0] < answers[1]) == (len(one) > len(other))


@given(st.text(max_size=400), st.integers())
def test_the_provider_answers_whatever_it_is_asked(prompt: str, seed: int) -> None:
    answer = REPLIES["jet-classifier"](prompt, seed)
    assert 0 <= read(answer) <= 1
    assert answer == REPLIES["jet-classifier"](prompt, seed + 1)


@given(
    st.floats(0, 1), st.sampled_from(["{} {}", "**{}**: {}", "I think of a gluon, 0.2, but no.\n{} {}.", "{}, p={}"])
)
def test_an_answer_is_read_as_it_was_said(probability: float, form: str) -> None:
    shown = f"{probability:.6f}"
    word = "quark" if float(shown) >= 0.5 else "gluon"
    if form.endswith("p={}"):
        assert read(form.format(word, shown)) == float(word == "quark")  # the word alone: what p is was not asked
    else:
        assert read(form.format(word.title(), shown)) == float(shown)


@pytest.mark.parametrize(
    ("answer", "said"), [("quark", 1.0), ("It is a GLUON.", 0.0), ("gluon .25", 0.25), ("quark 1", 1)]
)
def test_a_word_alone_is_certain(answer: str, said: float) -> None:
    assert read(answer) == said


@pytest.mark.parametrize("answer", [None, "", "echo: what", "quarks", "quark 0.2", "gluon 0.9", "quark 1.7"])
def test_what_cannot_be_read_is_said_to_be_so(answer: str | None) -> None:
    with pytest.raises(UnreadableAnswer) as refused:
        read(answer)
    assert "\n" not in str(refused.value)


def test_a_request_names_the_effort_or_leaves_it_out() -> None:
    assert request("m", "low", "p") == {
        "model": "m",
        "messages": [{"role": "user", "content": "p"}],
        "reasoning_effort": "low",
    }
    assert "reasoning_effort" not in request("m", None, "p")


@given(some_jets, st.floats(-6, 6))
def test_observables_do_not_depend_on_where_the_jet_points(jet: Any, turn: float) -> None:
    turned = jet + np.array([0, 0.5, 0, 0])
    turned[:, 2] = (jet[:, 2] * 0.1 + turn) % (2 * np.pi)
    straight = jet.copy()
    straight[:, 2] = jet[:, 2] * 0.1
    for ours, theirs in zip(relative(turned), relative(straight), strict=True):
        assert ours == pytest.approx(theirs, abs=1e-8)
    assert width(turned) == pytest.approx(width(straight), abs=1e-8)
    assert 0 < dispersion(jet) <= 1 + 1e-12
    assert charged(jet) == sum(abs(pdg) in (211, 2212) for pdg in jet[:, 3])


def test_the_real_jets_tell_quarks_from_gluons_by_multiplicity(jets: Jets) -> None:
    count = np.array([len(constituents(jet)) for jet in jets.X])
    assert count[jets.y == 1].mean() < count[jets.y == 0].mean()
