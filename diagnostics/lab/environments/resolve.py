"""Asks uv's resolver whether an environment exists, and finds its lock: committed, kept from before, or resolved now.

A combination of the matrix pins what it names. A `ResolveRequest` is the general form: any requirements, as of any day.
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
import tempfile
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from pathlib import Path

from diagnostics.lab.combination import Combination
from diagnostics.lab.environments import locks, uv
from diagnostics.lab.environments.locks import Lock, LockError
from diagnostics.lab.environments.problems import BuildFailed, IndexUnreachable, Unsatisfiable
from diagnostics.model.libraries import stacks

# One generation an environment. `<0` is no version at all: the resolver then says who wanted it.
_FORBIDDEN = {
    chosen: tuple(name for other, names in stacks().items() if other != chosen for name in names) for chosen in stacks()
}

_NO_DAY = "9000-01-01T00:00:00Z"
"""Later than anything: takes one distribution out of `--exclude-newer`."""


@dataclass(frozen=True)
class ResolveRequest:
    """What the resolver is asked.

    Attributes:
        python: the version to resolve for, such as `3.13`.
        requirements: what is to be there, as in a requirements file.
        constraints: what else must hold of whatever comes with it.
        as_of: a day (`2026-11-01`, all of it, in UTC) or a time in RFC 3339: nothing published later is seen.
        newer: distributions that this does not hold for.
    """

    python: str
    requirements: tuple[str, ...]
    constraints: tuple[str, ...] = ()
    as_of: str | None = None
    newer: tuple[str, ...] = ()

    @property
    def digest(self) -> str:
        """The same for the same question, on every day and machine."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()[:16]


def question(combination: Combination, *, as_of: str | None = None) -> ResolveRequest:
    """What a combination asks: its pins and, unless a person chose them, not the other generation of the HTTP stack."""
    return ResolveRequest(
        combination.python,
        combination.requirements,
        combination.pins if combination.own else without_other_generation(combination.generation),
        as_of or combination.as_of,
    )


def without_other_generation(generation: str | None) -> tuple[str, ...]:
    """Constraints that keep the other generation of the HTTP stack out; none where it is left to the resolver."""
    return tuple(f"{name}<0" for name in _FORBIDDEN.get(generation or "", ()))


def resolve(combination: Combination, *, offline: bool = False, as_of: str | None = None) -> Lock:
    """The resolver's newest answer for a combination; see `ask`."""
    return ask(question(combination, as_of=as_of), offline=offline)


def ask(asked: ResolveRequest, *, offline: bool = False) -> Lock:
    """The resolver's newest answer. Needs no interpreter of that Python.

    Raises:
        Unsatisfiable: no set of packages fits; the reason is the resolver's sentence.
        IndexUnreachable: the index does not answer, so that nothing can be said.
        BuildFailed: uv is missing or failed otherwise.
    """
    with tempfile.TemporaryDirectory(prefix="diagnostics-lock-") as folder:
        here = Path(folder)
        (here / "requirements.in").write_text("\n".join(asked.requirements), encoding="utf-8")
        (here / "constraints.txt").write_text("\n".join(asked.constraints), encoding="utf-8")
        command = ["pip", "compile", "requirements.in", "--constraints", "constraints.txt", "--only-binary", ":all:"]
        command += ["--python", sys.executable, "--python-version", asked.python]
        command += ["--no-header", "--no-annotate", "--no-emit-index-url", "--no-emit-find-links", "--generate-hashes"]
        command += ["--exclude-newer", end_of_day(asked.as_of)] if asked.as_of else []
        command += [part for name in asked.newer for part in ("--exclude-newer-package", f"{name}={_NO_DAY}")]
        answer = uv.run(*command, cwd=here, offline=offline)
    if answer.returncode == 0:
        return locks.parse(answer.stdout)
    problem = uv.problem(answer.stderr)
    if "No solution found" in answer.stderr and not isinstance(problem, IndexUnreachable):
        raise Unsatisfiable(_readable(uv.sentence(answer.stderr)))
    raise problem


def end_of_day(text: str) -> str:
    """A day as the moment at its end in UTC, whatever this machine's time zone is; anything else as it is."""
    try:
        return f"{date.fromisoformat(text) + timedelta(days=1)}T00:00:00Z"
    except (ValueError, OverflowError):
        return text


def find_lock(combination: Combination, *, cache: Path, offline: bool = False) -> Lock:
    """The committed lock, else the one kept in the cache, else the resolver's answer, which is then kept.

    Raises:
        Unsatisfiable: there is none, now or as recorded.
        IndexUnreachable: nothing is recorded and the index does not answer.
        BuildFailed: uv failed, the cache cannot be written or the committed locks contradict themselves.
    """
    try:
        lock = locks.read(combination)
    except LockError as error:
        raise BuildFailed(str(error)) from None
    if lock is not None:
        return lock
    if reason := locks.read_reason(combination):
        raise Unsatisfiable(reason)
    asked = question(combination)
    return _kept(asked, cache / "locks" / f"{combination.slug}.json", cache, offline=offline)


def find_answer(asked: ResolveRequest, *, cache: Path, offline: bool = False) -> Lock:
    """The answer to a question kept in the cache, else the resolver's, which is then kept; see `find_lock`."""
    return _kept(asked, cache / "locks" / f"asked-{asked.digest}.json", cache, offline=offline)


def _kept(asked: ResolveRequest, path: Path, cache: Path, *, offline: bool) -> Lock:
    record: dict[str, str | None] = {}
    # A file that cannot be read is as good as none: the resolver is asked again and the file replaced.
    with suppress(OSError, ValueError, KeyError, TypeError):
        record = json.loads(path.read_text(encoding="utf-8"))
        if record["lock"] is not None:
            return locks.parse(record["lock"])
    try:
        lock = _ask_anyhow(asked, offline=offline)
    except Unsatisfiable as error:
        _keep(path, cache, {"lock": None, "unsatisfiable": error.reason})
        raise
    except IndexUnreachable:
        # A lock stays right for ever. A reason does not, a release may have come since: it stands in for the index.
        if reason := record.get("unsatisfiable"):
            raise Unsatisfiable(reason) from None
        raise
    _keep(path, cache, {"lock": lock.text, "unsatisfiable": None})
    return lock


def _ask_anyhow(asked: ResolveRequest, *, offline: bool) -> Lock:
    """The answer of today's index, or without it that of uv's cache."""
    if not offline:
        with suppress(IndexUnreachable):
            return ask(asked)
    return ask(asked, offline=True)


def _keep(path: Path, cache: Path, record: dict[str, str | None]) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=path.parent, delete=False) as file:
            json.dump(record, file)
        Path(file.name).replace(path)
    except OSError as error:
        raise uv.disk_problem(cache, error.strerror or str(error)) from None


def _readable(reason: str) -> str:
    """The resolver takes our constraint for a wish of the package: say what is so."""
    reason = re.sub(
        r"depends on (httpx2|httpcore2|httpx|httpcore)<0, which does not allow any versions",
        r"depends on \1, which may not be there beside the other generation",
        reason,
    )
    return re.sub(r"\s+", " ", reason)
