"""Packages of the index: which alerts of `check` are right, by the judgements in `docs/results/check.json`?"""

from __future__ import annotations

import gc
import json
import subprocess
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import uv

from benchmarks.figures import Bench, Figure
from diagnostics.rewrite.rules import RULES
from diagnostics.rewrite.rules.checking import alerts
from diagnostics.rewrite.rules.engine.tree import SourceTree

JUDGEMENTS: Final = Path(__file__).parents[2] / "docs" / "results" / "check.json"
PYTHON: Final = "3.13"


@dataclass(frozen=True)
class ReportedLine:
    """An alert of a package: the rule, and the first line as `path:line` below the package's folder."""

    pin: str
    code: str
    line: str


@dataclass
class PackagesChecked:
    """What `check` reports of the packages of a draw."""

    reported: set[ReportedLine]
    lines: int = 0
    seconds: float = 0.0

    def figures(self, judged: dict[ReportedLine, str]) -> Iterable[tuple[str, str]]:
        """Yields the rows of the table."""
        pairs = [judged.get(each, "") for each in self.reported]
        yield "lines", f"{self.lines:,}"
        yield "CPU seconds for 100,000 lines", f"{self.seconds / max(1, self.lines) * 100_000:.2f}"
        for verdict in ("right", "wrong"):
            yield f"alerts judged {verdict}", str(pairs.count(verdict))
        yield "alerts not judged", str(pairs.count(""))
        yield (
            "judged right and not reported",
            str(sum(verdict == "right" and each not in self.reported for each, verdict in judged.items())),
        )


def measure(bench: Bench) -> list[Figure]:
    """Fetches the packages of the last draw as wheels, checks their source and compares it with the judgements."""
    record = json.loads(JUDGEMENTS.read_text(encoding="utf-8"))
    draw = max(record["packages"], key=int)
    pins = record["packages"][draw][: bench.count(len(record["packages"][draw]))]
    found = PackagesChecked(set())
    for pin in pins:
        check(_fetched(pin, bench.cache / "check" / pin), pin, found)
    judged = {
        ReportedLine(f"{each['package']}=={each['version']}", each["code"], each["line"]): each["verdict"]
        for each in record["alerts"]
        if str(each["draw"]) == draw
    }
    judged = {each: verdict for each, verdict in judged.items() if each.pin in pins}
    for each in sorted(found.reported - set(judged), key=lambda each: (each.pin, each.line)):
        bench.say(f"not judged: {each.pin} {each.line} {each.code}")
    return [Figure("packages", str(len(pins))), *(Figure(what, value) for what, value in found.figures(judged))]


def check(folder: Path, pin: str, found: PackagesChecked) -> None:
    """Adds what `check` reports of a folder, which is read and not imported."""
    gc.collect()  # or the collector walks the trees of the packages before while this one is timed
    start = time.process_time()
    tree = SourceTree([str(folder)])
    for alert in alerts(tree, RULES):
        site = alert.lines[0].site
        found.reported.add(ReportedLine(pin, alert.code, f"{Path(site.file).relative_to(folder)}:{site.line}"))
    found.seconds += time.process_time() - start
    found.lines += sum(Path(file).read_bytes().count(b"\n") for file in tree.files)


def _fetched(pin: str, folder: Path) -> Path:
    if not folder.is_dir():
        part = folder.with_name(f"{folder.name}.part")
        command = [uv.find_uv_bin(), "pip", "install", "--quiet", "--no-deps", "--only-binary", ":all:"]
        subprocess.run([*command, "--python-version", PYTHON, "--target", str(part), pin], check=True)
        part.rename(folder)
    return folder
