from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from diagnostics.jets.data import SAMPLE, DataError, check_jets, check_labels, constituents, load

if TYPE_CHECKING:
    from pathlib import Path

numbers = st.floats(-1e4, 1e4, width=32)
real_jets = st.tuples(st.integers(1, 4), st.integers(1, 6)).flatmap(
    lambda shape: arrays.arrays(np.float32, (*shape, 4), elements=numbers)
)


def good() -> Any:
    jets = np.zeros((3, 5, 4))
    jets[:, :2] = [[120.0, 0.1, 3.0, 211], [4.5, 0.2, 3.1, 22]]
    return jets


def changed(place: Any, value: float) -> Any:
    jets = good()
    jets[place] = value
    return jets


def test_the_sample_that_ships_is_what_its_readme_says() -> None:
    jets = load()
    count = (jets.X[:, :, 0] > 0).sum(axis=1)
    assert (jets.X.shape, jets.y.sum(), len(jets)) == ((1000, 119, 4), 500, 1000)
    said = f"quark {count[jets.y == 1].mean():.1f}, gluon {count[jets.y == 0].mean():.1f}"
    assert f"Mean constituents: {said}." in (SAMPLE.parent / "README.md").read_text(encoding="utf-8")


def test_a_part_is_the_first_of_the_file() -> None:
    assert np.array_equal(load(jets=7).X, load().X[:7])


@given(real_jets)
def test_jets_are_taken_as_they_are_or_refused(jets: Any) -> None:
    absolute = np.where(jets[:, :, :1] == 0, 0, np.abs(jets))
    if (absolute[:, :, 0] > 0).any(axis=1).all():
        checked = check_jets(absolute)
        assert np.array_equal(checked, absolute)
        assert all(len(constituents(jet)) == (jet[:, 0] > 0).sum() for jet in checked)
    else:
        with pytest.raises(DataError, match="has no constituents"):
            check_jets(absolute)


@pytest.mark.parametrize(
    ("jets", "said"),
    [
        (np.zeros((3, 4)), r"shape \(jets, constituents, 4\).*not \(3, 4\)"),
        (np.zeros((3, 5, 3)), r"not \(3, 5, 3\)"),
        (np.zeros((0, 5, 4)), "holds no jet"),
        (np.zeros((2, 5, 4)), "jet 0 has no constituents, and so have 1 others"),
        (changed((1, 0, 1), np.nan), "jet 1 has a number that is missing or infinite"),
        (changed((2, 1, 0), np.inf), "jet 2 has a number that is missing or infinite"),
        (changed((0, 1, 0), -4.5), "jet 0 has a constituent with a pT below zero"),
        (changed((1, 4, 3), 22), "jet 1 has a constituent without pT that is not all zeros"),
        ([["a"]], "array of numbers"),
        ([[[1, 2, 3, 4]], [[1, 2]]], "array of numbers"),
        (None, "shape"),
    ],
)
def test_what_is_no_jets_is_one_clear_error(jets: Any, said: str) -> None:
    with pytest.raises(DataError, match=said) as refused:
        check_jets(jets)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("labels", [[1, 0], [1, 0, 2], [[1, 0, 1]], [0.5, 0, 1], ["a", "b", "c"], None])
def test_labels_are_one_zero_or_one_a_jet(labels: Any) -> None:
    with pytest.raises(DataError, match=r"^y must hold "):
        check_labels(labels, 3)


def test_labels_may_be_floating_point_as_in_energyflows_file() -> None:
    assert check_labels(np.array([1.0, 0.0]), 2).tolist() == [1, 0]


def save(path: Path, **content: Any) -> Path:
    np.savez(path, **content)
    return path


@pytest.mark.parametrize("jets", [None, 2])
def test_a_file_that_is_none_is_one_clear_error_with_its_name(tmp_path: Path, jets: int | None) -> None:
    text = tmp_path / "text.npz"
    text.write_text("pT, rapidity")
    empty = tmp_path / "empty.npz"
    empty.touch()
    pickled = save(tmp_path / "pickled.npz", X=np.array([{}], dtype=object), y=np.array([1]))
    files = {
        tmp_path / "none.npz": "there is no file",
        tmp_path: "is no .npz file",
        text: "is no .npz file",
        empty: "is no .npz file",
        pickled: "is no .npz file",
        save(tmp_path / "x.npz", X=good()): "is no .npz file with the arrays X and y",
        save(tmp_path / "one.npz", X=good()[:1], y=[1, 0][:1]) if jets else text: "holds 1 jets|is no",
        save(tmp_path / "scalar.npz", X=1, y=1): "shape",
        save(tmp_path / "y.npz", X=good(), y=[[1], [0], [1]]): "one label for each",
    }
    for file, said in files.items():
        with pytest.raises(DataError, match=said) as refused:
            load(file, jets)
        assert file.name in str(refused.value)
        assert "\n" not in str(refused.value)
