"""Every format from one view: the table of formats, the summary's form, the page's size, and the screen."""

from __future__ import annotations

import ast
import io
import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from markdown_it import MarkdownIt
from markupsafe import escape
from rich.console import Console

import diagnostics.report
from diagnostics.explain import essence
from diagnostics.model.cell import Environment
from diagnostics.model.machine import Machine
from diagnostics.model.placeholders import PRIVACY
from diagnostics.model.trial import Trial
from diagnostics.model.words import VERDICTS
from diagnostics.redaction import Secrets
from diagnostics.report.formats import markdown, summary, text
from diagnostics.report.formats.registry import FORMATS, write_reports
from diagnostics.report.markup.truncate import LIMIT
from diagnostics.report.page.data import page_data
from diagnostics.report.view.build import build_view
from diagnostics.report.view.rates import why_enough
from diagnostics.report.view.view_models import View
from diagnostics.runs.records import EnvironmentRow, Run

HOSTILE = 'x|y`z\n```mermaid\n</details><img src=q onerror=1> ![a](http://b) [c](d) @someone #12 ~~~ <!-- \x1b[31m "'


@pytest.fixture(scope="module")
def view(sample: Run) -> View:
    return build_view(sample, Secrets(), {"context-manager": "a new pool for each run"})


def test_the_table_of_formats_and_the_folder_agree() -> None:
    folder = Path(diagnostics.report.__file__).parent
    renderers = set()
    for path in folder.rglob("*.py"):
        functions = [node.name for node in ast.parse(path.read_text()).body if isinstance(node, ast.FunctionDef)]
        renderers |= {path.stem} if "render" in functions else set()
    assert renderers == {row.render.__module__.rpartition(".")[2] for row in FORMATS.values()}
    assert len(renderers) == len(FORMATS)


def test_every_format_has_a_file_or_a_screen() -> None:
    assert all((row.file_name is None) == (row.show is not None) for row in FORMATS.values())
    assert all(row.what for row in FORMATS.values())


def test_the_summary_has_exactly_the_form_of_the_design(view: View) -> None:
    data = json.loads(summary.render(view))
    assert list(data)[:3] == ["schema", "environments", "verdicts"]
    assert data["schema"] == "diagnostics.summary/2"
    assert list(data["environments"][0])[:5] == ["name", "status", "reason", "python", "packages"]
    named = ["environment", "provider", "scenario", "fix", "verdict", "baseline", "symptom", "trials", "cost"]
    costs = ["connections_per_call", "requests_per_call", "time_ratio", "fds_left", "threads_left"]
    for verdict in data["verdicts"]:
        assert list(verdict)[:9] == named
        assert list(verdict["cost"])[:5] == costs
        assert verdict["verdict"] in VERDICTS
        assert verdict["fix"] != "none"


def test_the_summary_holds_every_verdict_and_everything_that_gave_none(view: View) -> None:
    data = json.loads(summary.render(view))
    results = [result for subject in view.subjects for result in subject.fixes]
    assert len(data["verdicts"]) + len(data["not_run"]) == len(results)
    assert len(data["baselines"]) == len(view.subjects)


def test_the_same_records_give_the_same_bytes(sample: Run) -> None:
    for row in FORMATS.values():
        if not row.on_request:
            assert row.render(build_view(sample, Secrets())) == row.render(build_view(sample, Secrets()))


def test_the_legend_explains_signs_only_where_the_table_has_them(view: View) -> None:
    written = text.render(view)
    assert "| removes " in written
    assert "✓" not in written
    narrow = io.StringIO()
    text.print_summary(view, Console(file=narrow, no_color=True, force_terminal=True, width=30, legacy_windows=False))
    assert "✓" in narrow.getvalue()


def test_the_page_opens_with_what_was_found(view: View) -> None:
    top = markdown.render(view).splitlines()[:8]
    assert top[2].startswith("- **Reproduced:** in 3 of 3 environments, 8 of 9 combinations")
    assert top[3].startswith("- **Removed by:** `context-manager`")
    assert "(in every combination that has the error, up to 8); in part by " in top[3]
    assert "`background-loop` 5 of 8 (not in `fork`)" in top[3]
    assert top[4] == "- **Only hidden by:** `never-close` (8 of 8, up to 9 descriptors left open)."
    assert "`instance-loop`" in top[5]
    assert "`openai 3.54.0 (httpx2 2.16.2)` reproduces it in 2 of 3 scenarios" in top[6]


def test_the_page_says_what_was_not_possible_and_how_to_go_on(view: View) -> None:
    page = markdown.render(view)
    for said in (
        "no python3.15 on this machine",
        "has no aiohttp transport",
        "nox -s repro",
        "a new pool for each run",
    ):
        assert said in page
    assert "left out" not in page.replace("Nothing is left out", "")


