"""Environments with a person's own versions, read from this interpreter, a lock or requirements.

Example:
    pins = own_pins([Path("uv.lock")], here=False, python="3.13", cache=default_cache())
    environments = own_environments(pins, ["3.13"], ["openai=3.50.0,3.57.0"])
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import tomllib
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from diagnostics.experiment.providers import PROVIDERS
from diagnostics.lab.combination import AXES, GENERATIONS, Combination, MatrixError
from diagnostics.lab.environments import Unsatisfiable
from diagnostics.lab.environments.resolve import ResolveRequest, find_answer
from diagnostics.lab.target import this_interpreter
from diagnostics.model.libraries import placed

NAMED: Final = (*(axis for axis in AXES if axis not in ("python", *GENERATIONS)), *GENERATIONS, *placed("own"))
"""The packages that name an environment, in the order of its name."""

_LOCKS: Final = ("package", "packages")
"""The list of packages in `uv.lock` and `poetry.lock`, and in `pylock.toml`."""


def own_pins(files: Sequence[Path], *, here: bool, python: str, cache: Path, offline: bool = False) -> tuple[str, ...]:
    """Returns the exact releases of the SDKs and of all that they depend on, as `name==version`.

    Args:
        files: requirements, `uv.lock`, `poetry.lock`, `pylock.toml` or `pyproject.toml`. What they leave open, the
            resolver chooses.
        here: whether the packages of this interpreter count as well.
        python: such as `3.13`.

    Raises:
        MatrixError: a file cannot be read or names none of the SDKs, or its requirements cannot be met.
        EnvironmentProblem: the index does not answer.
    """
    pins = [f"{name}=={version}" for name, version in this_interpreter().environment.packages.items() if here]
    lines = [line for path in files for line in _lines(path)]
    if files:
        clients = {provider.distribution for provider in PROVIDERS.values()}
        wanted = tuple(line for line in lines if _name(line) in clients)
        where = " and ".join(map(str, files))
        if not wanted:
            raise MatrixError(f"{where} names none of {', '.join(sorted(clients))}, so there is nothing to try")
        constraints = tuple(str(_without_extras(Requirement(line))) for line in lines)
        try:
            found = find_answer(ResolveRequest(python, wanted, constraints), cache=cache, offline=offline)
        except Unsatisfiable as error:
            raise MatrixError(f"{where} cannot be installed on Python {python}: {error.reason}") from None
        pins += found.pins
    return tuple(sorted(set(pins)))


def own_environments(pins: Sequence[str], pythons: Sequence[str], vary: Sequence[str] = ()) -> list[Combination]:
    """Returns an environment of these releases on each Python, and with `vary` one for each release in their place.

    Args:
        pins: such as `openai==3.57.0`; what is not pinned, the resolver chooses.
        vary: such as `openai=3.50.0,3.57.0`; of several, every combination is returned.

    Raises:
        MatrixError: a pin is no exact release, or none of them is an SDK or an HTTP client.
    """
    base = dict(_pin(text) for text in pins)
    varied = [[(name, release) for release in releases] for name, releases in map(_varied, vary)]
    result = []
    for python, changes in itertools.product(pythons, itertools.product(*varied)):
        packages = base | dict(changes)
        named = tuple((name, packages.pop(name)) for name in NAMED if name in packages)
        if not named:
            raise MatrixError(f"none of these is pinned: {', '.join(NAMED)}; add for example --pin openai==3.57.0")
        rest = tuple(f"{name}=={version}" for name, version in sorted(packages.items()))
        result.append(Combination(python, named, pins=rest, own=True))
    return result


def _pin(text: str) -> tuple[str, str]:
    name, _, version = text.partition("==")
    try:
        return canonicalize_name(name.strip()), str(Version(version))
    except InvalidVersion:
        raise MatrixError(f"{text!r} is not an exact release; write it as openai==3.57.0") from None


def _varied(text: str) -> tuple[str, list[str]]:
    name, separator, releases = text.partition("=")
    if not separator or releases.startswith("="):
        raise MatrixError(f"{text!r} is not a package with releases; write it as openai=3.50.0,3.57.0")
    pins = [_pin(f"{name}=={release}") for release in releases.split(",")]
    return pins[0][0], [version for _, version in pins]


def _lines(path: Path) -> Iterator[str]:
    """Yields the requirements of a file, without those on a path or an address."""
    try:
        text = path.expanduser().read_text(encoding="utf-8")
        table = tomllib.loads(text) if path.suffix in (".toml", ".lock") else None
    except (OSError, UnicodeDecodeError) as error:
        raise MatrixError(f"cannot read {path}: {getattr(error, 'strerror', None) or error}") from None
    except tomllib.TOMLDecodeError as error:
        raise MatrixError(f"{path} is not valid TOML: {error}") from None
    for line in _required(text, path) if table is None else _listed(table, path):
        try:
            requirement = Requirement(line)
        except InvalidRequirement:
            raise MatrixError(f"{path} has a line that is no requirement: {line!r}") from None
        if requirement.url is None:
            yield str(requirement)


def _required(text: str, path: Path) -> Iterator[str]:
    """Yields the requirements of a requirements file and of the files that it includes."""
    for line in text.replace("\\\n", " ").splitlines():
        words = re.sub(r"(^|\s)#.*|\s--hash\S+", "", line).strip()
        if included := re.fullmatch(r"(?:-[rc]|--requirement|--constraint)[\s=]*(.+)", words):
            yield from _lines(path.parent / included[1])
        elif words and not re.match(r"-|\.|/|\w+:|git\+", words):
            yield words


def _listed(table: Mapping[str, Any], path: Path) -> Iterable[str]:
    """Returns the requirements of a project, or the packages of a lock that are in it once."""
    project = table.get("project", {})
    if isinstance(project, dict) and isinstance(project.get("dependencies"), list):
        return [str(line) for line in project["dependencies"]]
    packages = next((table[key] for key in _LOCKS if isinstance(table.get(key), list)), None)
    if packages is None:
        raise MatrixError(f"{path} has neither packages nor [project] dependencies")
    names = [str(each.get("name")) for each in packages]
    return [
        f"{each['name']}=={each['version']}"
        for each in packages
        if "version" in each and names.count(str(each["name"])) == 1 and not _local(each)
    ]


def _local(package: Mapping[str, Any]) -> bool:
    """Whether a lock has a package from elsewhere than an index: a project itself, a folder, a repository."""
    source = package.get("source", {})
    if source.get("type") == "legacy":  # how Poetry writes an index of its own, with a `url`
        return False
    return bool({"virtual", "editable", "directory", "path", "git", "url", "vcs", "archive"} & {*package, *source})


def _name(line: str) -> str:
    return canonicalize_name(Requirement(line).name)


def _without_extras(requirement: Requirement) -> Requirement:
    requirement.extras = set()  # which a constraint cannot have
    return requirement
