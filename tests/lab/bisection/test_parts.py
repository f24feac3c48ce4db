"""The pure parts: which releases are in question, what trials come to, what counts as a change, what else moved."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagnostics.experiment.providers import PROVIDERS
from diagnostics.lab.bisection import criterion
from diagnostics.lab.bisection.compare import compare_link, project_urls
from diagnostics.lab.bisection.consensus import agreed, disagreement
from diagnostics.lab.bisection.pinning import Pinning, moved, requirement
from diagnostics.lab.bisection.releases import Release
from diagnostics.lab.bisection.scope import InvalidRequest, scope
from diagnostics.lab.bisection.script import dependencies, variables
from diagnostics.model.bisection import Outcome
from diagnostics.model.libraries import SEARCHED

RELEASES = [
    Release("1.0", "2025-01-01"),
    Release("1.1b1", "2025-01-15"),
    Release("1.1", "2025-02-01", yanked=True),
    Release("1.2", "2025-03-01"),
    Release("2.0", "2025-04-01", requires_python=">=3.12"),
    Release("2.1", "2025-05-01"),
]


def outcome(symptom: str = "none", *findings: str, **more: object) -> Outcome:
    return Outcome(symptom, tuple(sorted(findings)), **more)  # type: ignore[arg-type]


def test_the_scope_is_what_lies_between_the_ends_and_may_work() -> None:
    found = scope("widget", RELEASES, python="3.11")

    assert [release.version for release in found.every] == ["1.0", "1.1", "1.2", "2.0", "2.1"]
    assert [release.version for release in found.candidates] == ["1.0", "1.2", "2.1"]
    assert [release.version for release in found.between("1.0", "2.1")] == ["1.1", "1.2", "2.0"]
    assert (found.span("1.0", "2.1"), found.span("1.0", "1.0"), found.span("1.0", "1.1")) == (5, 1, 2)


def test_pre_releases_count_if_asked_for_or_named() -> None:
    every = scope("widget", RELEASES, python="3.12", pre=True)
    named = scope("widget", RELEASES, python="3.12", good="1.1b1")

    assert "1.1b1" in [release.version for release in every.candidates]
    assert [release.version for release in named.candidates] == ["1.1b1", "1.2", "2.0", "2.1"]


def test_nobody_need_say_where_to_begin() -> None:
    assert [each.version for each in scope("widget", RELEASES, python="3.12", first="1.2").candidates] == [
        "1.2",
        "2.0",
        "2.1",
    ]


def test_a_range_of_one_release_is_none() -> None:
    with pytest.raises(InvalidRequest, match=r"of the 2 releases of widget in this range, 1 can work on Python 3\.11"):
        scope("widget", RELEASES, python="3.11", first="2.0")


OUTCOMES = st.builds(
    outcome, st.sampled_from(["none", "logged", "raised"]), st.sampled_from(["cross-loop-use", "client-left-open"])
)


@given(st.lists(OUTCOMES, min_size=1, max_size=9), st.lists(OUTCOMES, min_size=1, max_size=9), st.booleans())
def test_an_outcome_is_one_that_two_of_three_trials_had(
    uninstrumented: list[Outcome], instrumented: list[Outcome], last_word: bool
) -> None:
    found = agreed(uninstrumented, instrumented, final=last_word)

    if found is not None:
        share = sum(each.symptom == found.symptom for each in uninstrumented) / len(uninstrumented)
        assert share >= (2 / 3 if last_word else 1)
        for kind in {kind for each in instrumented for kind in each.findings}:
            count = sum(kind in each.findings for each in instrumented)
            assert (kind in found.findings) == (2 * count >= len(instrumented))
    elif last_word:
        assert max(
            sum(a == b for b in (o.symptom for o in uninstrumented)) for a in {o.symptom for o in uninstrumented}
        ) < (2 / 3 * len(uninstrumented))


def test_trials_that_all_agree_are_believed_at_once_and_others_not() -> None:
    quiet, loud = outcome(), outcome("logged", "client-left-open")
    assert agreed([quiet] * 3, [quiet] * 3, final=False) == quiet
    assert agreed([quiet, quiet, loud], [quiet] * 3, final=False) is None
    assert agreed([quiet] * 3, [quiet, loud, loud], final=False) is None
    assert agreed([quiet, quiet, loud], [quiet, loud, loud], final=True) == outcome("none", "client-left-open")
    assert agreed([quiet, loud], [quiet, loud], final=True) is None
    back, lost = outcome("raised", recovers=True), outcome("raised", recovers=False)
    assert agreed([lost] * 3, [back] * 3, final=False) == lost
    assert agreed([back, lost], [back, lost], final=False) == outcome("raised")
    assert disagreement([quiet, loud, loud]) == "its trials differ: 2 x logged, 1 x none"


def test_what_was_printed_makes_no_difference() -> None:
    assert outcome("raised", evidence="at 0x1") == outcome("raised", evidence="at 0x2")


def test_retried_becomes_raised_is_a_change_and_so_is_a_lost_answer() -> None:
    before, after = outcome("retried", "duplicate-request", requests="more"), outcome("raised", answers="some")
    assert before.difference(after) == [
        "symptom: retried → raised",
        "answers: all → some",
        "requests: more → one a call",
        "findings: −duplicate-request",
    ]
    assert outcome(answers="all") != outcome(answers="some")


@pytest.mark.parametrize(
    ("text", "same", "other"),
    [
        ("outcome", outcome("raised"), outcome("raised", "cross-loop-use")),
        ("symptom", outcome("raised", "cross-loop-use"), outcome("logged")),
        ("symptom=raised", outcome("raised"), outcome("none")),
        ("finding=cross-loop-use", outcome("none", "cross-loop-use"), outcome("none")),
        ("recovery", outcome("raised", recovers=True), outcome("raised", recovers=False)),
        ("outcome", outcome("raised", recovers=True), outcome("raised", recovers=False)),
        ("exit", outcome("raised", exit_status=1), outcome("raised", exit_status=2)),
    ],
)
def test_what_counts_as_a_change(text: str, same: Outcome, other: Outcome) -> None:
    label = criterion.parse_criterion(text, is_script=True)
    assert label(same) == label(same)
    assert label(same) != label(other)


def test_everything_else_is_held_as_on_the_day_of_each_release_or_on_one_day() -> None:
    release, later = Release("1.2", "2025-03-01"), Release("2.0", "2025-04-01")
    pinning = Pinning("widget", "3.12", ("gadget==1.0", "other"))

    asked = pinning.request(release)
    assert asked.requirements == ("widget==1.2", "gadget==1.0", "other")
    assert asked.as_of == "2025-03-01"
    assert asked.newer == ("widget", "gadget")  # what is pinned is wanted on any day
    assert Pinning("widget", "3.12", (), "2025-03-15").request(later).as_of == "2025-03-15"

    among = pinning.with_packages_of(release, later, {"widget": "2.0", "gadget": "1.0", "other": "7"})
    assert among.requirements == asked.requirements
    assert among.constraints == ("gadget==1.0", "other==7")
    assert among.as_of == "2025-04-01"


def test_packages_that_moved_are_named_with_both_versions() -> None:
    before, after = {"widget": "1", "a": "1", "b": "1", "c": "1"}, {"widget": "2", "a": "1", "b": "2", "d": "1"}
    assert moved("widget", before, after) == {"b": ("1", "2"), "c": ("1", None), "d": (None, "1")}


def test_a_requirement_is_put_into_its_one_spelling() -> None:
    assert requirement(" httpx == 0.27.2 ") == "httpx==0.27.2"
    with pytest.raises(ValueError, match="is not a requirement"):
        requirement("== 3")


@pytest.mark.parametrize(
    ("address", "link"),
    [
        ("https://github.com/some/widget", "https://github.com/some/widget/compare/v1...v2"),
        ("https://github.com/some/widget.git", "https://github.com/some/widget/compare/v1...v2"),
        ("https://github.com/some/widget/issues", "https://github.com/some/widget/compare/v1...v2"),
        ("https://github.com/sponsors/some", None),
        ("https://widget.test", None),
    ],
)
def test_the_link_that_compares_two_releases(address: str, link: str | None) -> None:
    assert compare_link([address], "v", "1", "2") == link


def test_a_packages_own_addresses_come_with_its_repository_first(tmp_path: Path) -> None:
    info = tmp_path / "lib" / "python3.12" / "site-packages" / "widget-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: widget\nVersion: 1.0\n"
        "Project-URL: Homepage, https://widget.test\nProject-URL: Source Code, https://github.com/some/widget\n"
    )
    assert project_urls("widget", tmp_path) == ["https://github.com/some/widget", "https://widget.test"]
    assert project_urls("gadget", tmp_path) == []


def test_every_package_has_a_provider_that_there_is() -> None:
    assert all(package.provider in PROVIDERS for package in SEARCHED.values())


def test_a_script_says_in_its_header_what_it_needs(tmp_path: Path) -> None:
    script = tmp_path / "mine.py"
    script.write_text("# /// script\n# dependencies = [\n#   'openai>=1',\n#   'rich',\n# ]\n# ///\nprint()\n")
    assert dependencies(script) == ["openai>=1", "rich"]
    script.write_text("print()\n")
    assert dependencies(script) == []
    script.write_text("# /// script\n# dependencies = [\n# ///\n")
    with pytest.raises(InvalidRequest, match="is not valid TOML"):
        dependencies(script)
    with pytest.raises(InvalidRequest, match="cannot be read"):
        dependencies(tmp_path / "none.py")


def test_a_script_gets_no_key_and_the_address_of_the_server() -> None:
    told = variables("https://localhost:1/t/x")
    assert told["OPENAI_BASE_URL"] == "https://localhost:1/t/x/openai/v1"
    assert {value for name, value in told.items() if name.endswith("KEY")} == {"none"}
