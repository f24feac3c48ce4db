"""Real environments, shared by every test process of this machine: built by the lab, kept where it keeps them."""

from __future__ import annotations

import functools
import os
import signal
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings
from packaging.version import Version

from diagnostics.lab.environments import PreparedEnvironment, default_cache, find_interpreter, prepare
from diagnostics.lab.environments.locks import known_unsatisfiable
from diagnostics.lab.matrix_file import load_matrix
from diagnostics.lab.plan import Role, roles
from diagnostics.lab.server.installed import POSTGRESQL, REDIS, InstalledServer, NotInstalledError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from diagnostics.lab.combination import Combination


# A job in the background of a shell ignores Ctrl-C, and so would every program that a test starts to interrupt it.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# No test may fail because the machine is busy: hypothesis's deadline is a wall clock.
settings.register_profile("no clock", deadline=None)
settings.load_profile("no clock")


@pytest.hookimpl(optionalhook=True)  # there is no such hook without xdist
def pytest_xdist_auto_num_workers() -> int:
    """What `-n auto` means here: one more than there are cores, for tests wait a quarter of their time."""
    return (os.cpu_count() or 1) + 1


def found_pythons(combinations: list[Combination]) -> set[str]:
    return {python for python in {c.python for c in combinations} if find_interpreter(python) is not None}


@functools.cache
def newest(generation: str) -> Combination:
    """The newest SDKs of a generation on the newest Python of this machine, without extras."""
    combinations = load_matrix()
    ranked = roles(combinations, found_pythons(combinations), known_unsatisfiable(combinations))
    fitting = [c for c, role in ranked if role in (Role.LEAD, Role.SECOND) and c.generation == generation]
    if not fitting:
        pytest.fail(f"the matrix has nothing of {generation} for a Python of this machine")
    return fitting[0]


@pytest.fixture(scope="session")
def environment() -> Callable[[str], PreparedEnvironment]:
    """The environment of a generation, `httpx` or `httpx2`, which is built when it is first asked for."""

    @functools.cache
    def build(generation: str) -> PreparedEnvironment:
        return prepare(newest(generation), cache=default_cache())

    return build


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    """A Redis server of this test process; skipped where none is installed."""
    yield from started(REDIS)


@pytest.fixture(scope="session")
def postgresql_url() -> Iterator[str]:
    """A PostgreSQL server of this test process; skipped where none is installed."""
    yield from started(POSTGRESQL)


def started(server: InstalledServer) -> Iterator[str]:
    try:
        server.find()
    except NotInstalledError as error:
        pytest.skip(str(error))
    with server.running() as running:
        yield running.url


@pytest.fixture(scope="session")
def combination() -> Callable[[str], Combination]:
    """What the environment of a generation is made from."""
    return newest


GENERATIONS = {
    "openai-1": ("openai==1.109.1", "httpx==0.27.2"),
    "openai-2": ("openai==2.54.0", "httpx==0.28.1"),
    "openai-3": ("openai==3.54.0", "httpx2==2.16.2"),
}


@pytest.fixture(scope="session")
def sdk_python() -> Callable[[str], Path]:
    """The interpreter of a generation's environment, on this machine's newest Python; built when first asked for."""

    @functools.cache
    def build(generation: str) -> Path:
        fitting = [
            combination
            for combination in load_matrix()
            if set(GENERATIONS[generation]) <= set(combination.requirements)
            and combination.value("aiohttp") is None
            and find_interpreter(combination.python) is not None
        ]
        if not fitting:
            pytest.fail(f"no Python of this machine has {GENERATIONS[generation]} in the matrix: name others here")
        return prepare(max(fitting, key=lambda c: Version(c.python)), cache=default_cache()).python

    return build
