"""`python -m diagnostics jets` as a person starts it."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from diagnostics.cli import app
from diagnostics.experiment.fixes import FIXES
from diagnostics.jets.analysis import OWN
from diagnostics.jets.data import constituents, load
from diagnostics.jets.prompt import compose
from diagnostics.jets.templates import TEMPLATES
from diagnostics.lab.server import Faults, ProviderServer, jet_classifier

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

# Whether a loop gets the id of a freed one, and so a client that may fail, is chance.
STRATEGIES = [OWN, *(name for name in FIXES if name not in ("aiohttp-transport", "loop-id-cache"))]
JETS = 8
UNSTEADY = Faults(status=((500, 429) + (200,) * 20) * 100, retry_after=0.005, latency=0.001, reset=1)


@pytest.fixture(scope="module")
def unsteady() -> Iterator[ProviderServer]:
    with ProviderServer(faults=UNSTEADY) as server:
        yield server


def jets(folder: Path, *options: str, variables: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("OPENAI", "SSL"))}
    return subprocess.run(
        [sys.executable, "-m", "diagnostics", "jets", *options],
        cwd=folder,
        env={
            **clean,
            "TMPDIR": str(folder / "tmp"),
            "NO_COLOR": "1",
            "PYTHONDONTWRITEBYTECODE": "",
            **(variables or {}),
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )


@pytest.mark.parametrize("steady", [True, False], ids=["steady", "unsteady"])
def test_every_strategy_gives_every_jet_its_one_answer_whatever_goes_wrong(
    tmp_path: Path, unsteady: ProviderServer, steady: bool
) -> None:
    (tmp_path / "tmp").mkdir()
    url = ("--base-url", f"{unsteady.url}/openai/v1", "--model", "jet-classifier", "--concurrency", "3")
    done = jets(
        tmp_path,
        *(part for name in STRATEGIES for part in ("--strategy", name)),
        *("--jets", str(JETS), "--efforts", "low", "--retries", "6", "--csv", "rows.csv", "--answers", "answers.csv"),
        *(() if steady else url),
        variables={} if steady else {"SSL_CERT_FILE": str(unsteady.ca_file)},
    )
    assert "accuracy and ROC AUC are the same under every strategy" in done.stdout, done.stdout + done.stderr
    assert done.stderr == ""
    assert done.returncode == 66, "the baseline leaves its clients open"
    said = {line.partition(":")[0]: line for line in done.stdout.splitlines() if "the sanitizer found" in line}
    assert list(said) == STRATEGIES
    for name in (OWN, "context-manager", "sync-client"):
        assert said[name].endswith("the sanitizer found nothing")
    for name in ("none", "instance-loop", "never-close"):
        assert "client-left-open" in said[name]
    if steady:
        assert all(f"{2 * JETS} calls, {2 * JETS} answers, {2 * JETS} requests" in line for line in said.values())
    with (tmp_path / "rows.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [(row["strategy"], row["template"]) for row in rows] == [
        (strategy, template) for strategy in STRATEGIES for template in ("simple_list", "jet_summary")
    ]
    assert len({(row["jets"], row["answered"], row["accuracy"], row["roc_auc"]) for row in rows}) == 1
    with (tmp_path / "answers.csv").open() as file:
        answers = [
            (each["strategy"], each["template"], each["jet"], each["probability_quark"])
            for each in csv.DictReader(file)
        ]
    prompts = {name: [compose(TEMPLATES[name], constituents(jet)) for jet in load(jets=JETS).X] for name in TEMPLATES}
    assert answers == [
        (strategy, template, str(jet), jet_classifier.reply(prompts[template][jet], 0).split()[1])
        for strategy in STRATEGIES
        for template in ("simple_list", "jet_summary")
        for jet in range(JETS)
    ]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["answers.csv", "rows.csv", "tmp"]
    assert list((tmp_path / "tmp").iterdir()) == []


@pytest.mark.parametrize(
    ("options", "status", "said"),
    [
        (("--strategy", "hope"), 2, "unknown strategy 'hope'; choose from classifier, none, "),
        (("--templates", "simple_list,prose"), 2, "unknown template 'prose'; choose from simple_list, "),
        (("--efforts", ""), 2, "unknown effort ''; choose from low, medium, high"),
        (("--csv", "."), 2, ". is a folder; name a file"),
        (("--data", "none.npz"), 1, "there is no file none.npz; leave it out "),
        (("--jets", "1001"), 1, "holds 1000 jets, which is less than 1001"),
    ],
)
def test_what_cannot_be_done_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...], status: int, said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(app, ["jets", *options])
    assert done.exit_code == status, done.output
    assert done.stdout == ""
    line, *hint = done.stderr.splitlines()
    assert line.startswith("error: ")
    assert said in line
    assert hint == (["Try 'python -m diagnostics jets --help'."] if status == 2 else [])


def test_a_strategy_that_these_packages_cannot_play_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "tmp").mkdir()
    done = jets(tmp_path, "--strategy", "aiohttp-transport")  # a process of its own: the plan's program leaves its loop
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert "aiohttp is not installed" in done.stderr


def test_an_endpoint_that_is_not_there_leaves_every_figure_open(monkeypatch: pytest.MonkeyPatch) -> None:
    options = ("--base-url", "http://localhost:1/v1", "--retries", "0", "--jets", "3", "--efforts", "low")
    done = CliRunner().invoke(app, ["jets", *options])
    assert done.exit_code == 1
    assert done.stdout.count("cannot tell") == 4
    assert "2 raised, the first: openai.APIConnectionError" in done.stdout
