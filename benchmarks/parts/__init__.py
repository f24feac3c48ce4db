"""The measurements: one file and one row each. Nothing here is a test."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from benchmarks.figures import Bench, Figure
from benchmarks.parts import (
    bisect,
    blame,
    bridges,
    chaos,
    check,
    fix,
    footprint,
    fork_server,
    killed_runs,
    libraries,
    machines,
    memory,
    page,
    reports,
    requests,
    sanitizer,
    scale,
    unchanged,
    whole_run,
)


@dataclass(frozen=True)
class BenchmarkPart:
    """One measurement: what it asks, and how to find out."""

    question: str
    measure: Callable[[Bench], list[Figure]]


PARTS: Final[dict[str, BenchmarkPart]] = {
    "fork-server": BenchmarkPart(
        "how much faster is a forked trial than one in a new interpreter?", fork_server.measure
    ),
    "sanitizer": BenchmarkPart("what does the sanitizer cost a program?", sanitizer.measure),
    "requests": BenchmarkPart("what does the sanitizer add to a request of each client library?", requests.measure),
    "libraries": BenchmarkPart("what does it add to other libraries of asyncio?", libraries.measure),
    "footprint": BenchmarkPart("how much does the sanitizer hold, and how soon is it there?", footprint.measure),
    "blame": BenchmarkPart("whom does each tool blame for a client that a test leaves open?", blame.measure),
    "unchanged": BenchmarkPart("does the sanitizer change what a program does?", unchanged.measure),
    "bridges": BenchmarkPart("what does a call cost over each bridge from sync to async code?", bridges.measure),
    "check": BenchmarkPart("which alerts of `check` on packages of the index are right?", check.measure),
    "fix": BenchmarkPart("does a proven patch keep what a program does, and is a wrong one rejected?", fix.measure),
    "bisect": BenchmarkPart("what does a look at a release cost a bisection?", bisect.measure),
    "memory": BenchmarkPart("does the host stay flat from 100 to 10,000 trials?", memory.measure),
    "killed-runs": BenchmarkPart("does `kill -9` of a run lose a trial, or leave a process?", killed_runs.measure),
    "chaos": BenchmarkPart("does a verdict come from what a run has lost?", chaos.measure),
    "machines": BenchmarkPart("does losing workers of a cluster lose a trial?", machines.measure),
    "scale": BenchmarkPart("how long would a million cells take, and what breaks first?", scale.measure),
    "page": BenchmarkPart("how long does the page of 5,000 cells take to write, to open, to filter?", page.measure),
    "reports": BenchmarkPart("what do all formats of a run of 5,000 trials cost?", reports.measure),
    "whole-run": BenchmarkPart("how long is the default run, and how much of it is trials?", whole_run.measure),
}
