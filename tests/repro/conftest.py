"""Real SDKs to run the scripts with: one environment a generation, built once a run and shared between workers."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
import uv
from filelock import FileLock

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

GENERATIONS = {
    "openai-1": ("openai==1.109.1", "httpx==0.27.2"),
    "openai-2": ("openai==2.54.0", "httpx==0.28.1"),
    "openai-3": ("openai==3.54.0", "httpx2==2.16.2"),
}


@pytest.fixture(scope="session")
def sdk_python(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Callable[[str], Path]:
    """The interpreter of a generation's environment, which is built when it is first asked for."""
    base = tmp_path_factory.getbasetemp()
    shared = base if worker_id == "master" else base.parent  # beneath the run's folder each worker has its own

    def build(generation: str) -> Path:
        python = shared / f"sdk-{generation}" / "bin" / "python"
        built = shared / f"sdk-{generation}.built"
        with FileLock(shared / f"sdk-{generation}.lock"):
            if not built.exists():
                folder = python.parent.parent
                uv_run("venv", "--quiet", "--clear", "--python", sys.executable, str(folder))
                install = ("pip", "install", "--quiet", "--only-binary", ":all:", "--compile-bytecode")
                uv_run(*install, "--python", str(python), *GENERATIONS[generation])
                built.touch()
        return python

    return build


def uv_run(*arguments: str) -> None:
    done = subprocess.run([uv.find_uv_bin(), *arguments], capture_output=True, text=True, check=False, timeout=300)
    if done.returncode:
        pytest.fail(f"uv {' '.join(arguments)} ended with {done.returncode}: {done.stderr.strip()}")
