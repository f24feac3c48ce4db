"""Builds an environment once and reuses it: interpreter, loop and lock decide its name, and its name where it is.

An environment is built in a folder beside its place and renamed when it is whole; the record in it is written last. So
what has a record under its own name can be used, whatever was killed in between, and two runs at once build it once.
"""

from __future__ import annotations

import csv
import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from filelock import FileLock

from diagnostics.lab.combination import Combination
from diagnostics.lab.environments import bytecode, uv
from diagnostics.lab.environments.interpreters import Interpreter, find_interpreter
from diagnostics.lab.environments.locks import Lock
from diagnostics.lab.environments.problems import BuildFailed, IndexUnreachable, Unavailable, Unsatisfiable
from diagnostics.lab.environments.resolve import find_lock
from diagnostics.model.cell import Environment
from diagnostics.model.codec import encode

RECORD = "diagnostics-environment.json"
SCHEMA = "diagnostics.environment/1"


@dataclass(frozen=True)
class PreparedEnvironment:
    """An environment that can run trials.

    Attributes:
        environment: its identity, as records carry it.
        python: its interpreter.
        lock: what is installed, as a requirements file with hashes.
        reused: whether it was there already.
        files: what is installed.
    """

    environment: Environment
    python: Path
    lock: str
    reused: bool
    files: tuple[Path, ...] = field(repr=False)


def prepare(
    combination: Combination, *, cache: Path, offline: bool = False, lock: Lock | None = None
) -> PreparedEnvironment:
    """The environment of a combination, built if it is not in the cache. May be called by many threads and processes.

    Args:
        combination: one of the matrix.
        cache: where environments are kept; see `default_cache`.
        offline: whether the package index may not be asked. Even if it may, uv's own cache is tried first.
        lock: what to install; without it, what `find_lock` finds.

    Raises:
        Unavailable: there is no interpreter.
        Unsatisfiable: there is no lock, or no wheel of a package for this machine.
        IndexUnreachable: something is not in uv's cache, and the index does not answer.
        BuildFailed: uv is missing or failed, or the cache cannot be written.
    """
    interpreter = find_interpreter(combination.python)
    lock = lock or find_lock(combination, cache=cache, offline=offline)
    if interpreter is None:
        raise Unavailable(
            f"this machine has no Python {combination.python}; install it, for example with: "
            f"uv python install {combination.python}"
        )
    environment = identify(combination, interpreter, lock)
    place = cache.absolute() / "environments" / environment.name
    files = _usable(place, environment)
    reused = files is not None
    if files is None:
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            with FileLock(place.with_name(f"{place.name}.lock")):
                files = _usable(place, environment)
                reused = files is not None
                if files is None:
                    _build(place, environment, interpreter, lock, cache=cache, offline=offline)
                    files = _usable(place, environment)
        except OSError as error:
            raise uv.disk_problem(cache, error.strerror or str(error)) from None
    if files is None:
        raise BuildFailed(f"{place} was removed while it was prepared")
    return PreparedEnvironment(environment, _python(place), lock.text, reused, files)


def identify(combination: Combination, interpreter: Interpreter, lock: Lock) -> Environment:
    """The identity of an environment: its name ends in a hash of interpreter, loop and lock."""
    words = "\n".join([interpreter.version, interpreter.implementation, combination.loop, lock.text])
    digest = hashlib.sha256(words.encode()).hexdigest()[:8]
    return Environment(f"{combination.slug}-{digest}", interpreter.version, combination.loop, lock.packages)


def unprepared(combination: Combination) -> Environment:
    """What a record names where there is no environment: the combination itself, without a hash."""
    return Environment(combination.slug, combination.python, combination.loop, dict(combination.packages))


def _python(place: Path) -> Path:
    return place / "Scripts" / "python.exe" if os.name == "nt" else place / "bin" / "python"


def _site_packages(place: Path) -> Path:
    pattern = "Lib/site-packages" if os.name == "nt" else "lib/python*/site-packages"
    return next(place.glob(pattern), place / pattern)


def _installed(place: Path) -> list[str]:
    """The metadata folders of all packages, sorted: cheap to list, and gone with their package."""
    return sorted(path.name for path in _site_packages(place).glob("*.dist-info"))


def _files(place: Path) -> Iterator[Path]:
    """What an environment consists of, by the records of its packages; bytecode is made again where it is missing."""
    yield from (place / RECORD, place / "pyvenv.cfg")
    site_packages = _site_packages(place)
    for name in _installed(place):
        record = site_packages / name / "RECORD"
        yield record
        with record.open(encoding="utf-8", newline="") as rows:
            names = [row[0] for row in csv.reader(rows) if row]
        yield from (site_packages / name for name in names if not name.endswith(".pyc"))


def _usable(place: Path, environment: Environment) -> tuple[Path, ...] | None:
    """The files of an environment; `None` if it is another one, or not whole."""
    try:
        record = json.loads((place / RECORD).read_text(encoding="utf-8"))
        same = record["schema"] == SCHEMA and record["environment"] == encode(environment)
        # The interpreter is a link: it dangles once the Python it was built from has been removed.
        whole = same and _python(place).is_file() and record["installed"] == _installed(place)
        files = tuple(_files(place)) if whole else ()
        return files if files and all(file.exists() for file in files) else None
    except (OSError, ValueError, KeyError, TypeError, csv.Error):
        return None


def _build(
    place: Path, environment: Environment, interpreter: Interpreter, lock: Lock, *, cache: Path, offline: bool
) -> None:
    # One name for one environment: what a killed build has left behind goes when the next one starts.
    temporary = place.with_name(f".{place.name}")
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir()
    try:
        half_built = temporary / "environment"
        (temporary / "lock.txt").write_text(lock.text, encoding="utf-8")
        created = uv.run(
            "venv", "--no-project", "--relocatable", "--python", str(interpreter.path), str(half_built), cwd=temporary
        )
        if created.returncode:
            raise uv.problem(created.stderr, cache=cache)
        _install(temporary, half_built, cache=cache, offline=offline)
        store = place.parent.with_name("bytecode") / f"{interpreter.implementation}-{interpreter.version}"
        bytecode.add(_site_packages(half_built), _python(half_built), store)
        record = {"schema": SCHEMA, "environment": encode(environment), "installed": _installed(half_built)}
        (half_built / RECORD).write_text(json.dumps(record), encoding="utf-8")
        if place.exists():
            # Half a removal must not look like an environment: it leaves its name in one step.
            place.rename(temporary / "unusable")
        half_built.rename(place)
    finally:
        with suppress(OSError):
            shutil.rmtree(temporary)


def _install(temporary: Path, environment: Path, *, cache: Path, offline: bool) -> None:
    command = ["pip", "install", "--python", str(_python(environment)), "--requirements", "lock.txt"]
    command += ["--no-deps", "--require-hashes", "--only-binary", ":all:"]
    answer = uv.run(*command, cwd=temporary, offline=True)
    if answer.returncode and not offline:
        answer = uv.run(*command, cwd=temporary)
    if not answer.returncode:
        return
    problem = uv.problem(answer.stderr, cache=cache)
    if "No solution found" in answer.stderr and not isinstance(problem, IndexUnreachable | BuildFailed):
        problem = Unsatisfiable(uv.sentence(answer.stderr))
    raise problem
