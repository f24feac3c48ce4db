from pathlib import Path

import pytest

from diagnostics.lab.environments import BuildFailed, IndexUnreachable, uv


def test_a_sentence_has_no_header_hint_warning_colour_or_address() -> None:
    output = (
        "\x1b[33mwarning\x1b[0m: something else\n  cause: of the warning\n"
        "\x1b[31merror\x1b[0m: No solution found when resolving dependencies\n"
        "  cause: Because a==1 depends on b<0 and you require a==1,\n"
        "         we can conclude that it is so: see https://index.example/simple/a/.\n\n"
        "hint: The `--python-version` value\n"
    )
    assert uv.sentence(output) == (
        "Because a==1 depends on b<0 and you require a==1, we can conclude that it is so: see the index"
    )


def test_the_older_form_of_an_error_is_read_too() -> None:
    output = (
        "  × No solution found when resolving dependencies:\n  ╰─▶ Because a==1 is not there,\n      it cannot be.\n"
    )
    assert uv.sentence(output) == "Because a==1 is not there, it cannot be."


@pytest.mark.parametrize(
    "output",
    [
        "error: Failed to fetch: `https://index.example/simple/a/`\n  cause: dns error",
        "error: Request failed after 3 retries in 9s\n  cause: error sending request for url",
        "error: Because a was not found in the cache\nhint: Packages were unavailable because the network was disabled",
        "error: Failed to fetch\n  cause: HTTP status server error (503 Service Unavailable)",
    ],
)
def test_silence_of_the_index_is_recognised(output: str) -> None:
    problem = uv.problem(output)
    assert isinstance(problem, IndexUnreachable)
    assert "example" not in problem.reason


@pytest.mark.parametrize("why", ["No space left on device", "Read-only file system", "Permission denied"])
def test_a_disk_that_cannot_be_written_is_one_line(why: str) -> None:
    problem = uv.problem(f"error: failed to create `/x`\n  cause: {why} (os error 28)", cache=Path("/x"))
    assert isinstance(problem, BuildFailed)
    assert problem.reason == (
        f"cannot write environments to {Path('/x')} ({why}); "
        "make room there, or set DIAGNOSTICS_CACHE to another folder"
    )


def test_anything_else_is_what_uv_said() -> None:
    assert uv.problem("error: strange\n  cause: thing").reason == "uv failed: strange thing"
    assert uv.problem("").reason == "uv failed: without a word"


def test_uv_is_run_without_the_callers_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIRTUAL_ENV", str(tmp_path / "nowhere"))
    answer = uv.run("pip", "list", "--verbose", cwd=tmp_path)
    assert "nowhere" not in answer.stderr
