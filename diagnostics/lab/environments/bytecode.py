"""Bytecode of packages, compiled once for an interpreter and hard-linked into every environment that holds the package.

Compiling costs seconds an environment, ten times what installing from uv's cache does, and most environments of a
matrix share most packages. The files say `unchecked-hash`: they belong to a pinned version, so that neither a new copy
of the source nor its time makes them stale, and an import reads no source at all.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from filelock import FileLock

from diagnostics.lab.environments.problems import BuildFailed

# A file that is no valid Python of this version (a test, a template) is left out, as pip and uv do.
_COMPILE = """\
import compileall, py_compile, sys
for line in sys.stdin:
    compileall.compile_file(line[:-1], quiet=2, invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH)
"""


def add(site_packages: Path, python: Path, store: Path) -> None:
    """Gives every module of an environment its bytecode.

    Args:
        site_packages: where the packages are installed.
        python: the environment's interpreter.
        store: a folder for this very version of this very implementation; on the same file system, created here.

    Raises:
        BuildFailed: the interpreter does not run.
        OSError: the store or the environment cannot be written.
    """
    store.mkdir(parents=True, exist_ok=True)
    # Two builds at once would both compile what both lack: the second finds it done.
    with FileLock(store.with_name(f"{store.name}.lock")):
        _add(site_packages, python, store)


def _add(site_packages: Path, python: Path, store: Path) -> None:
    missing = []
    for info in sorted(site_packages.glob("*.dist-info")):
        kept = store / info.name.removesuffix(".dist-info")
        if kept.is_dir():
            _link_tree(kept, site_packages)
        else:
            missing.append((kept, _modules(info)))
    _compile(python, [site_packages / module for _, modules in missing for module in modules])
    for kept, modules in missing:
        _keep(kept, site_packages, modules)


def _modules(info: Path) -> list[str]:
    """What a package installed as modules, relative to site-packages; its own RECORD says so."""
    lines = (info / "RECORD").read_text(encoding="utf-8").splitlines()
    names = (line.split(",", 1)[0] for line in lines)
    return [name for name in names if name.endswith(".py") and ".." not in name and '"' not in name]


def _compile(python: Path, modules: Sequence[Path]) -> None:
    workers = min(4, os.cpu_count() or 1)
    slices = [modules[start::workers] for start in range(workers) if modules[start::workers]]

    def work(part: Sequence[Path]) -> None:
        # -I: nothing of the caller's environment, such as a redirected cache prefix, may move the files elsewhere.
        subprocess.run(
            [python, "-I", "-c", _COMPILE],
            input="".join(f"{path}\n" for path in part),
            capture_output=True,
            check=True,
            text=True,
        )

    try:
        with ThreadPoolExecutor(workers) as pool:
            list(pool.map(work, slices))
    except subprocess.CalledProcessError as error:
        last = error.stderr.strip().splitlines()[-1:] or ["without a word"]
        raise BuildFailed(f"the new environment's Python failed: {last[0]}") from None


def _keep(kept: Path, site_packages: Path, modules: Iterable[str]) -> None:
    temporary = Path(tempfile.mkdtemp(prefix=".", dir=kept.parent))
    try:
        for module in modules:
            folder, name = os.path.split(module)
            for compiled in site_packages.joinpath(folder, "__pycache__").glob(f"{name[:-3]}.*.pyc"):
                target = temporary / folder / "__pycache__" / compiled.name
                target.parent.mkdir(parents=True, exist_ok=True)
                _link(compiled, target)
        # Another build may have been first; its files are as good.
        with suppress(OSError):
            temporary.rename(kept)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _link_tree(source: Path, target: Path) -> None:
    for folder, _, names in os.walk(source):
        place = target / Path(folder).relative_to(source)
        for name in names:
            place.mkdir(parents=True, exist_ok=True)
            _link(Path(folder, name), place / name)


def _link(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except FileExistsError:
        return
    except OSError:
        shutil.copyfile(source, target)
