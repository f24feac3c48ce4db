"""Asks uv's resolver whether a combination exists, and finds its lock: committed, kept from before, or resolved now."""

from __future__ import annotations

import json
import re
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

from diagnostics.lab.combination import Combination
from diagnostics.lab.environments import locks, uv
from diagnostics.lab.environments.locks import Lock, LockError
from diagnostics.lab.environments.problems import BuildFailed, IndexUnreachable, Unsatisfiable

# One generation an environment. `<0` is no version at all: the resolver then says who wanted it.
_FORBIDDEN = {"httpx": ("httpx2", "httpcore2"), "httpx2": ("httpx", "httpcore")}


def resolve(combination: Combination, *, offline: bool = False, as_of: str | None = None) -> Lock:
    """The resolver's newest answer. Needs no interpreter of that Python.

    Args:
        combination: what to pin.
        offline: whether only uv's cache may be asked.
        as_of: a date (`2026-11-01`) or time in RFC 3339: nothing published later is seen.

    Raises:
        Unsatisfiable: no set of packages fits; the reason is the resolver's sentence.
        IndexUnreachable: the index does not answer, so that nothing can be said.
        BuildFailed: uv is missing or failed otherwise.
    """
    forbidden = _FORBIDDEN.get(combination.generation or "", ())
    with tempfile.TemporaryDirectory(prefix="diagnostics-lock-") as folder:
        here = Path(folder)
        (here / "requirements.in").write_text("\n".join(combination.requirements), encoding="utf-8")
        (here / "constraints.txt").write_text("\n".join(f"{name}<0" for name in forbidden), encoding="utf-8")
        command = ["pip", "compile", "requirements.in", "--constraints", "constraints.txt", "--only-binary", ":all:"]
        command += ["--python", sys.executable, "--python-version", combination.python]
        command += ["--no-header", "--no-annotate", "--no-emit-index-url", "--no-emit-find-links", "--generate-hashes"]
        command += ["--exclude-newer", as_of] if as_of else []
        answer = uv.run(*command, cwd=here, offline=offline)
    if answer.returncode == 0:
        return locks.parse(answer.stdout)
    problem = uv.problem(answer.stderr)
    if "No solution found" in answer.stderr and not isinstance(problem, IndexUnreachable):
        raise Unsatisfiable(_readable(uv.sentence(answer.stderr)))
    raise problem


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
    return _kept(combination, cache / "locks" / f"{combination.slug}.json", cache, offline=offline)


def _kept(combination: Combination, path: Path, cache: Path, *, offline: bool) -> Lock:
    record: dict[str, str | None] = {}
    # A file that cannot be read is as good as none: the resolver is asked again and the file replaced.
    with suppress(OSError, ValueError, KeyError, TypeError):
        record = json.loads(path.read_text(encoding="utf-8"))
        if record["lock"] is not None:
            return locks.parse(record["lock"])
    try:
        lock = _resolve_anyhow(combination, offline=offline)
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


def _resolve_anyhow(combination: Combination, *, offline: bool) -> Lock:
    """The answer of today's index, or without it that of uv's cache."""
    if not offline:
        with suppress(IndexUnreachable):
            return resolve(combination)
    return resolve(combination, offline=True)


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
