"""The releases of a package, as the package index lists them: versions, days, what was taken back.

    read_releases("openai", cache=…)    every release, oldest version first

The index is the one that uv is configured with, asked in the JSON form of the simple API (PEP 691 and 700). Its answer
is kept in the cache, and stands in for the index where that may not be asked or does not answer.
"""

from __future__ import annotations

import base64
import json
import re
import tempfile
import urllib.error
import urllib.parse
import urllib.request
from collections import defaultdict
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any, Final

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import InvalidSdistFilename, InvalidWheelFilename, parse_sdist_filename, parse_wheel_filename
from packaging.version import InvalidVersion, Version

from diagnostics.lab.environments import IndexUnreachable, uv
from diagnostics.redaction import files

_JSON: Final = "application/vnd.pypi.simple.v1+json"
_TIMEOUT: Final = 30.0
"""Seconds for one answer of the index."""


class ReleasesUnavailable(Exception):
    """The index has no such package, or lists it in a form that does not help; one line that says what to do."""


@dataclass(frozen=True)
class Release:
    """One version of a package.

    Attributes:
        version: in its normal form.
        day: on which it was published, in UTC, such as `2025-10-10`; of its first wheel, where it has one.
        yanked: its author has taken it back.
        wheels: it can be installed without building it.
        requires_python: which Pythons it is for, as a specifier; "" for all.
    """

    version: str
    day: str
    yanked: bool = False
    wheels: bool = True
    requires_python: str = ""

    def why_not(self, python: str) -> str | None:
        """Why nobody needs to try it on a Python such as `3.13`; `None` if it may work."""
        if self.yanked:
            return "yanked"
        if not self.wheels:
            return "no wheel"
        with suppress(InvalidSpecifier):
            if not SpecifierSet(self.requires_python).contains(f"{python}.99" if python.count(".") == 1 else python):
                return f"needs Python {self.requires_python}"
        return None


def read_releases(package: str, *, cache: Path, offline: bool = False) -> list[Release]:
    """Every release of a package, oldest version first, pre-releases and yanked ones included.

    Raises:
        ReleasesUnavailable: there is no such package on the index, or its list has no upload times.
        IndexUnreachable: the index does not answer, and nothing is kept from before.
        BuildFailed: uv is missing.
    """
    kept = cache / "releases" / f"{package}.json"
    data = None if offline else _ask(package)
    if data is not None:
        with suppress(Exception):  # a cache that cannot be written costs the next run a question, no more
            files.keep(kept, json.dumps(data))
    else:
        with suppress(OSError, ValueError):
            data = json.loads(kept.read_bytes())
    if data is None:
        raise IndexUnreachable(
            f"the releases of {package} are not known yet and the package index cannot be asked; "
            "check the network or the index setting, then run the same command without --offline"
        )
    return parse(package, data["files"])


def _ask(package: str) -> dict[str, Any] | None:
    """The index's answer; `None` where no index answers.

    Raises:
        ReleasesUnavailable: every index that answers says that there is no such package, or none says it in JSON.
    """
    with tempfile.TemporaryDirectory(prefix="diagnostics-index-") as folder:
        indexes = uv.indexes(Path(folder))
    if not indexes:
        raise ReleasesUnavailable(
            "uv is configured to use no package index; set one, for example with UV_DEFAULT_INDEX"
        )
    answers = [_listing(f"{index.rstrip('/')}/{package}/") for index in indexes]
    for answer in answers:
        if isinstance(answer, dict):
            return answer
    if IndexFailure.UNREACHABLE in answers:
        return None
    raise ReleasesUnavailable(f"the package index has no {package}; check the spelling")


class IndexFailure(Enum):
    """Why an index gives no list."""

    UNREACHABLE = "unreachable"
    UNKNOWN = "unknown"


def _listing(address: str) -> dict[str, Any] | IndexFailure:
    try:
        return _get(address)
    except urllib.error.HTTPError as error:
        error.close()
        if error.code in (401, 403):
            raise ReleasesUnavailable(
                "the package index wants credentials: put them into the address that uv is configured with"
            ) from None
        return IndexFailure.UNKNOWN if error.code in (404, 410) else IndexFailure.UNREACHABLE
    except (OSError, ValueError):
        return IndexFailure.UNREACHABLE


def _get(address: str) -> dict[str, Any]:
    if not address.startswith(("https://", "http://")):
        raise ReleasesUnavailable(
            "the package index is a folder, which does not say when a release was made; set one that does"
        )
    parts = urllib.parse.urlsplit(address)
    headers = {"Accept": _JSON, "User-Agent": "event-loop-diagnostics"}
    if parts.username is not None:
        words = f"{urllib.parse.unquote(parts.username)}:{urllib.parse.unquote(parts.password or '')}"
        headers["Authorization"] = f"Basic {base64.b64encode(words.encode()).decode()}"
        address = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
    request = urllib.request.Request(address, headers=headers)  # noqa: S310 - checked above
    with urllib.request.urlopen(request, timeout=_TIMEOUT) as answer:  # noqa: S310 - the same
        if answer.headers.get_content_type() != _JSON:
            raise ReleasesUnavailable(
                "the package index lists no release days (PEP 700); set one that does, as most do"
            )
        content = json.load(answer)
    # What is kept is what is read: the full list of a large package has megabytes of hashes.
    wanted = ("filename", "upload-time", "yanked", "requires-python")
    return {"files": [{key: file.get(key) for key in wanted} for file in content["files"]]}


def parse(package: str, files: Iterable[Mapping[str, Any]]) -> list[Release]:
    """The releases behind a list of files.

    Args:
        files: with `filename`, `upload-time`, `yanked` and `requires-python`, as PEP 691 and 700 have them.

    Raises:
        ReleasesUnavailable: no file says when it was uploaded.
    """
    versions: dict[Version, list[Mapping[str, Any]]] = defaultdict(list)
    for file in files:
        version = _version(str(file["filename"]))
        if version is not None and file.get("upload-time"):
            versions[version].append(file)
    if not versions:
        raise ReleasesUnavailable(
            f"the package index lists no release of {package} with its day (PEP 700); set one that does"
        )
    return [_release(version, versions[version]) for version in sorted(versions)]


def _release(version: Version, files: list[Mapping[str, Any]]) -> Release:
    wheels = [file for file in files if str(file["filename"]).endswith(".whl")]
    first = min(wheels or files, key=lambda file: str(file["upload-time"]))
    return Release(
        str(version),
        str(first["upload-time"])[:10],
        yanked=all(file.get("yanked") not in (None, False) for file in files),
        wheels=bool(wheels),
        requires_python=str(first.get("requires-python") or ""),
    )


def _version(filename: str) -> Version | None:
    """The version in the name of a file; `None` for what is neither a wheel nor a source archive of our time."""
    with suppress(InvalidWheelFilename, InvalidSdistFilename, InvalidVersion):
        if filename.endswith(".whl"):
            return parse_wheel_filename(filename)[1]
        if re.search(r"\.(tar\.gz|zip)$", filename):
            return parse_sdist_filename(filename)[1]
    return None
