"""Copies the inside zone to a folder of its own, which is all that an environment gets on its `PYTHONPATH`.

With this project's own site-packages there, its libraries would shadow the packages under test.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from importlib.resources import files
from pathlib import Path
from typing import Final

INSIDE: Final = ("__init__.py", "async_tools", "model", "sanitizer", "experiment", "worker", "pytest_plugin")
"""The inside zone: what may be imported in an environment under test."""


def stage_code(cache: Path) -> Path:
    """Returns the folder to put on `PYTHONPATH`; it is made once for each state of the code.

    Raises:
        OSError: the cache cannot be written.
    """
    package, sources = _sources()
    digest = hashlib.sha256()
    for path in sources:
        digest.update(f"{path.relative_to(package)}\0".encode() + path.read_bytes() + b"\0")
    folder = cache / "inside" / digest.hexdigest()[:16]
    if all(file.is_file() for file in staged_files(folder)):
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as temporary:
        draft = Path(temporary, "draft")
        for path in sources:
            copy = draft / "diagnostics" / path.relative_to(package)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, copy)
        try:
            if folder.exists():  # a part of it was removed
                os.replace(folder, Path(temporary, "incomplete"))
            os.replace(draft, folder)
        except OSError:
            if not folder.is_dir():  # otherwise another process was faster, with the same content
                raise
    return folder


def staged_files(folder: Path) -> list[Path]:
    """Returns the files of a folder of `stage_code`, whether or not they are there."""
    package, sources = _sources()
    return [folder / "diagnostics" / path.relative_to(package) for path in sources]


def _sources() -> tuple[Path, list[Path]]:
    package = Path(str(files("diagnostics")))
    found = [
        path
        for name in INSIDE
        for path in ([package / name] if name.endswith(".py") else (package / name).rglob("*.py"))
    ]
    return package, sorted(found)
