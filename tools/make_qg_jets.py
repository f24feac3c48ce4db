# /// script
# requires-python = ">=3.11"
# dependencies = ["fastjet==3.5.2.0", "numpy>=2", "pythia8mc==8.317.2"]
# ///
"""Makes the sample again: light-quark and gluon jets from Pythia 8 and FastJet.

    uv run tools/make_qg_jets.py OUT.npz [--each 500] [--seed 20261122]

Z (to neutrinos) + jet in proton-proton collisions at 14 TeV: `q g -> Z q` with a u, d or s quark for the quark jets,
`q qbar -> Z g` for the gluon jets. The hardest anti-kT jet with R = 0.4 of the visible final state is kept if its pT is
between 500 and 550 GeV and its rapidity within 1.7. The recipe is that of EnergyFlow's `qg_jets` (Komiske, Metodiev and
Thaler, "Energy flow networks", JHEP 01 (2019) 121).

The same seed gives the same jets. The file is written atomically; exit status 2 for invalid
usage.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import fastjet
import numpy as np
import pythia8mc

RADIUS = 0.4
PT = (500.0, 550.0)
RAPIDITY = 1.7
OUTGOING = -23
"""Pythia's status of a particle that the hard process sent out."""


@dataclass(frozen=True)
class Source:
    """One class of jets.

    Attributes:
        process: Pythia's name of the hard process.
        partons: PDG ids, without sign, that may start the jet.
        label: 1 quark, 0 gluon.
    """

    process: str
    partons: tuple[int, ...]
    label: int


SOURCES = (
    Source("WeakBosonAndParton:qg2gmZq", (1, 2, 3), label=1),
    Source("WeakBosonAndParton:qqbar2gmZg", (21,), label=0),
)


def generator(process: str, seed: int) -> Any:
    """Pythia, ready for events."""
    pythia = pythia8mc.Pythia("", False)
    for setting in (
        "Print:quiet = on",
        "Beams:eCM = 14000.",
        f"{process} = on",
        "WeakZ0:gmZmode = 2",  # Z alone, without the photon
        "23:onMode = off",
        "23:onIfAny = 12 14 16",  # to neutrinos: nothing of the Z is seen
        f"PhaseSpace:pTHatMin = {PT[0] - 50}",
        f"PhaseSpace:pTHatMax = {PT[1] + 100}",
        "Random:setSeed = on",
        f"Random:seed = {seed}",
    ):
        pythia.readString(setting)
    if not pythia.init():
        raise SystemExit(f"Pythia cannot start the process {process}")
    return pythia


def jets(source: Source, seed: int) -> Iterator[np.ndarray[Any, Any]]:
    """Jets of one class without end, each (constituents, 4), by falling pT."""
    pythia = generator(source.process, seed)
    definition = fastjet.JetDefinition(fastjet.antikt_algorithm, RADIUS)
    while True:
        if not pythia.next():
            continue
        event = [pythia.event[number] for number in range(pythia.event.size())]
        partons = [
            abs(each.id()) for each in event if each.status() == OUTGOING and abs(each.id()) in (1, 2, 3, 4, 5, 21)
        ]
        if not partons or partons[0] not in source.partons:
            continue
        seen = [each for each in event if each.isFinal() and each.isVisible()]
        inputs = []
        for number, each in enumerate(seen):
            inputs.append(fastjet.PseudoJet(each.px(), each.py(), each.pz(), each.e()))
            inputs[-1].set_user_index(number)
        cluster = fastjet.ClusterSequence(inputs, definition)  # its jets are of no use without it
        hardest = fastjet.sorted_by_pt(cluster.inclusive_jets(PT[0] - 100))
        if not hardest or not PT[0] < hardest[0].pt() < PT[1] or abs(hardest[0].rap()) > RAPIDITY:
            continue
        constituents = [(c.pt(), c.rap(), c.phi(), seen[c.user_index()].id()) for c in hardest[0].constituents()]
        yield np.array(sorted(constituents, reverse=True), dtype=np.float32)


def sample(each: int, seed: int) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """`X` and `y` with as many jets of each class, in an order that the seed decides."""
    found, labels = [], []
    for number, source in enumerate(SOURCES):
        supply = jets(source, seed + number)
        found += [next(supply) for _ in range(each)]
        labels += [source.label] * each
    padded = np.zeros((len(found), max(map(len, found)), 4), dtype=np.float32)
    for row, jet in zip(padded, found, strict=True):
        row[: len(jet)] = jet
    order = np.random.default_rng(seed).permutation(len(found))
    return padded[order], np.array(labels, dtype=np.int8)[order]


def main() -> int:
    """Runs the command."""
    parser = argparse.ArgumentParser(description="Makes quark and gluon jets with Pythia 8 and FastJet.")
    parser.add_argument("out", type=Path, help="the .npz file to write")
    parser.add_argument("--each", type=int, default=500, help="jets of each class (default: 500, about two minutes)")
    parser.add_argument("--seed", type=int, default=20261122)
    options = parser.parse_args()
    if options.each < 1 or not 0 < options.seed < 900_000_000:
        parser.error("--each must be 1 or more, and --seed between 1 and 899999999, as Pythia has it")
    if options.out.suffix != ".npz" or not options.out.parent.is_dir():
        parser.error(f"{options.out} must end in .npz and be in a folder that exists")
    X, y = sample(options.each, options.seed)  # noqa: N806 - the field's name
    draft = options.out.with_suffix(".part.npz")
    try:
        np.savez_compressed(draft, X=X, y=y)
        draft.replace(options.out)
    finally:
        draft.unlink(missing_ok=True)
    count = (X[:, :, 0] > 0).sum(axis=1)
    quark, gluon = count[y == 1].mean(), count[y == 0].mean()
    sys.stdout.write(f"{options.out}: X {X.shape}; mean constituents: quark {quark:.1f}, gluon {gluon:.1f}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
