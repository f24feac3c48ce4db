"""The projects that an issue can be written for: `NAME.toml`, one file each; `shared.toml` has what they share."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from typing import Any, Final

import tomllib

from diagnostics.model.codec import decode
from diagnostics.report.issues.issue_model import Project

_HERE: Final = files("diagnostics.report.issues.projects")
_SHARED: Final = tomllib.loads(_HERE.joinpath("shared.toml").read_text("utf-8"))


def parse(name: str, text: str) -> Project:
    """The project of a TOML document.

    Raises:
        ValueError: the document is not TOML, or a field is missing or wrong.
    """
    data = tomllib.loads(text)
    form, words = data["form"], {"answer": "pong", **data["words"]}
    words["answer"] = _SHARED["answers"].get(words["answer"], words["answer"])
    if isinstance(form, str):
        form = _SHARED["forms"][form]
    return decode(
        Project, {**data, "name": name, "form": form, "cases": list(map(_case, data["cases"])), "words": words}
    )


def _case(own: Mapping[str, str]) -> dict[str, Any]:
    if "like" not in own:
        return dict(own)
    case = {**_SHARED["cases"][own["like"]], **own}
    return {field: text.format_map(case) for field, text in case.items()}


PROJECTS: Final[dict[str, Project]] = {
    name: parse(name, _HERE.joinpath(f"{name}.toml").read_text("utf-8")) for name in _SHARED["order"]
}
