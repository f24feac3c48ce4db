"""Turns the request of a run into its settings: checks names, selects environments, and refuses a request of nothing.

Example:
    settings = run_settings(RunRequest(openai=("3.54.0",), scenario=("repeated-run",)))
    run(settings, store, listener, about)
"""

from __future__ import annotations

import functools
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from packaging.version import Version

from diagnostics.experiment.fixes import FIXES
from diagnostics.experiment.providers import PROVIDERS
from diagnostics.experiment.scenarios import SCENARIOS
from diagnostics.lab.as_of import on_day
from diagnostics.lab.combination import Combination, MatrixError
from diagnostics.lab.environments import default_cache, installed
from diagnostics.lab.environments.locks import known_unsatisfiable
from diagnostics.lab.matrix_file import load_matrix
from diagnostics.lab.own_versions import own_environments
from diagnostics.lab.plan import INSTRUMENT, PROFILES, Profile, Role, Selection, may_hold, roles, why_nothing
from diagnostics.lab.redactor import redactor
from diagnostics.lab.run import RunSettings, default_width
from diagnostics.lab.selection import default_selection, select
from diagnostics.model.cell import Load
from diagnostics.model.errors import InvalidUsage, known
from diagnostics.model.libraries import placed
from diagnostics.model.limits import Limits
from diagnostics.runs.records import RunRequest


def run_settings(
    request: RunRequest, *, content: bool = False, jobs: int | None = None, offline: bool = False
) -> RunSettings:
    """Returns what a run of this request does: its environments, trials and limits.

    Args:
        request: the request, with a valid day in `as_of`.
        content: whether prompts and answers stay in the records.
        jobs: environments that run at once; by default as many as fit this machine.
        offline: whether the package index is left alone.

    Raises:
        InvalidUsage: a name is unknown, or the request selects no trial.
        MatrixError: the matrix has no such environment or release.
        EnvironmentProblem: the index does not answer.
    """
    known("profile", [request.profile], PROFILES)
    known("value of --instrument", [request.instrument], INSTRUMENT)
    choice = Selection(
        providers=known("provider", request.provider, PROVIDERS),
        scenarios=known("scenario", request.scenario, SCENARIOS),
        fixes=known("fix", request.fix, FIXES),
        trials=request.trials,
        mode="cold" if request.cold or not hasattr(os, "fork") else "fork",
        load=Load(request.runs, request.calls, request.concurrency, request.retries),
        instrument=request.instrument,
    )
    combinations, found = _combinations(request, offline=offline)
    profile = _profile(request)
    ranked = roles(combinations, found, known_unsatisfiable(combinations))
    at_once, each = default_width()
    settings = RunSettings(
        combinations=_holding(request, [each for each in ranked if each[1] in profile.blocks]),
        profile=profile,
        choice=choice,
        cache=default_cache(),
        redactor=functools.partial(redactor, content=content),
        offline=offline,
        environments_at_once=jobs or at_once,
        trials_at_once=each,
        limits=Limits(timeout=request.timeout),
    )
    _require_trials(settings, request.profile)
    return settings


def _profile(request: RunRequest) -> Profile:
    """The profile of a run; in the environments of an SDK to itself, if that was asked for, it does as in the lead."""
    profile = PROFILES[request.profile]
    if Role.OWN in profile.blocks or not set(placed("own")).intersection(request.provider):
        return profile
    return replace(profile, blocks={**profile.blocks, Role.OWN: profile.blocks[Role.LEAD]})


def _holding(request: RunRequest, combinations: list[tuple[Combination, Role]]) -> list[tuple[Combination, Role]]:
    """Those that can hold a selected provider, unless a person names them; all, if none of these can be installed."""
    wanted = {PROVIDERS[name].distribution for name in request.provider}
    if not wanted or request.environment:
        return combinations
    holding = [each for each in combinations if wanted.intersection(may_hold(each[0]))]
    never = known_unsatisfiable(combination for combination, _ in holding)
    return holding if len(never) < len(holding) else combinations


def _combinations(request: RunRequest, *, offline: bool) -> tuple[list[Combination], set[str]]:
    """The environments of the run, and the Pythons that this machine has."""
    if request.pin or request.vary:
        combinations = own_combinations(request)
        return combinations, _available(combinations)
    every = load_matrix(None if request.matrix is None else Path(request.matrix).expanduser())
    found = _available(every)
    if request.as_of and not request.environment:
        return _on_day(request.as_of, request.filters, found, offline=offline), found
    if any(request.filters.values()):
        chosen = select(every, request.filters)
    elif PROFILES[request.profile].every_environment:
        chosen = every
    else:
        chosen = default_selection(every, found, known_unsatisfiable(every))
    return [replace(combination, as_of=request.as_of) for combination in chosen], found


def own_combinations(request: RunRequest) -> list[Combination]:
    """Returns the environments of a person's own versions, or those around the newest of the matrix.

    Raises:
        InvalidUsage: the request has another choice of environments too.
        MatrixError: a pin is not an exact release.
    """
    if request.environment or request.openai or request.httpx or request.as_of or request.matrix:
        raise InvalidUsage("own versions go with --python, and not with another choice of environments")
    pins: Sequence[str] = request.pin
    pythons = request.python or (".".join(platform.python_version_tuple()[:2]),)
    if not pins:
        every = load_matrix()
        (newest, _), *_ = roles(every, _available(every), known_unsatisfiable(every))
        pins = newest.requirements
    return own_environments(pins, pythons, request.vary)


def _available(combinations: Sequence[Combination]) -> set[str]:
    return set(installed(combination.python for combination in combinations))


def _on_day(day: str, filters: Mapping[str, Sequence[str]], found: set[str], *, offline: bool) -> list[Combination]:
    """The releases of a day, on the newest Python that they fit or on each of the requested ones."""
    several = next((name for name in ("openai", "httpx") if len(filters[name]) > 1), None)
    if several:
        raise MatrixError(f"--as-of takes one --{several}; start a run for each")
    wanted = {name: filters[name][0] for name in ("openai", "httpx") if filters[name]}
    newest_first = sorted(found, key=Version, reverse=True)
    choices = [[python] for python in filters["python"]] or [newest_first]
    return [on_day(day, pythons, wanted, cache=default_cache(), offline=offline) for pythons in choices]


def _require_trials(settings: RunSettings, profile: str) -> None:
    if not settings.combinations:
        raise InvalidUsage(f"the profile {profile} runs nothing in these environments; choose another --profile")
    never = known_unsatisfiable(combination for combination, _ in settings.combinations)
    # An unsatisfiable environment is recorded with the resolver's reason, unless nothing else could run the request.
    among = [each for each in settings.combinations if each[0] not in never] or settings.combinations
    if any(settings.plans(combination.slug, may_hold(combination), role) for combination, role in among):
        return
    held = sorted({name for combination, _ in among for name in may_hold(combination)})
    why = f"{why_nothing(held, settings.choice)} in the environments of this selection that can be installed"
    raise InvalidUsage(f"{why} (they hold {', '.join(held)}); choose another --provider, --openai or --httpx")
