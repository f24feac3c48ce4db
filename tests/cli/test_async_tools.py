"""`async-tools` writes the file as it is, with the lab and without, and the copy works alone."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from diagnostics import async_tools

ROOT = Path(__file__).parents[2]
SOURCE = Path(async_tools.__file__).read_bytes()
WITHOUT_SITE = ("-S",)
"""No site-packages, so no lab."""


@pytest.mark.parametrize("options", [(), WITHOUT_SITE])
def test_the_copy_is_the_file_and_works_alone(options: tuple[str, ...], tmp_path: Path) -> None:
    command = [sys.executable, *options, "-m", "diagnostics", "async-tools"]
    written = subprocess.run(command, cwd=ROOT, capture_output=True, check=False)
    assert (written.stdout, written.stderr, written.returncode) == (SOURCE, b"", 0)

    (tmp_path / "copied.py").write_bytes(written.stdout)
    program = "import copied, asyncio; print(copied.run_sync(asyncio.sleep(0, 'answer')))"
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", f"import sys; sys.path.insert(0, {str(tmp_path)!r}); {program}"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("answer\n", "")


@pytest.mark.skipif(sys.platform == "win32", reason="pipes end otherwise there")
def test_a_reader_that_goes_is_no_traceback() -> None:
    command = [sys.executable, "-m", "diagnostics", "async-tools"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 128 + 13


def test_its_help_says_what_it_is_for() -> None:
    command = [sys.executable, "-m", "diagnostics", "async-tools", "--help"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, "async_tools.py" in done.stdout) == (0, True)
