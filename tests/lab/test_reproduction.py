"""A run asks only the environments that can hold what is selected."""

from __future__ import annotations

import pytest

from diagnostics.experiment.providers import PROVIDERS
from diagnostics.lab.plan import PROFILES, Role, may_hold
from diagnostics.lab.reproduction import run_settings
from diagnostics.model.libraries import placed
from diagnostics.runs.records import RunRequest


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("provider", PROVIDERS)
def test_every_selected_environment_can_hold_the_provider_and_some_trial_is_planned(
    profile: str, provider: str
) -> None:
    settings = run_settings(RunRequest(profile=profile, provider=(provider,)))
    assert settings.combinations
    for combination, _ in settings.combinations:
        assert PROVIDERS[provider].distribution in may_hold(combination)
    planned = [settings.plans(each.slug, may_hold(each), role) for each, role in settings.combinations]
    assert any(planned)


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("provider", placed("own"))
def test_an_sdk_with_environments_to_itself_gets_those_alone(profile: str, provider: str) -> None:
    settings = run_settings(RunRequest(profile=profile, provider=(provider,)))
    assert {role for _, role in settings.combinations} == {Role.OWN}


def test_without_a_provider_a_profile_is_as_it_was() -> None:
    assert {role for _, role in run_settings(RunRequest(profile="smoke")).combinations} == {Role.LEAD, Role.SECOND}
    assert {role for _, role in run_settings(RunRequest()).combinations} == set(Role) - {Role.YOURS}
