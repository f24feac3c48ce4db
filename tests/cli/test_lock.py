import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from diagnostics.cli import app
from diagnostics.lab.environments import locks
from diagnostics.lab.matrix_file import load_matrix

RUNNING = f"{sys.version_info.major}.{sys.version_info.minor}"


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["lock", *map(str, arguments)])


@pytest.fixture
def matrix(tmp_path: Path) -> Path:
    path = tmp_path / "pyproject.toml"
    path.write_text(f'[tool.diagnostics.matrix]\npython = ["{RUNNING}"]\nopenai = ["1.0.0", "77.0.0"]\n')
    return path


def lines(result: Result) -> list[str]:
    return result.stderr.strip().splitlines()


def test_the_projects_own_locks_hold() -> None:
    result = run("--check")
    assert (result.exit_code, result.stdout) == (0, f"the locks fit the matrix: {len(load_matrix())} combinations\n")


def test_check_names_every_fault_and_fails(matrix: Path, tmp_path: Path) -> None:
    result = run("--check", "--matrix", matrix, "--output", tmp_path / "locks")
    assert result.exit_code == 1
    assert lines(result) == [
        f"py{RUNNING}_openai-1.0.0: there is neither a lock nor a reason why not",
        f"py{RUNNING}_openai-77.0.0: there is neither a lock nor a reason why not",
        "error: 2 faults in the locks; run: python -m diagnostics lock",
    ]


@pytest.mark.environment
def test_a_release_newer_than_the_date_does_not_exist(matrix: Path, tmp_path: Path) -> None:
    folder = tmp_path / "locks"
    entries = 'httpx = ["httpx==0.27.2", "httpx==0.28.1"]'
    matrix.write_text(f'[tool.diagnostics.matrix]\npython = ["{RUNNING}"]\n{entries}\n')
    result = run("--matrix", matrix, "--output", folder, "--as-of", "2024-10-01")
    assert (result.exit_code, result.stdout) == (0, "1 locks and 1 unsatisfiable combinations written\n")
    old, new = load_matrix(matrix)
    found = locks.read(old, folder)
    assert found is not None
    assert found.packages["httpx"] == "0.27.2"
    assert "no version of httpx==0.28.1" in str(locks.read_reason(new, folder))
    assert run("--check", "--matrix", matrix, "--output", folder).exit_code == 0


def test_a_date_alone_would_put_the_projects_locks_back(matrix: Path) -> None:
    result = run("--matrix", matrix, "--as-of", "2024-10-01")
    assert result.exit_code == 2
    assert lines(result) == [
        "error: --as-of needs --output FOLDER, because the project's own locks are those of today",
        "Try 'python -m diagnostics lock --help'.",
    ]


def test_no_index_writes_nothing(matrix: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UV_DEFAULT_INDEX", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv"))
    result = run("--matrix", matrix, "--output", tmp_path / "locks")
    assert result.exit_code == 1
    assert lines(result)[-1].startswith("error: the package index cannot be reached")
    assert not (tmp_path / "locks").exists()


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ('[tool.diagnostics.matrix]\npythons = ["3.13"]', "the matrix has the unknown key 'pythons'"),
        ("[tool", "is not valid TOML"),
        ("[tool.other]", "no [tool.diagnostics.matrix] in"),
    ],
)
def test_a_mistake_in_the_matrix_is_one_line(matrix: Path, text: str, error: str) -> None:
    matrix.write_text(text)
    result = run("--check", "--matrix", matrix)
    assert result.exit_code == 1
    (line,) = lines(result)
    assert line.startswith("error: ")
    assert error in line
