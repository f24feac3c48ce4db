"""Changes a program until no root cause is left, and proves the change; or judges somebody else's change."""

from __future__ import annotations

import os
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from diagnostics.model.errors import CommandError
from diagnostics.rewrite.proof.billing import local_provider
from diagnostics.rewrite.proof.copies import Tree, check_size
from diagnostics.rewrite.proof.judge import BAD, Before, Proof, components, described, of_severity, place_of
from diagnostics.rewrite.proof.observe import Observation, Program, Runner
from diagnostics.rewrite.proof.prover import Prover, conditions
from diagnostics.rewrite.records import Candidate, Misfit, Source

Cause = Mapping[str, Any]
Candidates = Callable[[Mapping[str, Any], Cause, Source, list[Misfit]], Iterator[Candidate]]

ATTEMPTS: Final = 12
"""Changes that are tried at most; the first ones are the best."""

DEEPEST: Final = 5
"""Changes that are combined at most."""

_LEFT: Final = ("unclosed-at-exit", "loop-closed-by-gc")
"""Kinds of notes that a change can end."""


@dataclass(frozen=True)
class FixRequest:
    """How the program is run, and what may be changed.

    Attributes:
        words: a script or `-m` and a module, and arguments.
        python: the interpreter.
        env: variables that are set for the program.
        network: whether SDKs may call their real services.
        limit: seconds for a run.
        trials: runs of a changed program.
        fix: the only fix to try; `None` for all.
        only: the only files to change; empty for all.
    """

    words: tuple[str, ...]
    python: Path
    env: Mapping[str, str]
    network: bool
    limit: float
    trials: int
    fix: str | None = None
    only: tuple[str, ...] = ()


@dataclass(frozen=True)
class Attempt:
    """A change that was tried, and why it was refused; an empty reason if it was not."""

    fix: str
    summary: str
    reason: str


@dataclass(frozen=True)
class Fixed:
    """What came of it.

    Attributes:
        outcome: `proven`, `unproven`, `nothing` or `third-party`.
        tree: the program with the change; of an unproven one, the best attempt.
        causes: the root causes before, a line each.
        applied: the changes in the tree.
        attempts: all that were tried.
        proof: of the tree; `None` where none was run.
        advice: what a person can do instead.
        skipped: the fixes that do not fit the code, of those that are better than what was tried last.
    """

    outcome: str
    tree: Tree
    causes: tuple[str, ...]
    applied: tuple[Candidate, ...] = ()
    attempts: tuple[Attempt, ...] = ()
    proof: Proof | None = None
    advice: tuple[str, ...] = ()
    skipped: tuple[Misfit, ...] = ()


@contextmanager
def prover_of(request: FixRequest, tree: Tree, say: Callable[[str, int, int], None]) -> Iterator[Prover]:
    """Starts the local provider, unless the network is allowed.

    Raises:
        CommandError: the folder is too large to be copied.
        ServerError: the provider cannot be started.
    """
    check_size(tree.root)
    runner = Runner(max(1, min(os.cpu_count() or 1, 4)))
    variables = {**os.environ}
    with tempfile.TemporaryDirectory(prefix="diagnostics-") as folder:
        if request.network:
            yield _prover(request, tree, {**variables, **request.env}, runner, say)
            return
        with local_provider(variables, Path(folder)) as changed:
            yield _prover(request, tree, {**changed, **request.env}, runner, say)


def _prover(
    request: FixRequest, tree: Tree, variables: dict[str, str], runner: Runner, say: Callable[[str, int, int], None]
) -> Prover:
    return Prover(Program(request.words, request.python, variables, request.limit), tree, request.trials, runner, say)


def judge_change(prover: Prover, changed: Tree) -> Fixed:
    """Judges a change that somebody made."""
    proof = prover.prove(changed)
    causes = _described(prover.baseline())
    return Fixed("proven" if proof.accepted else "unproven", changed, causes, proof=proof)


def fix_program(prover: Prover, candidates: Candidates, request: FixRequest) -> Fixed:
    """Looks for a change that is proven.

    Args:
        candidates: what may be changed for a root cause.
    """
    before = prover.baseline()
    causes = _described(before)
    if not causes:
        ended = before.runs[0].status
        other = (f"it ends with status {ended} for another reason; its own output says which",) if ended else ()
        return Fixed("nothing", prover.tree, (), advice=other)
    search = _Search(prover, candidates, request)
    run = next(each for each in before.runs if fixable(each))
    if not search.own(run):
        advice = tuple(dict.fromkeys(each["text"] for cause in fixable(run) for each in cause["advice"]))
        return Fixed("third-party", prover.tree, causes, advice=advice)
    return search.solve(prover.tree, run, causes)


def fixable(run: Observation) -> list[Cause]:
    """Returns the root causes that a change can end."""
    return [cause for cause in run.causes if cause["severity"] in BAD or cause["kind"] in _LEFT]


