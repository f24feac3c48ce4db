"""Lays the inside zone out in a folder of its own, so that an environment can import it and nothing else of ours.

Putting this project's own site-packages on `PYTHONPATH` would let its libraries shadow those under test.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from importlib.resources import files
from pathlib import Path

INSIDE = ("__init__.py", "async_tools", "model", "sanitizer", "experiment", "worker")


def stage_code(cache: Path) -> Path:
    """The folder to put on `PYTHONPATH`; made once for each state of the code.

    Raises:
        OSError: the cache cannot be written.
    """
    package = Path(str(files("diagnostics")))
    sources = sorted(
        path
        for name in INSIDE
        for path in ([package / name] if name.endswith(".py") else (package / name).rglob("*.py"))
    )
    digest = hashlib.sha256()
    for path in sources:
        digest.update(f"{path.relative_to(package)}\0".encode() + path.read_bytes() + b"\0")
    place = cache / "inside" / digest.hexdigest()[:16]
    if place.is_dir():
        return place
    place.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=place.parent) as temporary:
        draft = Path(temporary, "draft")
        for path in sources:
            copy = draft / "diagnostics" / path.relative_to(package)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, copy)
        try:
            os.replace(draft, place)
        except OSError:
            if not place.is_dir():  # otherwise another run was faster, with the same content
                raise
    return place
