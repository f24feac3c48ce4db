"""Real SDKs to run programs with, the server they talk to, and programs under the sanitizer as a person starts them."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import tomllib
import uv
from filelock import FileLock

from diagnostics.lab.environments import find_interpreter
from diagnostics.lab.execution.staging import stage_code
from diagnostics.lab.server import ProviderServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

ENVIRONMENTS = {
    "openai-1": ("openai==1.54.0", "httpx==0.27.2"),
    "openai-2": (
        "openai==2.54.0",
        "httpx==0.28.1",
        "anthropic==0.125.0",
        "google-genai==2.34.0",
        "aiohttp==3.14.5",
        "httpx-aiohttp==0.2.0",
        "h2==4.4.1",
    ),
    "frameworks": (
        "openai==3.3.0",
        "httpx2==2.16.2",
        "langchain-openai==1.7.3",
        "litellm==1.83.0",
        "instructor==1.17.0",
        "llama-index-llms-openai==0.1.27",
        "pydantic-ai-slim[openai]==2.38.0",
        "uvloop==0.23.0",
        "nest-asyncio==1.6.0",
        "openai-agents==0.24.0",
    ),
    "servers": (
        "openai==3.54.0",
        "httpx2==2.16.2",
        "fastapi==0.165.0",
        "uvicorn==0.54.0",
        "gunicorn==27.0.1",
        "celery==5.7.0",
    ),
    "pytest": (
        "httpx2==2.16.2",
        "hypothesis==6.170.15",
        "pytest==9.2.0",
        "pytest-asyncio==1.5.0",
        "pytest-forked==1.6.0",
        "pytest-rerunfailures==16.1",
        "pytest-xdist==3.8.0",
        "starlette==1.10.0",
    ),
    "pytest-old": (
        "aiohttp==3.14.5",
        "django==5.2.8",
        "httpx2==2.16.2",
        "pytest==7.4.4",
        "pytest-aiohttp==1.0.5",
        "pytest-asyncio==0.21.2",
    ),
    "neighbours": (
        "aiosmtplib==5.1.3",
        "aiosqlite==0.22.1",
        "asyncpg==0.32.0",
        "grpcio==1.85.3",
        "motor==3.7.1",
        "psycopg[binary]==3.3.9",
        "redis==8.1.0",
        "sqlalchemy[asyncio]==2.1.9",
        "websockets==17.4",
    ),
    "libraries": (
        "aiobotocore==3.10.0",
        "aiocache==0.12.3",
        "aiohttp==3.14.5",
        "aiomqtt==2.5.1",
        "aiosmtpd==1.4.6",
        "apscheduler==3.11.3",
        "asyncpg==0.32.0",
        "asyncssh==2.24.1",
        "dramatiq==2.2.1",
        "grpcio==1.85.3",
        "httpx2==2.16.2",
        "janus==2.0.0",
        "mcp==2.3.0",
        "nats-py==2.16.0",
        "piccolo==1.38.0",
        "psycopg[binary]==3.3.9",
        "psycopg-pool==3.3.3",
        "pytest==9.2.0",
        "pytest-asyncio==1.5.0",
        "python-socketio==5.18.1",
        "redis==8.1.0",
        "saq==0.26.4",
        "sqlalchemy[asyncio]==2.1.9",
        "starlette==1.10.0",
        "trio==0.35.0",
        "uvloop==0.23.0",
        "zeroconf==0.154.0",
    ),
    "openai-3": ("openai==3.54.0", "httpx2==2.16.2", "anthropic==2.12.0", "google-genai==3.4.0"),
}
REPORTS = tomllib.loads(Path(__file__).with_name("reports").joinpath("answers.toml").read_text())
"""The programs rebuilt from public reports: their environments, and the answers to them."""

ENVIRONMENTS |= {name: tuple(words) for name, words in REPORTS["environments"].items()}
NEWEST = {"frameworks": (3, 12)}
"""The newest Python that everything in an environment has wheels for: here for the numpy of that llama-index."""


@dataclass(frozen=True)
class Ran:
    """How a program ended, and what the sanitizer wrote where it was on."""

    status: int
    output: str
    errors: str
    document: dict[str, Any] | None

    @property
    def findings(self) -> list[dict[str, Any]]:
        assert self.document is not None, self.errors
        return list(self.document["findings"])

    @property
    def own_errors(self) -> str:
        """What the program itself has printed to standard error: the report comes after it."""
        return re.split(r"(?m)^(?:error|leak|note)\[|^diagnostics: ", self.errors, maxsplit=1)[0]

    @property
    def kinds(self) -> dict[str, str]:
        return {finding["kind"]: finding["severity"] for finding in self.findings}


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that all workers of a run share."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base


@pytest.fixture(scope="session")
def interpreter(shared: Path) -> Callable[[str], Path]:
    """The interpreter of an environment, which is built when it is first asked for; `none` is this one."""

    def build(name: str) -> Path:
        if name == "none":
            return Path(sys.executable)
        python, built = shared / f"instrumented-{name}" / "bin" / "python", shared / f"instrumented-{name}.built"
        with FileLock(shared / f"instrumented-{name}.lock"):
            if not built.exists():
                run_uv("venv", "--quiet", "--clear", "--python", str(base(name)), str(python.parent.parent))
                install = ("pip", "install", "--quiet", "--only-binary", ":all:", "--compile-bytecode")
                run_uv(*install, "--python", str(python), *ENVIRONMENTS[name])
                built.touch()
        return python

    return build


def base(name: str) -> Path:
    """The interpreter that an environment is made of: this one, if everything has wheels for it."""
    newest = NEWEST.get(name, sys.version_info[:2])
    version = REPORTS["pythons"].get(name, ".".join(map(str, newest)))
    if name not in REPORTS["pythons"] and sys.version_info[:2] <= newest:
        return Path(sys.executable)
    found = find_interpreter(version)
    if found is None:
        pytest.skip(f"not all of {name} has wheels for this Python, and there is no Python {version} on this machine")
    return found.path


def run_uv(*arguments: str) -> None:
    done = subprocess.run([uv.find_uv_bin(), *arguments], capture_output=True, text=True, check=False, timeout=300)
    if done.returncode:
        pytest.fail(f"uv {' '.join(arguments)} ended with {done.returncode}: {done.stderr.strip()}")


@pytest.fixture(scope="session")
def server() -> Iterator[ProviderServer]:
    with ProviderServer() as running:
        yield running


@pytest.fixture(scope="session")
def inside(shared: Path) -> Path:
    """What an environment sees of this project."""
    return stage_code(shared)


@pytest.fixture(scope="session")
def surroundings(server: ProviderServer, inside: Path) -> Callable[[str], dict[str, str]]:
    """The variables that programs run with, for one trial."""

    def build(trial: str) -> dict[str, str]:
        return {
            # A program that runs in a test is not one: NiceGUI would wait for a browser.
            **{name: value for name, value in os.environ.items() if name != "PYTEST_CURRENT_TEST"},
            "PYTHONPATH": str(inside),
            "PROVIDER": server.trial_url(trial),
            "SSL_CERT_FILE": str(server.ca_file),
            "LITELLM_LOCAL_MODEL_COST_MAP": "True",  # or it asks the network for one
            "NO_PROXY": "localhost,127.0.0.1",
        }

    return build


@pytest.fixture(scope="session")
def warm(
    interpreter: Callable[[str], Path], surroundings: Callable[[str], dict[str, str]], shared: Path
) -> Callable[[str, Sequence[Path]], dict[str, Ran]]:
    """Runs programs of one environment, all of them the first time that one is asked for; see `warm.py`."""

    def run_programs(environment: str, programs: Sequence[Path]) -> dict[str, Ran]:
        folder = shared / f"warm-{environment}"
        with FileLock(shared / f"warm-{environment}.lock"):
            if not folder.exists():
                folder.mkdir()
                words = [Path(__file__).with_name("warm.py"), folder, *programs]
                command = [str(word) for word in (interpreter(environment), *words)]
                subprocess.run(
                    command, env=surroundings("warm"), cwd=folder, capture_output=True, check=True, timeout=600
                )
        return {
            program.stem: Ran(
                int((folder / f"{program.stem}.status").read_text()),
                (folder / f"{program.stem}.out").read_text(),
                (folder / f"{program.stem}.err").read_text(),
                json.loads((folder / f"{program.stem}.json").read_text()),
            )
            for program in programs
        }

    return run_programs


@pytest.fixture
def run(
    interpreter: Callable[[str], Path],
    surroundings: Callable[[str], dict[str, str]],
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> Callable[..., Ran]:
    """Runs a program, instrumented or not, in an environment."""
    trial = "".join(letter if letter.isalnum() else "-" for letter in request.node.name)

    def run_program(
        environment: str,
        program: Path | str,
        *arguments: str,
        options: tuple[str, ...] = (),
        instrumented: bool = True,
        module: bool = False,
        more: dict[str, str] | None = None,
        timeout: float = 120,
    ) -> Ran:
        file = tmp_path / "findings.json"
        file.unlink(missing_ok=True)
        started = [*(["-m"] if module else []), str(program), *arguments]
        command = ["-m", "diagnostics.sanitizer", "--json", str(file), *options, *([] if module else ["--"])]
        done = subprocess.run(
            [interpreter(environment), *(command if instrumented else []), *started],
            capture_output=True,
            text=True,
            check=False,
            timeout=timeout,
            cwd=tmp_path,
            env={**surroundings(trial), **({"INSTRUMENTED": "1"} if instrumented else {}), **(more or {})},
        )
        document = json.loads(file.read_text()) if file.exists() else None
        return Ran(done.returncode, done.stdout, done.stderr, document)

    return run_program
