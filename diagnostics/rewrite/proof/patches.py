"""Changes as patches that `git apply` takes, and the writing of all changed files or of none."""

from __future__ import annotations

import contextlib
import difflib
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Collection, Mapping
from pathlib import Path

from diagnostics.model.errors import CommandError, InvalidInput
from diagnostics.rewrite.proof.copies import Tree, copy, encoding, sources


def patch_of(tree: Tree) -> bytes:
    """Returns the changes of a tree as one patch, in the encodings of its files."""
    return b"".join(_of_file(path, _content(tree.root / path), data) for path, data in sorted(tree.encoded().items()))


def _of_file(path: str, old: bytes | None, new: bytes) -> bytes:
    name = path.encode()
    before = b"/dev/null" if old is None else b"a/" + name
    lines = difflib.diff_bytes(difflib.unified_diff, _lines(old or b""), _lines(new), before, b"b/" + name)
    return b"".join(line if line.endswith(b"\n") else line + b"\n\\ No newline at end of file\n" for line in lines)


def _lines(data: bytes) -> list[bytes]:
    """Lines as git sees them: they end at a line feed only."""
    return re.findall(rb"[^\n]*\n|[^\n]+", data)


def apply_patch(tree: Tree, file: Path) -> Tree:
    """Returns a tree with the changes of a patch.

    Raises:
        CommandError: git is missing, or the patch does not fit.
    """
    if not file.is_file():  # git would wait for a pipe
        raise InvalidInput(f"{file} is not a file; name one with the output of git diff")
    with tempfile.TemporaryDirectory(prefix="diagnostics-") as name:
        folder = Path(name).resolve() / "program"
        copy(tree.root, folder)
        words = ["git", "apply", "--whitespace=nowarn", os.path.realpath(file)]
        variables = {**os.environ, "GIT_CEILING_DIRECTORIES": str(folder.parent)}
        try:
            done = subprocess.run(words, cwd=folder, env=variables, capture_output=True, text=True, check=False)
        except FileNotFoundError:
            raise CommandError("git is missing, and --patch needs it") from None
        if done.returncode:
            problem = done.stderr.strip().splitlines()[-1:] or ["git does not say why"]
            raise InvalidInput(f"{file} cannot be applied in {tree.root}: {problem[0].removeprefix('error: ')}")
        made = next(
            (each for each in folder.rglob("*") if each.is_symlink() and not _is_link(tree.root, folder, each)), None
        )
        if made is not None:  # it would be read as a file of the program
            raise InvalidInput(f"{file} makes a link, {made.relative_to(folder)}; only changes of files can be proven")
        before = sources(tree.root)
        after = {path: data for path, data in sources(folder).items() if before.get(path) != data}
    if not after:
        raise InvalidInput(f"{file} changes no Python file of {tree.root}")
    return tree.with_files({path: data.decode(encoding(data)) for path, data in after.items()})


def _is_link(root: Path, folder: Path, link: Path) -> bool:
    return (root / link.relative_to(folder)).is_symlink()


def between(before: Tree, after: Path) -> Tree:
    """Returns the first tree with the Python files of another folder that differ."""
    old, new = sources(before.root), sources(after)
    return before.with_files({path: data.decode(encoding(data)) for path, data in new.items() if old.get(path) != data})


def write(tree: Tree, read: Mapping[str, bytes], *, force: bool) -> None:
    """Writes the changed files of a tree, all or none.

    Args:
        read: the Python files of its folder, as they were when they were read.
        force: whether files with uncommitted changes are written too.

    Raises:
        CommandError: a file has changed since, has uncommitted changes, or cannot be written.
    """
    new = {tree.root / path: data for path, data in tree.encoded().items()}
    for name in tree.changed:
        if _content(tree.root / name) != read.get(name):
            raise CommandError(f"{name} has changed since it was read; nothing was written, start again")
    check_committed(tree, force=force)
    drafts: dict[Path, Path] = {}
    replaced: list[Path] = []
    try:
        for path, data in new.items():
            name = path.relative_to(tree.root).as_posix()
            drafts[path.resolve()] = _draft(path.resolve(), data)
        for path, draft in drafts.items():
            replaced.append(path)
            draft.replace(path)
    except BaseException as error:
        for path in replaced:
            _restore(path, read.get(path.relative_to(tree.root.resolve()).as_posix()))
        for draft in drafts.values():
            draft.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise CommandError(f"cannot write {name}: {error.strerror}; nothing was changed") from error
        raise


def write_patch(path: Path, tree: Tree) -> None:
    """Writes the patch of a tree to a file, atomically.

    Raises:
        CommandError: it cannot be written.
    """
    try:
        _draft(path, patch_of(tree)).replace(path)
    except OSError as error:
        raise CommandError(f"cannot write {path}: {error.strerror}; choose another --patch-output FILE") from error


def _draft(path: Path, data: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".diagnostics-")
    draft = Path(name)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
        if path.exists():
            shutil.copymode(path, draft)
        else:
            draft.chmod(0o644)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
    return draft


def _restore(path: Path, data: bytes | None) -> None:
    with contextlib.suppress(OSError):
        if data is None:
            path.unlink(missing_ok=True)
        elif path.read_bytes() != data:
            _draft(path, data).replace(path)


def _content(path: Path) -> bytes | None:
    return path.read_bytes() if path.exists() else None


def check_committed(tree: Tree, *, force: bool) -> None:
    """Refuses to write where git could not restore what is there.

    Raises:
        CommandError: a file that is to be changed has uncommitted changes.
    """
    if not force and (dirty := _uncommitted(tree.root, tree.changed)):
        raise CommandError(f"{dirty} has uncommitted changes; nothing was written: commit them, or add --force")


def _uncommitted(root: Path, paths: Collection[str]) -> str | None:
    there = [path for path in paths if (root / path).exists()]
    words = ["git", "status", "--porcelain", "--ignored", "--", *there]
    try:
        done = subprocess.run(words, cwd=root, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return None
    if done.returncode or not there:
        return None
    return next((line[3:] for line in done.stdout.splitlines()), None)
