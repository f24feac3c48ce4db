"""Runs suites with the plugin as it is where this project is installed."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import tomllib

from benchmarks.blame.suites import Suite

QUIET: Final = ("-q", "-p", "no:cacheprovider")
ASKED: Final = ("--event-loops=report", "--event-loops-json=findings.json")


def run(python: Path, suites: Sequence[Suite], folder: Path, around: dict[str, str], *options: str) -> list[Path]:
    """Runs suites; returns the folder of each, with what was written there."""
    folders = [each.write(folder / str(number)) for number, each in enumerate(suites)]
    for each, there in zip(suites, folders, strict=True):
        (there / "arguments.json").write_text(json.dumps([*QUIET, each.workers, *options]), encoding="utf-8")
    subprocess.run([python, Path(__file__).with_name("warm.py"), *folders], env=around, check=True)
    return folders


def installed(folder: Path) -> Path:
    """Returns a folder that makes pytest find the plugin, as it does where this project is installed."""
    project = Path(__file__).parents[2] / "pyproject.toml"
    entries = tomllib.loads(project.read_text(encoding="utf-8"))["project"]["entry-points"]["pytest11"]
    info = folder / "installed" / "event_loop_diagnostics-0.1.dist-info"
    info.mkdir(parents=True, exist_ok=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: event-loop-diagnostics\nVersion: 0.1\n")
    lines = [f"{name} = {module}" for name, module in entries.items()]
    (info / "entry_points.txt").write_text("\n".join(["[pytest11]", *lines, ""]), encoding="utf-8")
    return info.parent
