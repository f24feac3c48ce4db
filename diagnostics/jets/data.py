"""Jets from a file in the field's format, checked once and for all.

`X` is (jets, constituents, 4): transverse momentum in GeV, rapidity, azimuth and PDG id of each constituent, padded
with zeros; `y` is 1 for a quark jet and 0 for a gluon jet. That is the layout of EnergyFlow's `qg_jets` data set.
"""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

SAMPLE: Final = Path(__file__).parent / "sample" / "qg_jets.npz"
"""1,000 jets of Pythia 8, half of them quark jets; `tools/make_qg_jets.py` makes them again."""

QUARK: Final = 1
GLUON: Final = 0


class DataError(ValueError):
    """These are no jets; the message says what is wrong and what is expected."""


@dataclass(frozen=True)
class Jets:
    """Jets and what each of them is.

    Attributes:
        X: (jets, constituents, 4), as the module says.
        y: (jets,), 1 quark or 0 gluon.
    """

    X: NDArray[np.float64]
    y: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.y)


def load(file: Path = SAMPLE, jets: int | None = None) -> Jets:
    """Reads jets from an `.npz` file.

    Raises:
        DataError: the file cannot be read, or does not hold such jets.
    """
    try:
        with np.load(file) as archive:  # without pickle: a data file is no program
            X, y = archive["X"], archive["y"]  # noqa: N806 - the field's and scikit-learn's name
    except FileNotFoundError:
        raise DataError(
            f"there is no file {file}; leave it out to use the sample that comes with this package"
        ) from None
    except (OSError, EOFError, KeyError, IndexError, TypeError, ValueError, zipfile.BadZipFile) as error:
        raise DataError(f"{file} is no .npz file with the arrays X and y: {error}") from error
    if X.ndim and jets is not None and jets > len(X):
        raise DataError(f"{file} holds {len(X)} jets, which is less than {jets}")
    part = slice(jets)
    try:
        checked = check_jets(X[part] if X.ndim else X)
        return Jets(checked, check_labels(y[part] if y.ndim else y, len(checked)))
    except DataError as error:
        raise DataError(f"{file}: {error}") from None


def check_jets(X: ArrayLike) -> NDArray[np.float64]:
    """The jets as floating-point numbers.

    Raises:
        DataError: they have another shape or type, a number is missing or infinite, or a jet is empty.
    """
    try:
        jets = np.asarray(X, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise DataError(f"X must be an array of numbers, (jets, constituents, 4): {error}") from error
    if jets.ndim != 3 or jets.shape[2] != 4:
        raise DataError(
            f"X must have the shape (jets, constituents, 4), pT, rapidity, azimuth and PDG id, not {jets.shape}"
        )
    if not len(jets):
        raise DataError("X holds no jet; at least one is needed")
    _refuse(~np.isfinite(jets).all(axis=(1, 2)), "has a number that is missing or infinite")
    _refuse((jets[:, :, 0] < 0).any(axis=1), "has a constituent with a pT below zero")
    _refuse(
        ((jets[:, :, 0] == 0) & (jets != 0).any(axis=2)).any(axis=1),
        "has a constituent without pT that is not all zeros",
    )
    _refuse(~(jets[:, :, 0] > 0).any(axis=1), "has no constituents")
    return jets


def check_labels(y: Any, jets: int) -> NDArray[np.int64]:
    """The labels as integers.

    Raises:
        DataError: they are not one 0 or 1 for each jet.
    """
    labels = np.asarray(y)
    if labels.shape != (jets,):
        raise DataError(f"y must hold one label for each of the {jets} jets, not have the shape {labels.shape}")
    if not np.isin(labels, (GLUON, QUARK)).all():
        raise DataError("y must hold nothing but 1 (quark) and 0 (gluon)")
    return labels.astype(np.int64)


def constituents(jet: NDArray[np.float64]) -> NDArray[np.float64]:
    """A jet without its padding."""
    present: NDArray[np.float64] = jet[jet[:, 0] > 0]
    return present


def _refuse(bad: Any, what: str) -> None:
    if bad.any():
        first = int(np.argmax(bad))
        others = int(bad.sum()) - 1
        raise DataError(f"jet {first} {what}" + (f", and so have {others} others" if others else ""))
