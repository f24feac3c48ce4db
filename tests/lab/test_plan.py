"""Which cells are tried: the baseline is always among them, no trial twice, and a choice only narrows."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagnostics.experiment.fixes import FIXES
from diagnostics.experiment.providers import PROVIDERS
from diagnostics.experiment.scenarios import SCENARIOS
from diagnostics.lab.combination import Combination
from diagnostics.lab.environments.locks import known_unsatisfiable
from diagnostics.lab.execution.outcome import TrialPlan
from diagnostics.lab.matrix_file import load_matrix
from diagnostics.lab.plan import PROFILES, Role, Selection, may_hold, plans, roles, why_nothing
from diagnostics.model.cell import BASELINE, Load

MATRIX = load_matrix()
UNSATISFIABLE = known_unsatisfiable(MATRIX)
INSTALLED = [provider.distribution for provider in PROVIDERS.values()]


def names(table: dict[str, object]) -> st.SearchStrategy[tuple[str, ...]]:
    return st.lists(st.sampled_from(sorted(table)), unique=True, max_size=3).map(tuple)


choices = st.builds(
    Selection,
    providers=names(dict(PROVIDERS)),
    scenarios=names(dict(SCENARIOS)),
    fixes=names(dict(FIXES)),
    trials=st.none() | st.integers(min_value=1, max_value=4),
    mode=st.sampled_from(["fork", "cold"]),
    load=st.builds(Load, *(st.integers(min_value=1, max_value=9) for _ in range(4))),
)
profiles = st.sampled_from(sorted(PROFILES))
some_roles = st.sampled_from(list(Role))
installed = st.lists(st.sampled_from(INSTALLED), unique=True)


@given(profile=profiles, choice=choices, role=some_roles, there=installed, can_fork=st.booleans())
def test_the_laws_of_a_plan(profile: str, choice: Selection, role: Role, there: list[str], can_fork: bool) -> None:
    planned = plans("somewhere", there, PROFILES[profile], choice, role=role, can_fork=can_fork)

    assert len({plan.key for plan in planned}) == len(planned)
    assert {plan.cell.subject for plan in planned if plan.cell.is_baseline} == {plan.cell.subject for plan in planned}
    assert [plan.trial for plan in planned] == sorted(plan.trial for plan in planned)
    for cell in {plan.cell for plan in planned}:
        tried = sorted(plan.trial for plan in planned if plan.cell == cell)
        assert tried == list(range(len(tried)))
        assert choice.trials in (None, len(tried))
        assert PROVIDERS[cell.provider].distribution in there
        assert can_fork or not SCENARIOS[cell.scenario].needs_fork
        assert cell.load == choice.load
    assert {plan.mode for plan in planned} <= {choice.mode}


@given(profile=profiles, choice=choices, role=some_roles)
def test_a_choice_is_kept_to(profile: str, choice: Selection, role: Role) -> None:
    planned = plans("somewhere", INSTALLED, PROFILES[profile], choice, role=role)

    if choice.providers:
        assert {plan.cell.provider for plan in planned} <= set(choice.providers)
    if choice.scenarios:
        assert {plan.cell.scenario for plan in planned} <= set(choice.scenarios)
    if choice.fixes:
        assert {plan.cell.fix for plan in planned} <= {BASELINE, *choice.fixes}
    if choice.providers and choice.scenarios and choice.fixes and PROFILES[profile].blocks.get(role):
        asked = set(product(choice.providers, choice.scenarios, {BASELINE, *choice.fixes}))
        assert {(plan.cell.provider, plan.cell.scenario, plan.cell.fix) for plan in planned} == asked


@given(profile=profiles, choice=choices, role=some_roles, data=st.data())
def test_what_is_done_and_what_is_left_are_the_whole(
    profile: str, choice: Selection, role: Role, data: st.DataObject
) -> None:
    """A resumed run makes the same plan, so that the keys of what is stored are found in it."""

    def planned() -> list[TrialPlan]:
        return plans("somewhere", INSTALLED, PROFILES[profile], choice, role=role)

    every = [plan.key for plan in planned()]
    done = set(every[: data.draw(st.integers(min_value=0, max_value=len(every)))])
    left = [plan.key for plan in planned() if plan.key not in done]
    assert done.isdisjoint(left)
    assert sorted([*done, *left]) == sorted(every)


def test_keys_differ_by_environment_trial_mode_and_load() -> None:
    def keys(environment: str, choice: Selection) -> set[str]:
        return {plan.key for plan in plans(environment, INSTALLED, PROFILES["smoke"], choice, role=Role.LEAD)}

    every = [
        keys("here", Selection()),
        keys("there", Selection()),
        keys("here", Selection(mode="cold")),
        keys("here", Selection(load=Load(runs=9))),
    ]
    assert len(set.union(*every)) == sum(map(len, every)) == 12
    assert keys("here", Selection()) < keys("here", Selection(trials=2))


@pytest.mark.parametrize("profile", PROFILES)
def test_a_profile_names_only_what_exists(profile: str) -> None:
    for blocks in PROFILES[profile].blocks.values():
        for block in blocks:
            assert set(block.providers) <= set(PROVIDERS)
            assert set(block.scenarios) <= set(SCENARIOS)
            assert set(block.fixes) <= set(FIXES)


def test_the_default_profile_tries_every_scenario_and_every_fix_somewhere() -> None:
    planned = [plan for role in Role for plan in plans("here", INSTALLED, PROFILES["default"], Selection(), role=role)]
    assert {plan.cell.scenario for plan in planned} == set(SCENARIOS)
    assert {plan.cell.fix for plan in planned} == set(FIXES)
    assert {plan.cell.provider for plan in planned} == set(PROVIDERS)


@given(st.sets(st.sampled_from(["3.10", "3.11", "3.12", "3.13", "3.14", "3.15"])))
def test_one_environment_leads_and_one_of_the_other_generation_follows(pythons: set[str]) -> None:
    ranked = roles(MATRIX, pythons, UNSATISFIABLE)

    assert sorted(c.slug for c, _ in ranked) == sorted(c.slug for c in MATRIX)
    order = [list(Role).index(role) for _, role in ranked]
    assert order == sorted(order)
    chosen = {role: combination for combination, role in ranked if role in (Role.LEAD, Role.SECOND)}
    assert bool(pythons) == (Role.LEAD in chosen)
    assert {combination.python for combination in chosen.values()} <= pythons
    assert UNSATISFIABLE.isdisjoint(chosen.values())
    if len(chosen) == 2:
        assert chosen[Role.LEAD].generation != chosen[Role.SECOND].generation


def test_what_an_environment_can_hold_is_known_before_it_is_there() -> None:
    openai_3 = next(each for each in MATRIX if each.value("openai") == "3.54.0" and each.generation == "httpx2")
    assert set(may_hold(openai_3)) == {"openai", "anthropic", "google-genai", "httpx2"}
    either = Combination("3.13", (("openai", "1.0.0"),))
    assert set(may_hold(either)) == {"openai", "httpx", "httpx2"}
    assert why_nothing(may_hold(openai_3), Selection(providers=("httpx",))) == "there is no httpx"
    assert why_nothing(may_hold(openai_3), Selection(scenarios=("fork",))) == "none of the selected cells is possible"
