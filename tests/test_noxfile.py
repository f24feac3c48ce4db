"""The noxfile as a person meets it: nox is started, its own virtual environments are not."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from diagnostics.lab.matrix_file import load_matrix

ROOT = Path(__file__).parent.parent


def nox(*arguments: str, folder: Path = ROOT) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "nox", "--noxfile", str(folder / "noxfile.py"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def selected(*arguments: str) -> list[str]:
    answer = nox("--list", "--json", *arguments)
    assert answer.returncode == 0, answer.stderr
    return [session["session"] for session in json.loads(answer.stdout)]


def test_every_environment_is_a_session_and_none_runs_by_default() -> None:
    answer = nox("--list")
    assert answer.returncode == 0, answer.stderr
    listed = [line for line in answer.stdout.splitlines() if line[:2] in ("* ", "- ")]
    assert sum(line.startswith("- repro(python=") for line in listed) == len(load_matrix())
    assert [line.split()[1] for line in listed if line.startswith("*")] == ["tests", "lint"]
    assert all(" -> " in line for line in listed if "repro(" not in line)


@pytest.mark.parametrize(
    "name",
    [
        "repro(python='3.13', openai='3.54.0', httpx='httpx2==2.16.2')",
        'repro( python = "3.13",openai="3.54.0", httpx="httpx2==2.16.2")',
        "repro(python='3.13', openai='3.54.0', httpx='httpx2==2.16.2', aiohttp='3.14.5')",
        "repro",
        "lint",
        "bench",
        "watched",
        "coverage",
        "fast",
    ],
)
def test_one_session_can_be_asked_for_alone(name: str) -> None:
    (found,) = selected("--session", name)
    assert found.replace(" ", "").replace('"', "'") == name.replace(" ", "").replace('"', "'")


def test_a_broken_matrix_is_one_line(tmp_path: Path) -> None:
    shutil.copy(ROOT / "noxfile.py", tmp_path)
    ignored = shutil.ignore_patterns("locks", "__pycache__")
    for package in ("lab", "model"):
        shutil.copytree(ROOT / "diagnostics" / package, tmp_path / "diagnostics" / package, ignore=ignored)
    (tmp_path / "diagnostics" / "__init__.py").touch()
    (tmp_path / "pyproject.toml").write_text('[tool.diagnostics.matrix]\npython = ["3.x"]\n')
    answer = nox("--list", folder=tmp_path)
    assert answer.returncode != 0
    assert answer.stderr.strip() == "pyproject.toml, [tool.diagnostics.matrix]: python entry '3.x' is not a version"
