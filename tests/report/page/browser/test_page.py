"""The page as a person uses it, in Chromium: filters, evidence, timeline, print, themes, keyboard, screen readers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from importlib.resources import files
from typing import Any

import pytest
from playwright.sync_api import Page

from diagnostics.model.cell import Environment
from diagnostics.model.machine import Machine
from diagnostics.model.trial import Trial
from diagnostics.runs.records import Run

Open = Callable[..., Page]
WIDTHS = (360, 390, 768, 1400)
PHONES = (360, 390)
AXE = files("axe_playwright_python").joinpath("axe.min.js")
MARKUP = '</script><script>window.pwned=1</script><img src=x onerror="window.pwned=1"><!-- ]]> {{7*7}} "\'`'


def shown(page: Page) -> int:
    """Rows of the matrix that are there to be seen."""
    return page.locator(".line:not(.head):not(.group):not([hidden])").count()


def test_a_filter_leaves_what_was_asked_for(visit: Open, sample: Run) -> None:
    page = visit(sample)
    assert shown(page) == 9

    page.get_by_label("Scenario", exact=True).select_option("fork")
    assert shown(page) == 3
    page.locator("#filter-client").select_option("openai · httpx2")
    assert shown(page) == 1
    assert page.locator("#count").inner_text() == "8 of 72 cells, in 1 row"

    page.get_by_label("Fix", exact=True).select_option("never-close")
    assert page.locator(".line:not([hidden]) .cell:visible").count() == 2
    page.get_by_role("button", name="Show all").click()
    assert shown(page) == 9

    page.get_by_label("Verdict", exact=True).select_option("hides")
    hits = page.locator(".cell.v-hides").count()
    assert hits > 0
    assert page.locator("#count").inner_text().startswith(f"{hits} of 72 cells")
    assert page.locator(".cell.v-removes:not(.dim)").count() == 0


def test_pressing_a_cell_at_a_glance_chooses_its_places(visit: Open, sample: Run) -> None:
    page = visit(sample)
    page.get_by_role("button", name="never-close, openai · httpx2: hides 2").click()
    assert page.get_by_label("Fix", exact=True).input_value() == "never-close"
    assert shown(page) == 3


def test_a_cell_opens_its_evidence_and_gives_the_focus_back(visit: Open, sample: Run) -> None:
    page = visit(replace(sample, trials=tuple(replace(trial, recovers=False) for trial in sample.trials)))
    page.get_by_label("Scenario", exact=True).select_option("gc-inside-run")
    page.locator(".cell.v-no-effect:visible").first.click()

    dialog = page.get_by_role("dialog")
    text = dialog.inner_text()
    assert text.count("logged (does not recover)") == 2
    for said in ("instance-loop", "the symptom or the finding remains", "RuntimeError: Event loop is closed", "2 of 2"):
        assert said in text
    assert "--scenario gc-inside-run --fix instance-loop --trials 10" in text
    page.keyboard.press("Escape")
    assert dialog.count() == 0
    assert "v-no-effect" in str(page.evaluate("document.activeElement.className"))


def test_the_matrix_can_be_walked_with_the_keyboard(visit: Open, sample: Run) -> None:
    page = visit(sample)
    page.get_by_label("Scenario", exact=True).select_option("fork")
    page.locator(".cell[tabindex='0']").focus()
    for key in ("ArrowRight", "ArrowRight", "ArrowDown", "ArrowLeft", "End", "Home", "ArrowRight"):
        page.keyboard.press(key)
    assert page.evaluate("document.activeElement.at[1]") == 1
    assert page.locator(".cell[tabindex='0']").count() == 1
    page.keyboard.press("Enter")
    assert page.get_by_role("dialog").is_visible()


def test_the_control_leads_to_its_timeline(visit: Open, sample: Run) -> None:
    page = visit(sample)
    first = page.locator(".line:not(.head):not(.group)").filter(has_text="repeated-run").filter(has_text="httpx 0.27.2")
    first.locator(".cell").first.click()
    assert "client-left-open × 2" in page.get_by_role("dialog").inner_text()
    page.get_by_role("button", name="Show the timeline").click()
    assert page.evaluate("document.activeElement.id") == "timeline-pick"


def test_the_timeline_marks_the_foreign_touch_and_shows_its_stack(visit: Open, sample: Run) -> None:
    page = visit(sample)
    told = page.locator("#event")
    assert "Cross-loop access" in told.inner_text()
    assert "Code that ran on L2 used X1, a connection of C1, which belongs to L1, closed by then" in told.inner_text()
    assert "AsyncHTTP11Connection._send_request_headers (httpcore/_async/http11.py:150)" in told.inner_text()
    assert page.locator("path.touch").count() == 4  # on the connection, its client, its loop, and the loop that ran
    assert page.locator("rect.life.over").count() == 2  # the first loop, closed, and the connection that it left
    names = page.locator(".lanes .names div").all_inner_texts()
    assert [name.split()[0] for name in names] == ["thread", "L1", "L2", "C1", "X1"]


def test_the_timeline_zooms_scrolls_and_can_be_stepped_through(visit: Open, sample: Run) -> None:
    page = visit(sample)

    def width() -> float:
        return float(page.locator("#lanes svg").evaluate("svg => svg.width.baseVal.value"))

    before = width()
    page.get_by_role("button", name="Zoom in").click()
    assert width() > before
    page.get_by_role("button", name="Fit the timeline to the window").click()
    assert width() == pytest.approx(before)
    page.locator(".lanes").focus()
    page.keyboard.press("-")
    assert width() < before

    page.keyboard.press("ArrowRight")
    assert "The collector made a pass" in page.locator("#event").inner_text()
    page.keyboard.press("ArrowRight")
    assert "14." in page.locator("#event").inner_text()
    assert "http11.py:150" in page.locator("#event details").text_content()  # type: ignore[operator]  # of event 12

    page.locator("path.touch").first.hover()
    assert "used X1" in page.locator(".tip").inner_text()
    page.get_by_label("connections", exact=True).uncheck()
    assert page.locator("path.touch").count() == 3


def test_a_loop_that_is_gone_before_its_finaliser_closes_it_leaves_its_connections_behind(
    visit: Open, sample: Run
) -> None:
    ((key, events),) = sample.timelines.items()
    told = list(events)
    told[7:8] = [replace(events[7], what="gone"), events[7]]
    numbered = tuple(replace(event, number=number, same_stack=None) for number, event in enumerate(told, start=1))

    page = visit(replace(sample, timelines={key: numbered}))

    assert page.locator("rect.life.over").count() == 1


def test_every_event_is_in_a_list_too(visit: Open, sample: Run) -> None:
    page = visit(sample)
    page.get_by_text("All events as a list").click()
    buttons = page.locator("#event-list button")
    ((_, events),) = sample.timelines.items()
    assert buttons.count() == len(events)
    buttons.first.click()
    assert "C1 (openai.AsyncOpenAI) was created" in page.locator("#event").inner_text()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_follows_the_system_and_the_person(visit: Open, sample: Run, scheme: str) -> None:
    page = visit(sample, scheme=scheme)

    def is_dark() -> bool:
        colour = str(page.evaluate("getComputedStyle(document.body).backgroundColor"))
        return sum(int(part) for part in colour[4:-1].split(",")) < 300

    assert is_dark() is (scheme == "dark")
    page.locator("#theme").click()
    assert is_dark() is (scheme == "light")


def test_it_can_be_printed(visit: Open, sample: Run) -> None:
    page = visit(sample, scheme="dark")
    assert page.pdf(format="A4").startswith(b"%PDF")
    page.emulate_media(media="print")
    assert not page.locator("#filters").is_visible()
    assert page.locator(".cell").first.is_visible()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"


@pytest.mark.parametrize("width", WIDTHS)
def test_only_tables_scroll_sideways(visit: Open, sample: Run, width: int) -> None:
    page = visit(sample, width=width)
    assert page.evaluate("document.documentElement.scrollWidth") == width
    page.locator(".cell.v-hides").first.click()
    dialog = page.get_by_role("dialog")
    assert dialog.evaluate("dialog => dialog.scrollWidth <= dialog.clientWidth")


def violations(page: Page) -> list[str]:
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found: dict[str, Any] = page.evaluate("axe.run()")
    return [f"{each['id']}: {node['html'][:200]}" for each in found["violations"] for node in each["nodes"]]


CUT = """() => [...document.querySelectorAll('.name, .name small, .overview th, .names div, .plain tbody th')]
    .filter((each) => each.checkVisibility() && each.scrollWidth > each.clientWidth + 1)
    .map((each) => each.textContent)"""


@pytest.mark.parametrize("width", WIDTHS)
def test_no_label_of_a_row_is_cut(visit: Open, sample: Run, width: int) -> None:
    assert visit(sample, width=width).evaluate(CUT) == []


TARGETS = "button, select, summary, nav a, label:has(input), .cell"
SMALL = """(targets) => [...document.querySelectorAll(targets)].filter((each) => {
    const box = each.getBoundingClientRect();
    return each.checkVisibility({ contentVisibilityAuto: true }) && (box.width < 44 || box.height < 44);
}).map((each) => each.outerHTML)"""


@pytest.mark.parametrize("width", PHONES)
def test_everything_on_a_phone_can_be_hit_with_a_thumb(visit: Open, sample: Run, width: int) -> None:
    page = visit(sample, width=width)
    page.get_by_text("All events as a list").click()
    assert page.evaluate(SMALL, TARGETS) == []
    page.locator("#grid").scroll_into_view_if_needed()
    assert page.evaluate(SMALL, TARGETS) == []
    page.locator(".cell.v-hides").first.click()
    assert page.evaluate(SMALL, TARGETS) == []


@pytest.mark.parametrize("width", PHONES)
def test_a_phone_shows_a_client_at_a_time_and_a_card_for_each_fix(visit: Open, sample: Run, width: int) -> None:
    page = visit(sample, width=width)
    assert not page.locator(".overview").is_visible()
    page.locator("#card-client").select_option("openai · httpx2")
    card = page.locator(".cards li").filter(has_text="never-close")
    text = card.inner_text()
    for said in ("hides 2", "combinations; ", " trials with the fix, "):
        assert said in text
    card.get_by_text("Code before and after").click()
    assert "asyncio.run(ask(client, question))" in card.locator("pre").first.inner_text()
    card.get_by_role("button", name="Show its combinations").click()
    assert page.get_by_label("Fix", exact=True).input_value() == "never-close"
    assert shown(page) == 3


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS)
def test_axe_finds_nothing_wrong(visit: Open, sample: Run, width: int, scheme: str) -> None:
    page = visit(sample, width=width, scheme=scheme)
    page.get_by_text("All events as a list").click()
    page.evaluate(
        "document.querySelectorAll('.cards details, #fixes details').forEach((each) => { each.open = true; })"
    )
    assert violations(page) == []
    page.locator(".cell.v-no-effect").first.click()
    assert violations(page) == []


def test_without_its_script_it_still_tells_the_most_important(visit: Open, sample: Run) -> None:
    page = visit(sample, script=False)
    text = page.locator("body").inner_text()
    assert "context-manager" in text
    assert "need JavaScript, which is disabled" in text
    assert page.locator(".interval").count() > 0


def test_what_came_from_a_run_is_text(
    visit: Open, trial: Callable[..., Trial], run_of: Callable[..., Run], sample: Run
) -> None:
    where = Environment(MARKUP, MARKUP, packages={"openai": MARKUP, "httpx": MARKUP})
    cell = {"environment": where, "scenario": MARKUP, "provider": MARKUP}
    baseline = trial("none", "raised", evidence=MARKUP + "x" * 10_000_000, instrumented=True, **cell)
    fixed = trial(MARKUP, "none", evidence=None, **cell)
    broken = trial("runner", status="broken", reason=MARKUP, **cell)
    ((_, events),) = sample.timelines.items()
    told = tuple(replace(event, name=MARKUP, detail=MARKUP, thread=MARKUP) for event in events)
    run = run_of(
        [baseline, fixed, broken], started=MARKUP, machine=Machine(MARKUP, 2, MARKUP), profile=MARKUP, command=(MARKUP,)
    )

    page = visit(replace(run, timelines={baseline.key: told}, warnings=(MARKUP,)))
    page.locator(".cell").first.click()

    assert MARKUP in page.get_by_role("dialog").locator("pre").first.inner_text()
    assert page.locator("script").count() == 2
    assert page.locator("img").count() == 0
    assert page.evaluate("window.pwned") is None


def test_a_run_in_which_nothing_ran_is_a_page_too(visit: Open, run_of: Callable[..., Run]) -> None:
    page = visit(run_of([]))
    assert "Nothing ran" in page.locator("body").inner_text()
    assert violations(page) == []
