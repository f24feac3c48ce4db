"""The programs: what is in a folder of `programs/`, and the correct twins.

    programs/NAME/program.toml   source, fault, kinds, command, server, and the hidden test `[test]`
    programs/NAME/*.py           the program, as a person writes it
    programs/NAME/right/*.py     where there is one: the files that a right fix by hand changes
    programs/NAME/hidden/*.py    where there is one: scripts of the hidden test that import the program

`fix` never sees `program.toml`, `right` and `hidden`. A program with `right` has a twin, `NAME-right`, which must stay
as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import tomllib

PROGRAMS: Final = Path(__file__).with_name("programs")
FAULTS: Final = ("first-party", "third-party", "none")
SERVERS: Final = ("", "postgresql", "redis")


@dataclass(frozen=True)
class HiddenTest:
    """What a program must still do after a fix.

    Attributes:
        output: the lines of standard output; lines that begin with `~` are parts of some line.
        requests: what reaches the service, as `POST /v1/chat/completions hi`.
        unordered: whether neither of them has an order.
        names: functions that can still be called as before, as `async app.ask(text)` or `app.Store.get(self, key)`.
        again: other arguments of the command, with the output and requests that they lead to.
        scripts: files that import the program, and must end with status 0.
    """

    output: tuple[str, ...] = ()
    requests: tuple[str, ...] = ()
    unordered: bool = False
    names: tuple[str, ...] = ()
    again: tuple[Mapping[str, Any], ...] = ()
    scripts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Program:
    """One program.

    Attributes:
        source: a public address, or a sentence.
        fault: in `FAULTS`.
        kinds: root causes, of which the sanitizer reports one; none without a fault.
        command: what follows the interpreter.
        files: path relative to its folder -> text.
        right: the files that a right fix changes; empty where nobody wrote one.
        server: a database that it needs, in `SERVERS`.
    """

    name: str
    source: str
    fault: str
    kinds: tuple[str, ...]
    command: tuple[str, ...]
    files: Mapping[str, str]
    right: Mapping[str, str]
    test: HiddenTest
    server: str = ""

    def write(self, folder: Path, changed: Mapping[str, str] | None = None) -> Path:
        """Writes the program, with changed files in the place of its own; returns the folder."""
        for name, text in {**self.files, **(changed or {})}.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text, encoding="utf-8")
        return folder

    def twin(self) -> Program:
        """Returns the program with the right fix."""
        return replace(self, name=f"{self.name}-right", fault="none", kinds=(), files={**self.files, **self.right})


def written() -> list[Program]:
    """Returns the programs that people wrote, by name."""
    return [read(path.parent) for path in sorted(PROGRAMS.glob("*/program.toml"))]


def with_twins(programs: list[Program]) -> list[Program]:
    """Returns programs, each followed by its correct twin."""
    return [each for program in programs for each in ((program, program.twin()) if program.right else (program,))]


def read(folder: Path) -> Program:
    """Reads one program.

    Raises:
        TypeError: the metadata has a key that is not known, or lacks one.
    """
    words: dict[str, Any] = tomllib.loads((folder / "program.toml").read_text(encoding="utf-8"))
    test: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value for key, value in words.pop("test").items()
    }
    words |= {key: tuple(words[key]) for key in ("kinds", "command")}
    parts: dict[str, Any] = {**words, "test": HiddenTest(**test, scripts=texts(folder / "hidden"))}
    return Program(folder.name, files=texts(folder), right=texts(folder / "right"), **parts)


def texts(folder: Path) -> dict[str, str]:
    """Returns the Python files of a folder and of its packages, without those that `fix` must not see."""
    found = sorted(path.relative_to(folder) for path in folder.rglob("*.py"))
    return {str(path): (folder / path).read_text("utf-8") for path in found if path.parts[0] not in ("right", "hidden")}
