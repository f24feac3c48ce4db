"""Plans which cells are tried in which environment. Pure.

A profile says how much is tried, depending on the *role* of an environment. The `lead` environment, with the newest
releases on the newest Python, gets every scenario and fix. The `second` is the newest with the other HTTP stack. Those
with aiohttp test that transport, and one with an SDK to itself (`own`) tests that SDK. `yours` has a person's versions.
Every `other` environment shows what changes from release to release and from Python to Python. The default profile
takes minutes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from itertools import product
from typing import Final

from diagnostics.experiment.fixes import FIXES
from diagnostics.experiment.providers import PROVIDERS
from diagnostics.experiment.scenarios import SCENARIOS
from diagnostics.lab.combination import GENERATIONS, Combination
from diagnostics.lab.execution.outcome import TrialPlan
from diagnostics.model.cell import BASELINE, Cell, Load
from diagnostics.model.libraries import LIBRARIES, placed


class Role(Enum):
    """What an environment is used for."""

    LEAD = "lead"
    SECOND = "second"
    AIOHTTP = "aiohttp"
    YOURS = "yours"
    OWN = "own"
    OTHER = "other"


def roles(
    combinations: Sequence[Combination],
    available_pythons: Collection[str],
    unsatisfiable: Collection[Combination] = (),
) -> list[tuple[Combination, Role]]:
    """Returns each combination with its role, those that take longest first.

    The lead and the second can be installed, have no extras, and are on the newest available Python that has them.
    """
    newest: dict[str | None, Combination] = {}
    for combination in combinations:
        possible = combination.python in available_pythons and combination not in unsatisfiable
        if possible and combination.loop == "asyncio" and not (_has_aiohttp(combination) or _own_sdks(combination)):
            best = newest.get(combination.generation)
            if best is None or combination.age > best.age:
                newest[combination.generation] = combination
    ranked = sorted(newest.values(), key=lambda each: each.age, reverse=True)
    leads = dict(zip(ranked, (Role.LEAD, Role.SECOND), strict=False))

    def role(combination: Combination) -> Role:
        if combination.own:
            return Role.YOURS
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


@dataclass(frozen=True)
class Block:
    """The cells of providers x scenarios x fixes, and how many trials each gets."""

    providers: tuple[str, ...]
    scenarios: tuple[str, ...]
    fixes: tuple[str, ...]
    trials: int

    def cells(self, environment: str, load: Load) -> Iterator[Cell]:
        """Yields the cells of the block; the baseline is always among them."""
        fixes = (BASELINE, *(fix for fix in self.fixes if fix != BASELINE))
        for provider, scenario, fix in product(self.providers, self.scenarios, fixes):
            yield Cell(environment, provider, scenario, fix, load)


@dataclass(frozen=True)
class Profile:
    """How much is tried in the environments of each role.

    Attributes:
        every_environment: whether every environment of every Python is used, and not only those of the newest one.
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
"""Enough to show whether an SDK behaves like the others; `--fix` selects more."""

_SMOKE = Block(("openai",), ("repeated-run",), ("context-manager", "never-close"), 1)
_EVERYTHING = Block(_ALL_PROVIDERS, _ALL_SCENARIOS, _ALL_FIXES, 3)
_OTHER = Block(("openai",), _CORE, _WITHOUT_AIOHTTP, 2)

PROFILES: Final[dict[str, Profile]] = {
    "smoke": Profile(dict.fromkeys((Role.LEAD, Role.SECOND, Role.YOURS), (_SMOKE,))),
    "default": Profile(
        {
            Role.LEAD: (
                Block(("openai",), _ALL_SCENARIOS, _ALL_FIXES, 2),
                Block(_NOT_OPENAI, _CORE, _WITHOUT_AIOHTTP, 2),
            ),
            Role.SECOND: (Block(_ALL_PROVIDERS, _CORE, _WITHOUT_AIOHTTP, 2),),
            Role.AIOHTTP: (Block(_ALL_PROVIDERS, _CORE, (_AIOHTTP,), 2),),
            Role.YOURS: (
                Block(("openai",), _ALL_SCENARIOS, _ALL_FIXES, 2),
                Block(_NOT_OPENAI + _OWN, _CORE, _ALL_FIXES, 2),
            ),
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

TIMELINES: Final = (Role.LEAD, Role.SECOND, Role.YOURS)
"""Roles of the environments in which instrumented trials of the baseline record a timeline."""


@dataclass(frozen=True)
class Selection:
    """What a person selects on the command line; what is empty is selected by the profile.

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
    """Returns the trials of one environment.

    The first trials of all cells come first, so that an interrupted run has seen the most.

    Args:
        environment: its name.
        installed: normalised names of installed distributions; providers that are not among them are left out.
        can_fork: whether `os.fork` exists; if not, the scenarios that need it are left out.
    """
    blocks = [replace(block, trials=choice.trials or block.trials) for block in profile.blocks.get(role, ())]
    if choice.scenarios or choice.providers or choice.fixes:
        blocks = _selected(blocks, choice)
    trials: dict[Cell, int] = {}
    for block in blocks:
        possible = replace(
            block,
            providers=tuple(name for name in block.providers if PROVIDERS[name].distribution in installed),
            scenarios=tuple(name for name in block.scenarios if can_fork or not SCENARIOS[name].needs_fork),
        )
        for cell in possible.cells(environment, choice.load):
            trials[cell] = max(trials.get(cell, 0), block.trials)
    rounds = max(trials.values(), default=0)
    instrumented = {
        cell for cell in trials if choice.instrument == "all" or (choice.instrument == "baseline" and cell.is_baseline)
    }
    # The instrumented trial of a fix replaces its last uninstrumented one. The baseline keeps all of these, because
    # every verdict rests on them.
    replaced = {cell for cell in instrumented if not cell.is_baseline and trials[cell] > 1}
    return [
        TrialPlan(cell, number, choice.mode)
        for number in range(rounds)
        for cell, count in trials.items()
        if number < count - (cell in replaced)
    ] + [
        TrialPlan(cell, 0, choice.mode, instrumented=True, timeline=cell.is_baseline and role in TIMELINES)
        for cell in trials
        if cell in instrumented
    ]


def may_hold(combination: Combination) -> tuple[str, ...]:
    """Returns the distributions of providers that an environment can have, as far as is known before it is built."""
    named = {name for name, _ in combination.packages}
    if not combination.generation and not any(LIBRARIES[name].server for name in named):
        named |= set(GENERATIONS)
    distributions = (provider.distribution for provider in PROVIDERS.values())
    return tuple(dict.fromkeys(name for name in distributions if name in named))


def why_nothing(installed: Collection[str], choice: Selection) -> str:
    """Returns why a selection has no cell in an environment with these distributions."""
    missing = [name for name in choice.providers if PROVIDERS[name].distribution not in installed]
    if not missing or len(missing) < len(choice.providers):
        return "none of the selected cells is possible"
    return f"there is no {' and no '.join(missing)}"


def _selected(blocks: Sequence[Block], choice: Selection) -> list[Block]:
    """One block of what was selected, with what the profile has for the kinds that were not."""

    def of(kind: str) -> tuple[str, ...]:
        return tuple(dict.fromkeys(name for block in blocks for name in getattr(block, kind)))

    providers, scenarios, fixes = (
        choice.providers or of("providers"),
        choice.scenarios or of("scenarios"),
        choice.fixes or of("fixes"),
    )
    trials = max((block.trials for block in blocks), default=choice.trials or 2)
    return [Block(providers, scenarios, fixes, trials)]
