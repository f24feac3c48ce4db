"""What trials need of this machine: a server, a certificate, folders, an environment, room on the disk.

A program fails when it loses one of them, and that looks like the error under test. So an outcome counts only while all
of them are there. After a loss it is the harness's own, whatever it looks like.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Final

from diagnostics.lab.server import ProviderServer

ROOM: Final = 64 * 1024
"""Bytes that can be written beside a trial's files, or its output and its result may be incomplete."""


class Essentials:
    """What the trials of one worker need.

    Args:
        server: receives their calls.
        folder: holds their files.
        files: what they run: interpreter, packages, staged code.
    """

    def __init__(self, server: ProviderServer, folder: Path, files: Iterable[Path]) -> None:
        self._server = server
        self._folder = folder
        self._files = tuple(files)
        self._folders = {file.parent for file in self._files}
        self._seen: dict[Path, int | None] = {}

    def lost(self) -> str | None:
        """Returns what is no longer there, as a sentence; `None` if everything is."""
        return self._server.lost() or self._missing() or self._no_room()

    def _missing(self) -> str | None:
        """A file cannot be removed without a change of its folder, so files are looked for only after one."""
        changed = {folder: _changed(folder) for folder in self._folders}
        if changed == self._seen:
            return None
        for file in self._files:
            if not file.exists():
                return f"{file} was removed while trials needed it"
        self._seen = changed
        return None

    def _no_room(self) -> str | None:
        file = self._folder / "room"
        try:
            file.write_bytes(bytes(ROOM))
            file.unlink()
        except FileNotFoundError:
            return f"{self._folder} was removed while trials needed it"
        except OSError as error:
            return f"{self._folder} cannot be written while trials need it ({error.strerror})"
        return None


def _changed(folder: Path) -> int | None:
    try:
        return folder.stat().st_mtime_ns
    except OSError:
        return None
