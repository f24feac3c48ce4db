"""The releases of a package, as the package index lists them: versions, days, and which are yanked.

    read_releases("openai", cache=…)    every release, oldest version first

The index is the one that uv is configured with (uv itself says which), in the JSON form of the simple API (PEP 691).
Bisection and `--exclude-newer` both need upload times (PEP 700), so an index without them is an error and not a guess.
The list is kept in the cache, and replaces the index if that may not be asked or does not answer.
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
    """The index has no such package, or lists it without the days; the message is one line that says what to do."""


@dataclass(frozen=True)
class Release:
    """One version of a package.

    Attributes:
        version: in its normal form.
        day: when it was published, in UTC, such as `2025-10-10`; if it has wheels, the day of the first one.
        wheels: whether it can be installed without building it.
        requires_python: the Pythons that it supports, as a specifier; "" for all.
    """

    version: str
    day: str
    yanked: bool = False
    wheels: bool = True
    requires_python: str = ""

    def why_not(self, python: str) -> str | None:
        """Returns why it cannot work on a Python such as `3.13`; `None` if it may work."""
        if self.yanked:
            return "yanked"
        if not self.wheels:
            return "no wheel"
        with suppress(InvalidSpecifier):
            if not SpecifierSet(self.requires_python).contains(f"{python}.99" if python.count(".") == 1 else python):
                return f"needs Python {self.requires_python}"
        return None


def read_releases(package: str, *, cache: Path, offline: bool = False) -> list[Release]:
    """Returns every release of a package, oldest version first, including pre-releases and yanked ones.

    Raises:
        ReleasesUnavailable: the index has no such package, or its list has no upload times.
        IndexUnreachable: the index does not answer, and the cache has no earlier list.
        BuildFailed: uv is missing.
    """
    kept = cache / "releases" / f"{package}.json"
    data = None if offline else _fetch(package)
    if data is not None:
        with suppress(Exception):  # if the cache cannot be written, the next run asks the index again
            files.keep(kept, json.dumps(data))
    else:
        with suppress(OSError, ValueError):
            data = json.loads(kept.read_bytes())
    if data is None:
        raise IndexUnreachable(
            f"the list of releases of {package} is not in the cache and the package index does not answer; "
            "check the network and the index setting, then run the command without --offline"
        )
    return parse(package, data["files"])


def _fetch(package: str) -> dict[str, Any] | None:
    """The list of the first index that has the package; `None` if an index does not answer and no other has it.

    Raises:
        ReleasesUnavailable: no index has the package, or an index has no usable list.
    """
    with tempfile.TemporaryDirectory(prefix="diagnostics-index-") as folder:
        indexes = uv.indexes(Path(folder))
    if not indexes:
        raise ReleasesUnavailable(
            "uv is configured without a package index; set one, for example with UV_DEFAULT_INDEX"
        )
    answers = [_listing(f"{index.rstrip('/')}/{package}/") for index in indexes]
    for answer in answers:
        if isinstance(answer, dict):
            return answer
    if IndexFailure.UNREACHABLE in answers:
        return None
    raise ReleasesUnavailable(f"the package index has no {package}; check the spelling")


class IndexFailure(Enum):
    """Why an index returns no list."""

    UNREACHABLE = "unreachable"
    NO_SUCH_PACKAGE = "no such package"


def _listing(url: str) -> dict[str, Any] | IndexFailure:
    try:
        return _get(url)
    except urllib.error.HTTPError as error:
        error.close()
        if error.code in (401, 403):
            raise ReleasesUnavailable(
                "the package index requires credentials; put them into the index URL that uv is configured with"
            ) from None
        return IndexFailure.NO_SUCH_PACKAGE if error.code in (404, 410) else IndexFailure.UNREACHABLE
    except (OSError, ValueError):
        return IndexFailure.UNREACHABLE


def _get(url: str) -> dict[str, Any]:
    if not url.startswith(("https://", "http://")):
        raise ReleasesUnavailable(
            "the package index is a folder, which has no upload times; use an index that has them"
        )
    parts = urllib.parse.urlsplit(url)
    headers = {"Accept": _JSON, "User-Agent": "event-loop-diagnostics"}
    if parts.username is not None:
        words = f"{urllib.parse.unquote(parts.username)}:{urllib.parse.unquote(parts.password or '')}"
        headers["Authorization"] = f"Basic {base64.b64encode(words.encode()).decode()}"
        url = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
    request = urllib.request.Request(url, headers=headers)  # noqa: S310 - checked above
    with urllib.request.urlopen(request, timeout=_TIMEOUT) as answer:  # noqa: S310 - the same
        if answer.headers.get_content_type() != _JSON:
            raise ReleasesUnavailable("the package index lists no upload times (PEP 700); use an index that does")
        content = json.load(answer)
    # The hashes are left out, which take megabytes for a large package.
    wanted = ("filename", "upload-time", "yanked", "requires-python")
    return {"files": [{key: file.get(key) for key in wanted} for file in content["files"]]}


def parse(package: str, files: Iterable[Mapping[str, Any]]) -> list[Release]:
    """Returns the releases that a list of files belongs to.

    Raises:
        ReleasesUnavailable: no file has an upload time.
    """
    versions: dict[Version, list[Mapping[str, Any]]] = defaultdict(list)
    for file in files:
        version = _version(str(file["filename"]))
        if version is not None and file.get("upload-time"):
            versions[version].append(file)
    if not versions:
        raise ReleasesUnavailable(
            f"the package index lists no upload time for any release of {package} (PEP 700); use an index that does"
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
    """The version in the name of a file; `None` if that is neither a wheel nor a modern source archive."""
    with suppress(InvalidWheelFilename, InvalidSdistFilename, InvalidVersion):
        if filename.endswith(".whl"):
            return parse_wheel_filename(filename)[1]
        if re.search(r"\.(tar\.gz|zip)$", filename):
            return parse_sdist_filename(filename)[1]
    return None
