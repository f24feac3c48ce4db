"""The environment that a user would have installed on a given day: the newest SDKs and what they depended on."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timezone
from pathlib import Path
from typing import Final

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version

from diagnostics.lab.combination import GENERATIONS, Combination, MatrixError
from diagnostics.lab.environments import Unsatisfiable
from diagnostics.lab.environments.resolve import ResolveRequest, find_answer, without_other_generation
from diagnostics.model.libraries import LIBRARIES, placed

SDKS: Final = tuple(name for name in placed("product") if LIBRARIES[name].role == "sdk")
"""The SDKs in the environment: always the first, the others if they existed on that day."""


def parse_day(text: str) -> str:
    """Returns a day in ISO format.

    Raises:
        MatrixError: it is not a date, or it is in the future.
    """
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise MatrixError(f"{text!r} is not a date; write it as 2025-10-10") from None
    # Releases are dated in UTC, where it may already be tomorrow, or still be yesterday.
    now = datetime.now(timezone.utc)
    if day > max(now.date(), now.astimezone().date()):
        raise MatrixError(f"{day} is in the future; use a past date")
    return day.isoformat()


def on_day(
    day: str, pythons: Sequence[str], wanted: Mapping[str, str], *, cache: Path, offline: bool = False
) -> Combination:
    """Returns the newest openai of a day, with the newest other SDKs on the same generation of the HTTP stack.

    Args:
        pythons: such as `3.13`; the first one on which these packages install is used.
        wanted: other versions than the newest, by name (`openai`, `anthropic`, `google-genai`, `httpx`): a version, the
            beginning of one or a specifier, for httpx also `httpx2` or `httpx==0.27.2`.

    Raises:
        MatrixError: nothing fits on any of these Pythons; the message has the resolver's reason for the first.
        EnvironmentProblem: the index does not answer.
    """
    requirements = {name: _requirement(name, text) for name, text in wanted.items()}
    reasons: list[str] = []
    for python in pythons:
        found = _on(day, python, requirements, cache=cache, offline=offline)
        if isinstance(found, Combination):
            return found
        reasons.append(f"on Python {python}: {found}")
    raise MatrixError(f"nothing can be installed as of {day}: {reasons[0] if reasons else 'no Python is available'}")


def _on(day: str, python: str, wanted: Mapping[str, str], *, cache: Path, offline: bool) -> Combination | str:
    """Returns the combination on one Python, or the reason why there is none."""

    def ask(*requirements: str, generation: str | None = None) -> dict[str, str] | str:
        asked = ResolveRequest(python, requirements, without_other_generation(generation), day)
        try:
            return find_answer(asked, cache=cache, offline=offline).packages
        except Unsatisfiable as error:
            return error.reason

    lead, *others = SDKS
    stack = [wanted["httpx"]] if "httpx" in wanted else []
    first = ask(wanted.get(lead, lead), *stack)
    if isinstance(first, str):
        return first
    generation = GENERATIONS[1] if GENERATIONS[1] in first else GENERATIONS[0]
    pins = {lead: first[lead]}
    for name in others:
        found = ask(wanted.get(name, name))
        # An SDK that did not exist yet, or uses the other generation, is left out.
        if not isinstance(found, str) and generation in found:
            pins[name] = found[name]
    while pins:
        requirements = [f"{name}=={version}" for name, version in pins.items()]
        together = ask(*requirements, *(stack or [generation]), generation=generation)
        if not isinstance(together, str):
            return Combination(python, (*pins.items(), (generation, together[generation])), as_of=day)
        # The newest releases of two SDKs may exclude each other.
        pins.popitem()
    return str(together)


def _requirement(name: str, text: str) -> str:
    """Returns a requirement for the resolver: `3` is every 3.x."""
    if name == "httpx" and re.match(r"\s*[A-Za-z]", text):
        try:
            return str(Requirement(text))
        except InvalidRequirement:
            raise MatrixError(f"httpx {text!r} is not a requirement such as httpx==0.27.2") from None
    try:
        specifier = SpecifierSet(text if text.strip()[:1] in tuple("<>=!~") else f"=={Version(text)}.*")
    except (InvalidSpecifier, InvalidVersion):
        raise MatrixError(f"{name} {text!r} is neither a version nor a PEP 440 specifier") from None
    return f"{name}{specifier}"
