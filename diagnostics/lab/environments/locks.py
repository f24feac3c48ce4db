"""Locks as files: which exact packages an environment holds, and their hashes.

A folder of locks holds `<slug>.txt` with plain pins, one `hashes.txt` with the hashes of every pin that any of them
has, and `unsatisfiable.json` with the resolver's reason for every combination that cannot be. Split so, because most
environments share most packages, and a hash list is a hundred times as long as its pin. Reading joins them again.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from packaging.version import Version

from diagnostics.lab.combination import Combination
from diagnostics.model.errors import PROGRAM
from diagnostics.redaction import Secrets, redact

COMMITTED = Path(__file__).parent.parent / "locks"
"""The locks of the default matrix."""

HASHES = "hashes.txt"
REASONS = "unsatisfiable.json"


class LockError(ValueError):
    """A folder of locks contradicts itself."""


@dataclass(frozen=True)
class Lock:
    """A complete set of packages, as a requirements file with hashes.

    Attributes:
        text: one line a package, sorted: `name==version --hash=sha256:… --hash=…`.
    """

    text: str

    @property
    def packages(self) -> dict[str, str]:
        """Distribution to version."""
        return dict(pin.split("==", 1) for pin in self.pins)

    @property
    def pins(self) -> dict[str, str]:
        """`name==version` to its hashes, as they are written."""
        return dict(line.split(" ", 1) for line in self.text.splitlines())


def parse(requirements: str) -> Lock:
    """The lock that `uv pip compile --generate-hashes` wrote, in its one spelling.

    Raises:
        LockError: a line is not a pin with hashes.
    """
    lines = []
    for line in re.sub(r"\\\n\s*", "", requirements).splitlines():
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        pin, *hashes = text.split()
        if (
            not re.fullmatch(r"[a-z0-9-]+==[^\s;]+", pin)
            or not hashes
            or not all(value.startswith("--hash=sha256:") for value in hashes)
        ):
            raise LockError(f"not a pin with hashes: {text[:80]}")
        lines.append(" ".join([pin, *sorted(hashes)]))
    return Lock("".join(f"{line}\n" for line in sorted(lines)))


def read(combination: Combination, folder: Path = COMMITTED) -> Lock | None:
    """The lock of a combination, or `None` if the folder has none.

    Raises:
        LockError: a pin of it has no hashes.
    """
    try:
        pins = (folder / f"{combination.slug}.txt").read_text(encoding="utf-8").split()
    except FileNotFoundError:
        return None
    hashes = _hashes(folder)
    if missing := [pin for pin in pins if pin not in hashes]:
        raise LockError(f"{folder.name}/{HASHES} has no hash of {', '.join(missing)}; run: {PROGRAM} lock")
    return Lock("".join(f"{pin} {hashes[pin]}\n" for pin in pins))


def read_reason(combination: Combination, folder: Path = COMMITTED) -> str | None:
    """Why a combination has no lock, if the folder says so."""
    return reasons(folder).get(combination.slug)


def reasons(folder: Path) -> dict[str, str]:
    """Slug to the resolver's reason."""
    try:
        text = (folder / REASONS).read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}
    return {str(slug): str(reason) for slug, reason in json.loads(text).items()}


def known_unsatisfiable(combinations: Iterable[Combination], folder: Path = COMMITTED) -> frozenset[Combination]:
    """Those of which the resolver said no when the folder was made."""
    known = reasons(folder)
    return frozenset(combination for combination in combinations if combination.slug in known)


def recorded(combinations: Iterable[Combination], folder: Path = COMMITTED) -> tuple[dict[str, Lock], dict[str, str]]:
    """The locks and the resolver's reasons that a folder holds for some combinations, each by slug.

    Raises:
        LockError: a lock has a pin without hashes.
    """
    every = list(combinations)
    found = {combination.slug: lock for combination in every if (lock := read(combination, folder)) is not None}
    known = reasons(folder)
    return found, {combination.slug: known[combination.slug] for combination in every if combination.slug in known}


def write(folder: Path, locks: Mapping[str, Lock], unsatisfiable: Mapping[str, str]) -> None:
    """Makes the folder hold these locks and reasons, and no others."""
    folder.mkdir(parents=True, exist_ok=True)
    pins: dict[str, set[str]] = {}
    for slug, lock in locks.items():
        for pin, hashes in lock.pins.items():
            # Two answers of an index may differ by a file uploaded between them; both are right.
            pins.setdefault(pin, set()).update(hashes.split())
        (folder / f"{slug}.txt").write_text("".join(f"{pin}\n" for pin in lock.pins), encoding="utf-8")
    lines = (f"{pin} {' '.join(sorted(pins[pin]))}\n" for pin in sorted(pins))
    (folder / HASHES).write_text("".join(lines), encoding="utf-8")
    here = Secrets.of_this_machine()
    shown = {slug: redact(reason, here) for slug, reason in sorted(unsatisfiable.items())}
    reason_text = json.dumps(shown, indent=1, ensure_ascii=False)
    (folder / REASONS).write_text(f"{reason_text}\n", encoding="utf-8")
    for path in _lock_files(folder):
        if path.stem not in locks:
            path.unlink()
    _hashes.cache_clear()


def faults(combinations: Iterable[Combination], folder: Path = COMMITTED) -> list[str]:
    """What keeps the folder from being the locks of a matrix, one line each; empty if all is well."""
    result = []
    known = reasons(folder)
    slugs = set()
    for combination in combinations:
        slug = combination.slug
        slugs.add(slug)
        try:
            lock = read(combination, folder)
        except LockError as error:
            result.append(f"{slug}: {error}")
            continue
        if lock is None and slug not in known:
            result.append(f"{slug}: there is neither a lock nor a reason why not")
        elif lock is not None and slug in known:
            result.append(f"{slug}: there is a lock, and a reason why there is none")
        elif lock is not None:
            result += [f"{slug}: the lock lacks {name}=={version}" for name, version in _lacking(combination, lock)]
    stale = sorted(({path.stem for path in _lock_files(folder)} | set(known)) - slugs)
    return result + [f"{slug}: is not in the matrix any more" for slug in stale]


def _lacking(combination: Combination, lock: Lock) -> list[tuple[str, str]]:
    # 3.0 in the matrix is 3.0.0 in the lock.
    packages = {name: Version(version) for name, version in lock.packages.items()}
    return [(name, version) for name, version in combination.packages if packages.get(name) != Version(version)]


def _lock_files(folder: Path) -> list[Path]:
    return list(folder.glob("py*.txt"))


@functools.lru_cache(maxsize=4)
def _hashes(folder: Path) -> dict[str, str]:
    try:
        text = (folder / HASHES).read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}
    return dict(line.split(" ", 1) for line in text.splitlines())
