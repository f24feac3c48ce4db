"""Advice for clients that tests and their fixtures make."""

from __future__ import annotations

import sys

from diagnostics.model.finding import Advice
from diagnostics.sanitizer.analyze.scope import module_of
from diagnostics.sanitizer.analyze.situation import Situation
from diagnostics.sanitizer.analyze.sources import block


def _fixture(about: Situation, decorator: str, name: str = "") -> str:
    made = about.variable
    body = about.managed(f"yield {about.names(made)[1]}", "    ", made)
    return block(decorator, f"async def {name or made}():", body)


def pytest_asyncio(about: Situation) -> list[Advice]:
    """Each test of pytest-asyncio uses a client of its own loop, or all share one loop."""
    about = about.at(module_of(about.where))
    text = "make the client a fixture: each test has a loop of its own, and so its own client"
    fixture = _fixture(about, "@pytest_asyncio.fixture")
    scope = 'or run all tests on one loop: `loop_scope="session"`, also for the fixtures that hold the client'
    mark = 'pytestmark = pytest.mark.asyncio(loop_scope="session")'
    return [Advice("client-per-loop", text, fixture, about.where), Advice("single-run", scope, mark, None)]


def _own_fixture(about: Situation) -> tuple[str, str, str]:
    """Returns name and scope of the fixture that makes the client, and the module that fixtures of its plugin need."""
    name, scope = about.fixture or ("", "")
    return name, scope, "pytest_asyncio" if about.made_by("pytest-asyncio") else "pytest"


def wide_fixture(about: Situation) -> list[Advice]:
    """A fixture lives longer than the loop of each test that uses it."""
    name, scope, plugin = _own_fixture(about)
    used = sorted({maker.rpartition(", ")[2] for maker in about.makers if maker.endswith(" scope")})
    loops = used[0] if used else "each test"
    text = f"the fixture `{name}` has {scope} scope, its client is used on loops of {loops}: give it that scope too"
    first = Advice("client-per-loop", text, _fixture(about, f"@{plugin}.fixture", name), about.where)
    if plugin == "pytest_asyncio":
        code = block(
            f'pytestmark = pytest.mark.asyncio(loop_scope="{scope}")',
            f'@pytest_asyncio.fixture(scope="{scope}", loop_scope="{scope}")',
        )
        setting = f'`loop_scope="{scope}"` for the fixture and its tests (before pytest-asyncio 0.24: `scope`)'
    else:
        code = block(f'@pytest.fixture(scope="{scope}")', "def anyio_backend():", '    return "asyncio"')
        setting = f"`anyio_backend` with {scope} scope"
    return [first, Advice("single-run", f"or use one loop: {setting}", code, None)]


def closed_in_fixture(about: Situation) -> list[Advice]:
    """A fixture leaves its client open."""
    name, scope, plugin = _own_fixture(about)
    loop = f', loop_scope="{scope}"' if plugin == "pytest_asyncio" else ""
    head = f"@{plugin}.fixture" + ("" if scope == "function" else f'(scope="{scope}"{loop})')
    text = f"close the client in the fixture `{name}`"
    return [Advice("context-manager", text, _fixture(about, head, name), about.where)]


def anyio_plugin(about: Situation) -> list[Advice]:
    """Each test of anyio's plugin uses a client of its own loop, or all share one loop."""
    about = about.at(module_of(about.where))
    text = "make the client a fixture, so that each test creates and closes it on its own loop"
    fixture = _fixture(about, "@pytest.fixture")
    scope = "or keep one loop for all tests: give `anyio_backend` session scope"
    session = block('@pytest.fixture(scope="session")', "def anyio_backend():", '    return "asyncio"')
    return [Advice("client-per-loop", text, fixture, about.where), Advice("single-run", scope, session, None)]


def unittest(about: Situation) -> list[Advice]:
    """Each test of `IsolatedAsyncioTestCase` has a loop of its own."""
    text = "create the client in `asyncSetUp`: each test has a loop of its own"
    closed, names = (f"self.{each}".replace(", ", ", self.") for each in about.names(about.variable))
    lines = ["async def asyncSetUp(self):", f"    {names} = {about.creation}"]
    if about.is_managed and sys.version_info >= (3, 11):
        lines[1:] = [f"    {closed} = await self.enterAsyncContext({about.to_enter})"]
    elif about.is_managed:
        lines.append(f"    self.addAsyncCleanup({closed}.__aexit__, None, None, None)")
    elif about.closer:
        lines += ["", "async def asyncTearDown(self):", *(f"    {each}" for each in about.closing(closed))]
    return [Advice("client-per-loop", text, block(*lines), about.where)]
