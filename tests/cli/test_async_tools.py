"""`async-tools` writes the package as one file, with the lab and without, and the copy works alone."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from diagnostics.drop_in import MODULES, single_file

ROOT = Path(__file__).parents[2]
SOURCE = single_file()
WITHOUT_SITE = ("-S",)
"""No site-packages, so no lab."""


@pytest.mark.parametrize("options", [(), WITHOUT_SITE])
def test_the_copy_is_one_file_and_works_alone(options: tuple[str, ...], tmp_path: Path) -> None:
    command = [sys.executable, *options, "-m", "diagnostics", "async-tools"]
    written = subprocess.run(command, cwd=ROOT, capture_output=True, check=False)
    assert (written.stdout.decode(), written.stderr, written.returncode) == (SOURCE, b"", 0)

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


def test_every_module_of_the_package_is_in_the_file() -> None:
    assert {path.stem for path in (ROOT / "diagnostics" / "async_tools").glob("*.py")} == {"__init__", *MODULES}


def test_the_file_has_the_grammar_of_python_3_10_and_imports_only_the_standard_library() -> None:
    tree = ast.parse(SOURCE, feature_version=(3, 10))
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    imported |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {name.partition(".")[0] for name in imported} <= set(sys.stdlib_module_names)


@pytest.mark.parametrize(
    "check",
    [
        ("ruff", "check", "--config", str(ROOT / "pyproject.toml")),
        ("ruff", "format", "--check", "--config", str(ROOT / "pyproject.toml")),
        ("mypy", "--strict", "--config-file="),
    ],
    ids=" ".join,
)
def test_the_file_passes_the_linters(check: tuple[str, ...], tmp_path: Path) -> None:
    pytest.importorskip(check[0], reason="a tool of the session `lint`")
    copy = tmp_path / "async_tools.py"
    copy.write_text(SOURCE, encoding="utf-8")
    command = [sys.executable, "-m", *check, str(copy)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_file_has_the_interface_of_the_package(tmp_path: Path) -> None:
    (tmp_path / "copied.py").write_text(SOURCE, encoding="utf-8")
    program = (
        "import importlib, inspect, sys; tools = importlib.import_module(sys.argv[1])\n"
        "for name in tools.__all__: print(name, inspect.signature(getattr(tools, name)), getattr(tools, name).__doc__)"
    )
    shown = [
        subprocess.run(
            [sys.executable, "-c", program, module],
            env={"PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for module in ("copied", "diagnostics.async_tools")
    ]
    copied, package = (re.sub(r"at 0x\w+", "at 0x", text) for text in shown)
    assert copied == package != ""
