"""Annotations of GitHub Actions, by its workflow commands."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from diagnostics.sanitizer.output.formats.changes import patch_of
from diagnostics.sanitizer.output.formats.place import first_line, main_finding

_COMMANDS: Final = {"error": "error", "leak": "warning", "note": "notice"}


def render(data: Mapping[str, Any]) -> str:
    """Returns a line for each root cause, and one that says why there is no patch; nothing for a clean run."""
    why = [annotation("notice", None, "no patch", data["no_patch"])] if "no_patch" in data else []
    return "".join([*(_annotation(data, cause) for cause in data["root_causes"]), *why])


def _annotation(data: Mapping[str, Any], cause: Mapping[str, Any]) -> str:
    fault = main_finding(data, cause)["fault"]
    advice = [f"help: {each['text']}" for each in cause["advice"][:1]]
    patch = [patch_of(cause["changes"])] if cause.get("changes") else []
    message = "\n".join([cause["title"], *_tests(data, cause), f"cause: {fault['why']}", *advice, *patch])
    return annotation(_COMMANDS[cause["severity"]], first_line(data, cause), cause["kind"], message)


def annotation(command: str, site: Mapping[str, Any] | None, title: str, message: str) -> str:
    """Returns the line of one annotation."""
    properties = {"file": site["file"], "line": str(site["line"])} if site else {}
    if site and site.get("column") is not None:
        properties["col"] = str(site["column"] + 1)
    properties["title"] = title
    written = ",".join(f"{name}={_property(value)}" for name, value in properties.items())
    return f"::{command} {written}::{_escaped(message)}\n"


def _tests(data: Mapping[str, Any], cause: Mapping[str, Any]) -> list[str]:
    test = main_finding(data, cause)["test"]
    if test is None:
        return []
    again = test["confirmation"]
    lines = [f"test: {name}" for name in (test["nodeid"], *test["others"]) if name]
    return lines if again is None else [*lines, f"{again['state']}: {again['text']}"]


def _escaped(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _escaped(text).replace(":", "%3A").replace(",", "%2C")