def _described(before: Before) -> tuple[str, ...]:
    found: dict[tuple[str, str, str], str] = {}
    for run in before.runs:
        for cause in fixable(run):
            found.setdefault(place_of(run, cause), described(run.document, cause))
    return tuple(found.values())


class _Search:
    """Depth first: a candidate for the first root cause, then for what its first run still shows."""

    def __init__(self, prover: Prover, candidates: Candidates, request: FixRequest) -> None:
        self._prover, self._candidates, self._request = prover, candidates, request
        self._attempts: list[Attempt] = []
        self._misfits: list[Misfit] = []
        self._best: tuple[Tree, tuple[Candidate, ...], Proof | None] = (prover.tree, (), None)

    def own(self, run: Observation) -> list[Cause]:
        """Returns the root causes with a fault in the program's own code."""
        return [cause for cause in fixable(run) if "user" in components(run.document, cause)]

    def solve(self, tree: Tree, run: Observation, causes: tuple[str, ...]) -> Fixed:
        """Returns the first proven change, or the best attempt."""
        found = self._after(tree, run, ())
        attempts = tuple(self._attempts)
        if found is not None:
            return Fixed("proven", found[0], causes, found[1], attempts, found[2], skipped=self._skipped(found[1]))
        advice = tuple(dict.fromkeys(each["text"] for cause in fixable(run) for each in cause["advice"][:1]))
        best = self._best
        return Fixed("unproven", best[0], causes, best[1], attempts, best[2], advice, self._skipped(best[1]))

    def _skipped(self, applied: tuple[Candidate, ...]) -> tuple[Misfit, ...]:
        """Returns the fixes of which no variant was tried; without a near one, all."""
        tried = {*(each.fix for each in self._attempts), *(each.fix for each in applied)}
        wanted = self._request.fix
        left = [each for each in self._misfits if each.fix not in tried and wanted in (None, each.fix)]
        near = {each.fix: each for each in left if each.near}
        return tuple((near if near or tried else {each.fix: each for each in left}).values())

    def _after(
        self, tree: Tree, run: Observation, applied: tuple[Candidate, ...]
    ) -> tuple[Tree, tuple[Candidate, ...], Proof] | None:
        for cause in self.own(run):
            for candidate in self._candidates(run.document, cause, tree, self._misfits):
                if len(self._attempts) >= ATTEMPTS:
                    return None
                if self._wanted(candidate):
                    found = self._try(tree.with_files(candidate.files), run, (*applied, candidate))
                    if found is not None:
                        return found
        return None

    def _is_nearer(self, earlier: Observation, now: Observation) -> bool:
        """Whether one root cause is gone and others are left, which it may have hidden."""
        before, left = (Counter(place_of(run, cause) for cause in self.own(run)) for run in (earlier, now))
        return bool(left) and bool(before - left) and left.total() <= before.total()

    def _wanted(self, candidate: Candidate) -> bool:
        existing = [path for path in candidate.files if (self._prover.tree.root / path).exists()]
        only = self._request.only
        return self._request.fix in (None, candidate.fix) and (not only or {*existing} <= {*only})

    def _try(
        self, tree: Tree, earlier: Observation, applied: tuple[Candidate, ...]
    ) -> tuple[Tree, tuple[Candidate, ...], Proof] | None:
        prover = self._prover
        first = prover.runner.observe_all(prover.program, tree, conditions(0, 1))
        if self._is_nearer(earlier, first[0]) and len(applied) < DEEPEST:
            found = self._after(tree, first[0], applied)
            if found is not None or of_severity(first[0], *BAD):
                return found  # notes may stay
        proof = prover.prove(tree, first)
        self._attempts.append(Attempt(applied[-1].fix, applied[-1].summary, proof.reason))
        if proof.accepted:
            return tree, applied, proof
        best = self._best[2]
        if best is None or proof.runs > best.runs:
            self._best = (tree, applied, proof)
        return None


def tree_of(folder: Path) -> Tree:
    """Returns the tree of a folder.

    Raises:
        CommandError: there is no such folder.
    """
    if not folder.is_dir():
        raise CommandError(f"there is no folder {folder}", status=2)
    return Tree(folder.resolve())


def checked_words(words: Sequence[str], root: Path) -> tuple[str, ...]:
    """Returns the words of a program in a folder.

    Raises:
        CommandError: they name no program there; the message says what to write.
    """
    if not words:
        raise CommandError("no program given; write a script, or -- -m and a module", status=2)
    if words[0] == "-c":
        raise CommandError("code given with -c is in no file that could be changed; write it to a script", status=2)
    if words[0] == "-m":
        if len(words) == 1:
            raise CommandError("-m needs the name of a module", status=2)
        return tuple(words)
    script = root / words[0]
    if not script.exists():
        raise CommandError(f"no such script: {words[0]}; for a module write -- -m {Path(words[0]).stem}", status=2)
    if not script.resolve().is_relative_to(root):
        raise CommandError(
            f"{words[0]} is outside {root}; start in the folder that has all files of the program", status=2
        )
    return tuple(words)
