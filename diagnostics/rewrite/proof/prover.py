"""Runs a program before and after a change until one run speaks against the change, or there were enough of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from diagnostics.model.errors import CommandError
from diagnostics.rewrite.proof.copies import Tree
from diagnostics.rewrite.proof.judge import Before, Proof, judge
from diagnostics.rewrite.proof.observe import Conditions, Observation, Program, Runner

TRIALS: Final = 20
"""Runs of a changed program. If 20 of 20 show nothing, a fault that shows in more than one run of seven is excluded
with 95 % confidence (0.86 ** 20 = 0.05). Most faults are facts that the sanitizer sees in every run."""

_COLLECTORS: Final = ("on", "forced", "off")
_FIRST: Final = 3
_MOST: Final = 9
"""Runs before the change: more than the first ones only if the outputs differ."""


def conditions(first: int, number: int) -> list[Conditions]:
    """Returns the conditions of so many runs: every collector, with and without another order of connections."""
    seeds = range(first, first + number)
    return [Conditions(_COLLECTORS[seed % 3], seed, order=(seed + seed // 3) % 2 == 1) for seed in seeds]


@dataclass
class Prover:
    """Judges changes of one program.

    Attributes:
        program: how it is run.
        tree: the program before any change.
        trials: runs of a changed program.
        runner: runs the copies.
        say: called with what happens next, and with how many runs of how many are done.
    """

    program: Program
    tree: Tree
    trials: int = TRIALS
    runner: Runner = field(default_factory=Runner)
    say: Callable[[str, int, int], object] = print
    _before: list[Observation] = field(default_factory=list)

    def baseline(self) -> Before:
        """Runs the program as it is.

        Raises:
            CommandError: nothing can be judged by its runs; the message says why.
        """
        if not self._before:
            self.say("runs before the change", 0, _FIRST)
            first = self.runner.observe(self.program, self.tree, conditions(0, 1)[0])
            check(first, self.program, self.tree.root)
            self._before = [first]
            if first.status is not None:  # a program that hangs does so for the whole limit each time
                self._observe_before(_FIRST - 1)
            if any(each.status != first.status for each in self._before):
                self.runner.at_once = 1  # copies that overlap may disturb each other, say by a fixed port
        return Before(self._before)

    def prove(self, tree: Tree, first: Sequence[Observation] = ()) -> Proof:
        """Judges a changed tree.

        Args:
            tree: the changed program.
            first: runs of it that were made already, under the first conditions.

        Raises:
            CommandError: the program before the change cannot be judged.
            OSError: a copy cannot be made.
        """
        self.baseline()
        proof = self._prove(tree, first)
        at_once = self.runner.at_once
        if proof.output and proof.runs > 1 and at_once > 1:
            self.runner.at_once = 1  # copies that overlap may have disturbed each other, say in one database
            proof = self._prove(tree, first)
            self.runner.at_once = 1 if proof.accepted else at_once
        return proof

    def _prove(self, tree: Tree, first: Sequence[Observation]) -> Proof:
        done = list(first)
        proof = self._judged(done) if done else None
        while len(done) < self.trials and (proof is None or proof.accepted):
            self.say("runs after the change", len(done), self.trials)
            number = min(self.runner.at_once, self.trials - len(done))
            done += self.runner.observe_all(self.program, tree, conditions(len(done), number))
            proof = self._judged(done)
        assert proof is not None
        return proof

    def _judged(self, done: Sequence[Observation]) -> Proof:
        before = self.baseline()
        proof = judge(before.runs, done)
        while proof.output and before.expected is not None and len(self._before) < _MOST:
            self._observe_before(_FIRST)  # perhaps the program itself prints that in some runs
            proof = judge(self._before, done)
        return proof

    def _observe_before(self, number: int) -> None:
        self.say("runs before the change", len(self._before), len(self._before) + number)
        self._before += self.runner.observe_all(self.program, self.tree, conditions(len(self._before), number))


def check(run: Observation, program: Program, root: Path) -> None:
    """Refuses a program whose runs say nothing about a change.

    Raises:
        CommandError: it is one.
    """
    last = next((line.strip() for line in reversed(run.errors.splitlines()) if line.strip()), "it printed nothing")
    if run.document["cannot_tell"] == ["the program ran without the sanitizer"]:
        raise CommandError(f"the program cannot be run with {program.python}: {last[:200]}")
    if run.status and not run.causes and last.startswith("ModuleNotFoundError"):
        found = [path for path in root.glob("*venv/bin/python") if path.absolute() != program.python]
        such = found[0].relative_to(root) if found else "path/to/python"
        raise CommandError(f"{last[:200]}; name the program's interpreter: --python {such}")
    if run.reads_input:
        raise CommandError(
            "the program reads standard input, which repeated runs do not have; give it arguments or a file"
        )
    if run.rewritten:
        raise CommandError(
            f"the program writes its own source ({run.rewritten[0]}), so a change to it cannot be judged"
        )
    if run.status is None and not run.causes:
        limit = f"{program.limit:g} s"
        raise CommandError(f"the program did not end within {limit}; give it work that ends, or more time with --limit")