def test_an_unfinished_run_and_a_cut_off_file_say_so(sample: Run) -> None:
    run = replace(sample, meta=replace(sample.meta, finished=None), warnings=("1 line left out",))
    page = markdown.render(build_view(run, Secrets()))
    assert "This run did not finish" in page
    assert "1 line left out" in page


def test_a_run_in_which_nothing_ran_is_a_page_too(run_of: Callable[..., Run]) -> None:
    row = EnvironmentRow("gone", "gone", "unavailable", "no python3.15", "3.15", {})
    for run in (run_of([]), run_of([], (row,))):
        view = build_view(run, Secrets())
        assert "Nothing ran" in markdown.render(view)
        assert "Nothing ran" in text.render(view)
        assert json.loads(summary.render(view))["verdicts"] == []


def _large(trial: Callable[..., Trial], env: Callable[..., Environment], text: str) -> list[Trial]:
    """Five thousand trials of which no two environments agree."""
    environments = [env(f"1.{number}.0", "httpx", "0.28.1") for number in range(20)]
    symptoms = ("none", "logged", "raised", "retried", "hang")
    trials = []
    for number in range(5_000):
        at, rest = divmod(number, 250)
        scenario, fix = divmod(rest, 10)
        name = f"fix-{fix}" if fix else "none"
        where = {"environment": environments[at], "scenario": f"scenario-{scenario}{text[:40]}"}
        where["provider"] = f"provider-{scenario % 5}"
        if fix == 9:
            trials.append(trial(name, status="incompatible", reason=f"{number} {text}", **where))
        else:
            symptom = symptoms[(number * 7 + at) % 5]
            trials.append(trial(name, symptom, evidence=f"{number} {text * 20}", **where))
    return trials


@pytest.mark.slow
@pytest.mark.parametrize("text", ["plain words", HOSTILE])
def test_the_page_keeps_its_size_and_names_where_the_rest_is(
    trial: Callable[..., Trial], env: Callable[..., Environment], run_of: Callable[..., Run], text: str
) -> None:
    view = build_view(run_of(_large(trial, env, text)), Secrets())
    page = markdown.render(view)
    assert len(page) < LIMIT == 60_000
    assert "left out to keep this page short; all of it is in `summary.json`" in page
    _check_folds(page)
    assert "## How to run it again" in page
    assert "## What each fix costs" in page
    assert len(json.loads(summary.render(view))["verdicts"]) == 20 * 25 * 8


def test_nothing_of_a_run_becomes_markup(trial: Callable[..., Trial], run_of: Callable[..., Run]) -> None:
    where = Environment(HOSTILE, HOSTILE, packages={"openai": HOSTILE, "httpx": HOSTILE, HOSTILE: HOSTILE})
    other = Environment("fine", HOSTILE, packages={"openai": "1.0", "httpx": "0.28"})
    cell = {"provider": "openai", "scenario": HOSTILE, "evidence": HOSTILE}
    trials = [
        trial("none", "logged", environment=where, **cell),
        trial("none", "none", environment=other, **cell),
        trial(HOSTILE, "raised", environment=where, **cell),
        trial("runner", environment=where, provider=HOSTILE, scenario=HOSTILE, status="broken", reason=HOSTILE),
    ]
    row = EnvironmentRow(HOSTILE + "2", HOSTILE, "unavailable", HOSTILE, HOSTILE, {})
    words = {"started": HOSTILE, "machine": Machine(HOSTILE, 2, HOSTILE), "profile": HOSTILE, "command": (HOSTILE,)}
    run = replace(run_of(trials, (row,), **words), warnings=(HOSTILE,))
    page = markdown.render(build_view(run, Secrets(), {HOSTILE: HOSTILE}))
    tokens = MarkdownIt("commonmark").enable("table").parse(page)
    assert {token.info for token in tokens if token.type == "fence"} == {"text", "python"}
    _check_folds(page)
    children = [child for token in tokens for child in token.children or []]
    assert not [child for child in children if child.type == "image"]
    assert {child.attrGet("href") for child in children if child.type == "link_open"} == {PRIVACY}
    tags = {child.content for child in children if child.type == "html_inline"}
    assert tags <= {"<code>", "</code>", "<br>"}
    assert "\x1b" not in page
    prose = _outside_code(page)
    assert "Reproduced" in prose
    assert "@someone" not in prose, "GitHub looks for people and issues in whatever is not code"


def _check_folds(page: str) -> None:
    """Every folded block is opened and closed once, and there is no other block of HTML."""
    tokens = MarkdownIt("commonmark").enable("table").parse(page)
    blocks = [token.content.strip() for token in tokens if token.type == "html_block"]
    assert blocks
    assert all(block.startswith("<details><summary>") for block in blocks[::2])
    assert all(block == "</details>" for block in blocks[1::2])
    assert len(blocks) % 2 == 0


