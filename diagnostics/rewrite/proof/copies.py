"""A person's folder, which is only read, and the copies of it that runs write to."""

from __future__ import annotations

import io
import os
import shutil
import stat
import tokenize
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from diagnostics.model.errors import CommandError

LARGEST: Final = 200 * 2**20
"""Bytes of a folder; every run copies it."""

_SKIPPED: Final = frozenset((".git", ".hg", ".svn", "__pycache__", ".mypy_cache", ".ruff_cache", ".pytest_cache"))
_LINKED: Final = frozenset(("node_modules", ".tox", ".nox"))
_FOREIGN: Final = ("pyvenv.cfg", "event_loop_diagnostics.py")
"""Files of folders that no program writes to: an environment, and a clone of this project."""


@dataclass(frozen=True)
class Tree:
    """A folder with changed files in the place of its own; the `Source` that edits read.

    Attributes:
        root: the folder.
        changed: path relative to it, with `/` -> text.
    """

    root: Path
    changed: Mapping[str, str] = field(default_factory=dict)

    def read(self, path: str) -> str:
        """Returns the text of a file; its line ends stay.

        Raises:
            OSError: it cannot be read.
            UnicodeDecodeError: it is not text in its own encoding.
        """
        if path in self.changed:
            return self.changed[path]
        data = (self.root / path).read_bytes()
        return data.decode(encoding(data))

    def with_files(self, files: Mapping[str, str]) -> Tree:
        """Returns the tree with more changed files."""
        return Tree(self.root, {**self.changed, **files})

    def encoded(self) -> dict[str, bytes]:
        """Returns the changed files, each in the encoding that it has or names."""
        return {path: _encode(text, self.root / path) for path, text in self.changed.items()}

    def copy(self, target: Path) -> None:
        """Copies the folder to one that does not exist; environments are linked, version control and caches left out.

        Raises:
            OSError: a file cannot be read or written.
        """
        copy(self.root, target)
        for path, data in self.encoded().items():
            file = target / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(data)


def encoding(data: bytes) -> str:
    """Returns the encoding of Python source; UTF-8 where it says nothing, or something wrong."""
    try:
        return tokenize.detect_encoding(io.BytesIO(data).readline)[0]
    except SyntaxError:
        return "utf-8"


def _encode(text: str, before: Path) -> bytes:
    old = before.read_bytes() if before.exists() else b""
    return text.encode(encoding(old) if old else encoding(text.encode()))


def size(root: Path) -> int:
    """Returns the bytes that a copy would have; it stops counting once they are too many."""
    total = 0
    for file in _files(root):
        total += file.lstat().st_size
        if total > LARGEST:
            break
    return total


def check_size(root: Path) -> None:
    """Refuses a folder that is too large to be copied for every run.

    Raises:
        CommandError: it is.
    """
    if size(root) > LARGEST:
        limit = f"{LARGEST // 2**20} MB"
        raise CommandError(
            f"{root} holds more than {limit}, and every run needs a copy; start in the program's own folder"
        )


def sources(root: Path) -> dict[str, bytes]:
    """Returns the Python files of a folder: path relative to it, with `/` -> content."""
    return {
        file.relative_to(root).as_posix(): file.read_bytes()
        for file in _files(root)
        if file.suffix == ".py" and file.is_file()
    }


def copy(root: Path, target: Path) -> None:
    """Copies a folder without what `Tree.copy` leaves out.

    Raises:
        OSError: a file cannot be read or written.
    """
    links: dict[Path, Path] = {}  # made afterwards: the folders that they are in come after `left_out`

    def left_out(folder: str, names: list[str]) -> set[str]:
        here = Path(folder)
        gone = {name for name in names if name in _SKIPPED or _is_special(here / name)}
        linked = {name for name in names if _is_linked(here / name)}
        links.update({target / here.relative_to(root) / name: _real(here / name) for name in linked})
        return gone | linked

    try:
        shutil.copytree(root, target, symlinks=True, ignore=left_out)
    except shutil.Error as error:  # of all files at once
        source, _, why = error.args[0][0]
        raise OSError(f"{source}: {why}") from error
    for link, environment in links.items():
        link.symlink_to(environment)
    _repoint(root, target)


def _repoint(root: Path, target: Path) -> None:
    """Lets relative links that lead out of the folder lead to the same place."""
    for folder, folders, files in os.walk(target):
        for name in (*folders, *files):
            path = Path(folder, name)
            if path.is_symlink() and not path.readlink().is_absolute():
                original = _real(root / path.relative_to(target))
                if not original.is_relative_to(_real(root)):
                    path.unlink()
                    path.symlink_to(original)


def _real(path: Path) -> Path:
    return Path(os.path.realpath(path))  # `Path.resolve` raises before Python 3.13 if a link leads to itself


def _files(root: Path) -> Iterator[Path]:
    for folder, folders, files in os.walk(root):
        here = Path(folder)
        folders[:] = [name for name in folders if name not in _SKIPPED and not _is_linked(here / name)]
        yield from (here / name for name in files)


def _is_linked(path: Path) -> bool:
    if path.is_symlink() or not path.is_dir():
        return False
    return path.name in _LINKED or any((path / name).exists() for name in _FOREIGN)


def _is_special(path: Path) -> bool:
    mode = path.lstat().st_mode
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode) or stat.S_ISLNK(mode))
