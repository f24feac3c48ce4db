"""`run --live`: prints each root cause while the program runs.

The supervisor reads what was appended to the journal. The program does nothing for it.
"""

from __future__ import annotations

import threading
import time
from typing import Final

from diagnostics.model.codec import encode
from diagnostics.sanitizer.analyze.news import News, Novelty, certain
from diagnostics.sanitizer.analyze.recorded import JournalReader
from diagnostics.sanitizer.output import full_text, stderr
from diagnostics.sanitizer.output.drawing import Style, style
from diagnostics.sanitizer.output.formats import LIVE
from diagnostics.sanitizer.output.json_document import document
from diagnostics.sanitizer.output.redact import redact
from diagnostics.sanitizer.output.text import render, worse
from diagnostics.sanitizer.process.reporter import ReportSettings, grouped

INTERVAL: Final = 0.25
"""Seconds between two looks at the size of the journal."""

_SHARE: Final = 20
"""How much longer than an evaluation the next one waits, so that a program with many findings keeps its CPU."""


class Live(threading.Thread):
    """Follows a journal.

    Args:
        journal: its path.
        settings: the report settings.
    """

    def __init__(self, journal: str, settings: ReportSettings) -> None:
        super().__init__(name="diagnostics-live", daemon=True)
        self._stream = open(journal, "rb", buffering=0)  # noqa: SIM115 - closed in `finish`
        self._settings = settings
        self._reader = JournalReader()
        self._news = News()
        self._ended = threading.Event()

    def run(self) -> None:
        """Prints what is new until `finish` is called."""
        try:
            self._follow()
        except Exception as error:
            what = f"{type(error).__name__}: {error}"
            stderr.write(f"diagnostics: --live stops, and the report follows at the end: {what}\n")

    def _follow(self) -> None:
        pause = INTERVAL
        while not self._ended.wait(pause):
            if data := self._stream.read():
                began = time.monotonic()
                self._reader.feed(data)
                self._report()
                pause = max(INTERVAL, _SHARE * (time.monotonic() - began))

    def finish(self) -> None:
        """Waits for what is being printed. The report of the run follows."""
        self._ended.set()
        self.join()
        self._stream.close()

    def _report(self) -> None:
        look = style(self._settings.color)
        for process in self._reader.processes:
            report = grouped(process, certain(process.facts.values()), self._settings)
            news = list(self._news.of(report))
            if self._settings.format in LIVE:
                data = document(process, report, exit_code=None, blind_spots=())
                data["root_causes"] = [encode(novelty.cause) for novelty in news]
                stderr.write(LIVE[self._settings.format](redact(data)))
            else:
                stderr.write("".join(self._text(novelty, look) for novelty in news))

    def _text(self, novelty: Novelty, look: Style) -> str:
        if novelty.before is not None:
            return worse(novelty.cause, novelty.before, look)
        if self._settings.full:
            return full_text.render(novelty.findings)
        return render([novelty.cause], novelty.findings, look)