def _outside_code(page: str) -> str:
    """The text of a page that is neither in a block of code nor in inline code."""
    kept = []
    for token in MarkdownIt("commonmark").enable("table").parse(page):
        inside = False
        for child in token.children or []:
            inside = child.content == "<code>" if child.type == "html_inline" else inside
            if not inside and child.type != "code_inline":
                kept.append(child.content)
    return "".join(kept)


def test_every_table_row_has_as_many_cells_as_its_head(view: View) -> None:
    widths: list[int] = []
    for line in markdown.render(view).splitlines():
        if line.startswith("|"):
            widths.append(line.count("|"))
        else:
            assert len(set(widths)) <= 1
            widths = []


def test_the_screen_shows_which_fix_removes_it_where(view: View) -> None:
    shown = text.render(view)
    assert shown.startswith("Reproduced: in 3 of 3 environments")
    (line,) = [line for line in shown.splitlines() if line.startswith("| never-close")]
    assert line.split("|")[2].strip() == "hides 6"
    assert "\x1b" not in shown


def _screen(view: View, environ: dict[str, str]) -> str:
    out = io.StringIO()
    text.print_summary(view, Console(file=out, force_terminal=True, width=140, _environ={"TERM": "xterm", **environ}))
    return out.getvalue()


def test_a_terminal_gets_colour_unless_it_is_not_wanted(view: View) -> None:
    assert "\x1b[32m" in _screen(view, {})
    assert "\x1b[32m" not in _screen(view, {"NO_COLOR": "1"})


def test_no_escape_sequence_of_a_run_reaches_the_screen(
    trial: Callable[..., Trial], run_of: Callable[..., Run]
) -> None:
    trials = [trial(fix, "logged", scenario=HOSTILE, provider=HOSTILE) for fix in ("none", HOSTILE)]
    assert "\x1b" not in text.render(build_view(run_of(trials), Secrets()))


@pytest.mark.parametrize(
    ("recovers", "seen"),
    [([True, True], "raised (recovers)"), ([False], "raised (does not recover)"), ([True, False], "raised")],
)
def test_every_report_says_whether_the_program_recovers(
    trial: Callable[..., Trial], run_of: Callable[..., Run], recovers: list[bool], seen: str
) -> None:
    trials = [trial("none", "raised", trial=number, recovers=each) for number, each in enumerate(recovers)]
    view = build_view(run_of([*trials, trial("runner")]), Secrets())
    assert f"scenario: {seen} 1." in text.render(view)
    page = markdown.render(view)
    assert f"| `repeated-run` | {seen} 1 |" in page
    assert f"| `repeated-run` | {seen} | E1 |" in page
    assert page_data(view)["rows"][0]["cells"][0].get("re", "") in seen


def test_reports_are_written_whole_and_leave_nothing_else(view: View, tmp_path: Path) -> None:
    (tmp_path / "report.md").write_text("old", encoding="utf-8")
    paths = write_reports(view, tmp_path)
    names = {"report.html", "report.md", "summary.json"}
    assert {path.name for path in paths} == names == {path.name for path in tmp_path.iterdir()}
    assert (tmp_path / "report.md").read_text(encoding="utf-8") == markdown.render(view)


def test_half_a_character_in_the_evidence_is_written_all_the_same(
    trial: Callable[..., Trial], run_of: Callable[..., Run], tmp_path: Path
) -> None:
    view = build_view(run_of([trial("none", "logged", scenario="\udcff", evidence="\udcff")]), Secrets())
    write_reports(view, tmp_path)
    assert json.loads((tmp_path / "summary.json").read_text(encoding="utf-8"))["baselines"][0]["scenario"] == "\udcff"


@pytest.mark.parametrize("width", [80, 60])
def test_the_table_on_the_screen_fits_a_narrow_terminal(view: View, width: int) -> None:
    out = io.StringIO()
    text.print_summary(view, Console(file=out, force_terminal=True, no_color=True, width=width, _environ={}))
    rows = [line for line in re.sub("\x1b\\[[0-9;]*m", "", out.getvalue()).splitlines() if "│" in line]
    assert max(map(len, rows)) <= width
    assert {fix for fix in view.fixes if not any(fix in row for row in rows)} == set()
    assert "…" not in "".join(rows)
    assert ("✓" in "".join(rows)) is (width < 80)


def test_each_report_says_how_many_trials_a_verdict_rests_on_and_why_they_are_enough(view: View) -> None:
    why = why_enough(view.subjects)
    assert why.startswith("Each verdict compares ")
    assert {name for name in ("markdown", "text", "html") if why not in str(FORMATS[name].render(view))} == set()
    result = next(result for subject in view.subjects for result in subject.fixes if result.verdict == "removes")
    assert f"✅ ×{result.ran}" in markdown.render(view)


def test_each_fix_is_shown_as_code(view: View) -> None:
    page = str(FORMATS["html"].render(view))
    for fix in view.fixes:
        assert essence(fix) in markdown.render(view)
        assert str(escape(essence(fix))) in page
    assert essence("../__init__") == ""
