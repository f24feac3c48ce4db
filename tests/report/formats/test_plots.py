"""The plots: what they say, that they are pictures, and what is said where they cannot be drawn."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from xml.etree import ElementTree

import pytest

from diagnostics.extras import install
from diagnostics.model.trial import Trial
from diagnostics.redaction import Secrets
from diagnostics.report.formats import drawing, plots
from diagnostics.report.formats.registry import write_reports
from diagnostics.report.page.data import VERDICT_COLOURS
from diagnostics.report.view.build import build_view
from diagnostics.report.view.tally import columns, tally
from diagnostics.report.view.view_models import View
from diagnostics.runs.records import Run, Sweep

pytestmark = pytest.mark.slow
HOSTILE = "</text><script>alert(1)</script>&"


@pytest.fixture(scope="module")
def view(sample: Run) -> View:
    return build_view(sample, Secrets())


def test_the_plot_shows_the_counts_of_every_verdict_in_the_colours_of_the_page(view: View) -> None:
    (bars,) = plots.charts(view)["verdicts"].to_dict()["datasets"].values()
    counted = {
        (column, fix, word): count
        for column, found in columns(view.subjects).items()
        for fix in view.fixes
        for word, count in tally(found, fix).by_verdict.items()
    }
    assert {(bar["client"], bar["fix"], bar["verdict"]): bar["count"] for bar in bars} == counted
    assert len({(client, fix) for client, fix, _ in counted}) < len(counted)  # a mixed cell is not of one colour
    style = files("diagnostics.report.page").joinpath("templates/page.css").read_text("utf-8")
    assert {colour for colour in VERDICT_COLOURS.values() if f"-deep: light-dark({colour}" not in style} == set()


def test_each_plot_is_a_picture_of_either_kind(view: View, tmp_path: Path) -> None:
    paths = write_reports(view, tmp_path, ["png", "svg"])
    names = {f"{name}.{kind}" for name in ("verdicts", "rates", "costs") for kind in ("png", "svg")}
    assert {path.name for path in paths} == names == {path.name for path in (tmp_path / "plots").iterdir()}
    for path in paths:
        if path.suffix == ".png":
            assert path.read_bytes().startswith(b"\x89PNG")
    words = " ".join(ElementTree.parse(tmp_path / "plots" / "verdicts.svg").getroot().itertext())
    for said in ("never-close", "openai · httpx2", "hides 2", "no effect"):
        assert said in words


def test_the_same_records_give_the_same_picture(view: View) -> None:
    assert drawing.draw(view, "svg") == drawing.draw(view, "svg")


def test_what_came_from_a_run_is_text(trial: Callable[..., Trial], run_of: Callable[..., Run]) -> None:
    cell = {"scenario": HOSTILE, "provider": HOSTILE}
    hostile = build_view(run_of([trial("none", "raised", **cell), trial(HOSTILE, **cell)]), Secrets())
    for content in drawing.draw(hostile, "svg").values():
        root = ElementTree.fromstring(content)
        assert not [each for each in root.iter() if each.tag.endswith("script")]
        assert HOSTILE in " ".join(root.itertext())


def test_a_sweep_has_a_plot_of_its_own(view: View) -> None:
    swept = View(**{**view.__dict__, "sweeps": (Sweep("calls", "openai", "3.13.0", ((5, 0, 3), (50, 3, 3))),)})
    assert "sweeps" in plots.charts(swept)
    assert "sweeps" not in plots.charts(view)


def test_a_run_in_which_nothing_ran_has_none(run_of: Callable[..., Run]) -> None:
    assert drawing.draw(build_view(run_of([]), Secrets()), "svg") == {}


def test_without_the_libraries_one_line_says_what_to_install(folder: Path) -> None:
    # In an interpreter of its own, in which the library cannot be found.
    program = (
        "import sys; sys.modules['altair'] = None; "
        "from diagnostics.cli import app; app(['report', sys.argv[1], '--format', 'png'])"
    )
    command = [sys.executable, "-c", program, str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert done.stderr == f"error: plots need altair: {install('plots')}\n"
    assert not (folder / "plots").exists()
