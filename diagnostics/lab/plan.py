"""Which cells are tried in which environment. Pure.

A profile says how much, by the *role* of an environment. The `lead` environment, the newest of all on the newest
Python, gets every scenario and fix; the newest of the other generation is its `second`; those with aiohttp test that
transport; one with an SDK to itself (`own`) tests that SDK; every `other` shows what changes from release to release
and from Python to Python. The whole takes minutes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from itertools import product
from typing import Final

from packaging.version import Version

from diagnostics.experiment.fixes import FIXES
from diagnostics.experiment.providers import PROVIDERS
from diagnostics.experiment.scenarios import SCENARIOS
from diagnostics.lab.combination import GENERATIONS, Combination
from diagnostics.lab.execution.outcome import TrialPlan
from diagnostics.model.cell import BASELINE, Cell, Load
from diagnostics.model.libraries import placed


class Role(Enum):
    """What an environment is there to show."""

    LEAD = "lead"
    SECOND = "second"
    AIOHTTP = "aiohttp"
    OWN = "own"
    OTHER = "other"


def roles(
    combinations: Sequence[Combination],
    available_pythons: Collection[str],
    unsatisfiable: Collection[Combination] = (),
) -> list[tuple[Combination, Role]]:
    """Each combination with its role, those that take longest first.

    The lead and the second are on the newest available Python, have no extras, and can be.
    """
    newest: dict[str | None, Combination] = {}
    for combination in combinations:
        can_be = combination.python in available_pythons and combination not in unsatisfiable
        if can_be and combination.loop == "asyncio" and not (_has_aiohttp(combination) or _own_sdks(combination)):
            best = newest.get(combination.generation)
            if best is None or _age(combination) > _age(best):
                newest[combination.generation] = combination
    ranked = sorted(newest.values(), key=_age, reverse=True)
    leads = dict(zip(ranked, (Role.LEAD, Role.SECOND), strict=False))

    def role(combination: Combination) -> Role:
        if _own_sdks(combination):
            return Role.OWN
        return leads.get(combination, Role.AIOHTTP if _has_aiohttp(combination) else Role.OTHER)

    order = list(Role)
    return sorted(
        ((combination, role(combination)) for combination in combinations), key=lambda pair: order.index(pair[1])
    )


def _has_aiohttp(combination: Combination) -> bool:
    return combination.value("aiohttp") is not None


def _own_sdks(combination: Combination) -> tuple[str, ...]:
    """The SDKs of a combination that have environments to themselves."""
    own = placed("own")
    return tuple(name for name, _ in combination.packages if name in own)


def _age(combination: Combination) -> tuple[Version, Version, Version]:
    versions = (combination.version(axis) or Version("0") for axis in ("python", "openai", "httpx"))
    return tuple(versions)  # type: ignore[return-value]  # three of them


@dataclass(frozen=True)
class Block:
    """Providers x scenarios x fixes, each cell tried some times."""

    providers: tuple[str, ...]
    scenarios: tuple[str, ...]
    fixes: tuple[str, ...]
    trials: int

    def cells(self, environment: str, load: Load) -> Iterator[Cell]:
        """The cells of the block; the baseline is always among them."""
        fixes = (BASELINE, *(fix for fix in self.fixes if fix != BASELINE))
        for provider, scenario, fix in product(self.providers, self.scenarios, fixes):
            yield Cell(environment, provider, scenario, fix, load)


@dataclass(frozen=True)
class Profile:
    """How much is tried, by role.

    Attributes:
        every_environment: whether all Pythons run the whole product, not only the newest.
    """

    blocks: Mapping[Role, tuple[Block, ...]]
    every_environment: bool = False


_ALL_PROVIDERS = tuple(PROVIDERS)
_ALL_SCENARIOS = tuple(SCENARIOS)
_ALL_FIXES = tuple(FIXES)
_CORE = ("repeated-run", "gc-inside-run", "unclosed-in-coroutine")
_OWN = placed("own")
_NOT_OPENAI = tuple(name for name in PROVIDERS if name not in ("openai", *_OWN))
_AIOHTTP = "aiohttp-transport"
_WITHOUT_AIOHTTP = tuple(name for name in FIXES if name != _AIOHTTP)

_OWN_FIXES = ("background-loop", "client-per-loop", "context-manager", "explicit-close", "never-close")
"""Enough to tell whether an SDK behaves like the others; the rest is a matter of `--fix`."""

_SMOKE = Block(("openai",), ("repeated-run",), ("context-manager", "never-close"), 1)
_EVERYTHING = Block(_ALL_PROVIDERS, _ALL_SCENARIOS, _ALL_FIXES, 3)
_OTHER = Block(("openai",), _CORE, _WITHOUT_AIOHTTP, 2)

PROFILES: Final[dict[str, Profile]] = {
    "smoke": Profile({Role.LEAD: (_SMOKE,), Role.SECOND: (_SMOKE,)}),
    "default": Profile(
        {
            Role.LEAD: (
                Block(("openai",), _ALL_SCENARIOS, _ALL_FIXES, 2),
                Block(_NOT_OPENAI, _CORE, _WITHOUT_AIOHTTP, 2),
            ),
            Role.SECOND: (Block(_ALL_PROVIDERS, _CORE, _WITHOUT_AIOHTTP, 2),),
            Role.AIOHTTP: (Block(_ALL_PROVIDERS, _CORE, (_AIOHTTP,), 2),),
            Role.OWN: (Block(_OWN, _CORE, _OWN_FIXES, 1),),
            Role.OTHER: (_OTHER,),
        }
    ),
    "full": Profile(dict.fromkeys(Role, (_EVERYTHING,)), every_environment=True),
}


INSTRUMENT: Final[dict[str, str]] = {
    "off": "no trial is instrumented",
    "baseline": "one trial of each baseline is instrumented beside the others",
    "all": "one trial of each cell is",
}
"""Which trials run under the sanitizer."""

TIMELINES: Final = (Role.LEAD, Role.SECOND)
"""In which environments the instrumented trials of the baselines keep what happened in them."""


@dataclass(frozen=True)
class Selection:
    """What a person asked for on the command line; empty means what the profile says.

    Attributes:
        instrument: one of `INSTRUMENT`.
    """

    providers: tuple[str, ...] = ()
    scenarios: tuple[str, ...] = ()
    fixes: tuple[str, ...] = ()
    trials: int | None = None
    mode: str = "fork"
    instrument: str = "off"
    load: Load = Load()  # noqa: RUF009 - frozen


def plans(
    environment: str,
    installed: Sequence[str],
    profile: Profile,
    choice: Selection,
    *,
    role: Role,
    can_fork: bool = True,
) -> list[TrialPlan]:
    """The trials of one environment, first trials of all cells first, so that a run cut short has seen the most.

    Args:
        environment: its name.
        installed: distributions that are there, normalised; a provider that is not is left out.
        role: what the environment is there to show.
        can_fork: whether `os.fork` exists here; if not, the scenarios that need it are left out.
    """
    blocks = [replace(block, trials=choice.trials or block.trials) for block in profile.blocks.get(role, ())]
    if choice.scenarios or choice.providers or choice.fixes:
        blocks = _asked_for(blocks, choice)
    numbered: dict[Cell, int] = {}
    for block in blocks:
        here = replace(
            block,
            providers=tuple(name for name in block.providers if PROVIDERS[name].distribution in installed),
            scenarios=tuple(name for name in block.scenarios if can_fork or not SCENARIOS[name].needs_fork),
        )
        for cell in here.cells(environment, choice.load):
            numbered[cell] = max(numbered.get(cell, 0), block.trials)
    rounds = max(numbered.values(), default=0)
    instrumented = {
        cell
        for cell in numbered
        if choice.instrument == "all" or (choice.instrument == "baseline" and cell.is_baseline)
    }
    # The baseline keeps all its uninstrumented trials; of a fix, the instrumented one takes the place of the last.
    left_out = {cell for cell in instrumented if not cell.is_baseline and numbered[cell] > 1}
    return [
        TrialPlan(cell, trial, choice.mode)
        for trial in range(rounds)
        for cell, trials in numbered.items()
        if trial < trials - (cell in left_out)
    ] + [
        TrialPlan(cell, 0, choice.mode, instrumented=True, timeline=cell.is_baseline and role in TIMELINES)
        for cell in numbered
        if cell in instrumented
    ]


def may_hold(combination: Combination) -> tuple[str, ...]:
    """The distributions of providers that an environment can have, as far as can be told before it is there."""
    named = {name for name, _ in combination.packages} | (set() if combination.generation else set(GENERATIONS))
    distributions = (provider.distribution for provider in PROVIDERS.values())
    return tuple(dict.fromkeys(name for name in distributions if name in named))


def why_nothing(installed: Collection[str], choice: Selection) -> str:
    """Why a choice has no cell where these distributions are."""
    missing = [name for name in choice.providers if PROVIDERS[name].distribution not in installed]
    if not missing or len(missing) < len(choice.providers):
        return "nothing that was asked for can be tried"
    return f"there is no {' and no '.join(missing)}"


def _asked_for(blocks: Sequence[Block], choice: Selection) -> list[Block]:
    """One block of what was named, filled up with what the profile has of the kinds that were not named."""

    def of(kind: str) -> tuple[str, ...]:
        return tuple(dict.fromkeys(name for block in blocks for name in getattr(block, kind)))

    providers, scenarios, fixes = (
        choice.providers or of("providers"),
        choice.scenarios or of("scenarios"),
        choice.fixes or of("fixes"),
    )
    trials = max((block.trials for block in blocks), default=choice.trials or 2)
    return [Block(providers, scenarios, fixes, trials)]
