import platform
import subprocess
import sys
from pathlib import Path

import pytest
import python_discovery

from diagnostics.lab.environments import find_interpreter
from diagnostics.lab.environments.interpreters import pyenv_interpreters

RUNNING = f"{sys.version_info.major}.{sys.version_info.minor}"


def test_the_running_python_counts() -> None:
    found = find_interpreter(RUNNING)
    assert found is not None
    assert (found.version, found.implementation) == (platform.python_version(), "CPython")


def test_what_is_found_is_what_it_says_and_no_virtual_environment() -> None:
    for version in ("3.10", "3.11", "3.12", "3.13"):
        found = find_interpreter(version)
        if found is None:
            continue
        code = "import platform, sys; print(platform.python_version(), sys.prefix == sys.base_prefix)"
        answer = subprocess.run([found.path, "-I", "-c", code], check=True, capture_output=True, text=True).stdout
        assert answer.split() == [found.version, "True"]
        assert found.version.startswith(f"{version}.")


def test_a_python_nobody_has_is_none() -> None:
    assert find_interpreter("3.99") is None


def test_a_python_too_old_to_be_asked_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise RuntimeError("older than the minimum")

    monkeypatch.setattr(python_discovery, "get_interpreter", refuse)
    assert find_interpreter.__wrapped__("2.7") is None


def test_pyenv_is_looked_into_and_the_newest_comes_first(tmp_path: Path) -> None:
    for name in ("3.1.4", "3.10.2", "3.10.13", "3.13.0", "3.13-dev", "pypy3.10-7.3", "3.10.14"):
        (tmp_path / "versions" / name / "bin").mkdir(parents=True)
        if name != "3.10.14":
            (tmp_path / "versions" / name / "bin" / "python").touch()
    found = pyenv_interpreters("3.10", {"PYENV_ROOT": str(tmp_path)})
    assert [path.parts[-3] for path in found] == ["3.10.13", "3.10.2"]
    assert [path.parts[-3] for path in pyenv_interpreters("3.1", {"PYENV_ROOT": str(tmp_path)})] == ["3.1.4"]


def test_no_pyenv_is_no_trouble(tmp_path: Path) -> None:
    assert pyenv_interpreters("3.10", {"PYENV_ROOT": str(tmp_path / "missing")}) == []


@pytest.mark.skipif(sys.platform == "win32", reason="makes an executable of a script")
def test_a_pyenv_whose_shim_refuses_is_found_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = next((v for v in ("3.10", "3.12", "3.13") if v != RUNNING and find_interpreter(v)), None)
    if other is None:
        pytest.skip("there is one Python on this machine only")
    real = find_interpreter(other)
    assert real is not None
    shim = tmp_path / "shims" / f"python{other}"
    shim.parent.mkdir()
    shim.write_text("#!/bin/sh\necho 'command not found' >&2\nexit 127\n")
    shim.chmod(0o755)
    place = tmp_path / "versions" / real.version / "bin" / "python"
    place.parent.mkdir(parents=True)
    place.symlink_to(real.path)
    monkeypatch.setenv("PATH", str(shim.parent))
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path))
    monkeypatch.setenv("DIAGNOSTICS_CACHE", str(tmp_path / "cache"))
    found = find_interpreter.__wrapped__(other)
    assert found is not None
    assert found.version == real.version
