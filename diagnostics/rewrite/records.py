"""What `edits` propose and `proof` judges."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

CLOSERS: Final = ("aclose", "close", "stop", "shutdown", "disconnect", "dispose", "unload", "cleanup")
"""Names of methods that close what an object holds; the first that a class has."""


@dataclass(frozen=True)
class Candidate:
    """One way to change a program.

    Attributes:
        fix: the name of the edit, such as `context-manager`.
        summary: what it does, as advice to a person.
        files: the changed and the new files; a path relative to the program's root, with `/`, and the new text.
    """

    fix: str
    summary: str
    files: Mapping[str, str]


@dataclass(frozen=True)
class Misfit:
    """A fix for which there is no candidate.

    Attributes:
        fix: its name.
        why: what it would need.
        near: whether it is for such a root cause, and only this code is in the way.
    """

    fix: str
    why: str
    near: bool


class Source(Protocol):
    """The person's files, which nobody changes."""

    @property
    def root(self) -> Path:
        """The folder that the paths of a candidate start from."""

    def read(self, path: str) -> str:
        """Returns the text of a file.

        Raises:
            OSError: it cannot be read.
            UnicodeDecodeError: it is not text in its own encoding.
        """
