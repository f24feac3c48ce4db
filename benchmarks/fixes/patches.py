"""Changes that must be rejected, and some that must be accepted: what `prove --before A --after B` is measured on.

patches/NAME/patch.toml   the program before, where the change was proposed in public, why it is wrong
patches/NAME/*.py         the changed files
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import tomllib

from benchmarks.fixes.corpus import Program, texts

PATCHES: Final = Path(__file__).with_name("patches")
RIGHT: Final = (
    "groq_runs",
    "pr_bolna_tasks",
    "pr_curator_batch",
    "pr_langchain_cache",
    "pr_skypilot_engine",
    "pr_texttunnel_finally",
    "queue_module",
    "redis_module",
)
"""Programs whose right fix by hand `prove` must accept."""


@dataclass(frozen=True)
class Patch:
    """A change of a program.

    Attributes:
        reason: why it is wrong, as a person needs it; empty for one that is right.
        files: the files that it changes.
    """

    name: str
    before: Program
    files: Mapping[str, str]
    source: str
    reason: str = ""


def wrong(programs: Sequence[Program]) -> list[Patch]:
    """Returns the wrong changes of programs."""
    by_name = {program.name: program for program in programs}
    found = []
    for path in sorted(PATCHES.glob("*/patch.toml")):
        words = tomllib.loads(path.read_text(encoding="utf-8"))
        before = by_name[words.pop("before")]
        found.append(Patch(path.parent.name, before, texts(path.parent), **words))
    return found


def right(programs: Sequence[Program]) -> list[Patch]:
    """Returns right changes of programs."""
    return [Patch(each.name, each, each.right, each.source) for each in programs if each.name in RIGHT]
