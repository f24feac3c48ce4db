"""Registers the parts of the plugin that this process needs: one records, one reports, or both."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Sequence
from typing import TYPE_CHECKING

import pytest

from diagnostics.pytest_plugin.recording import Recording
from diagnostics.pytest_plugin.reporting import Reporting
from diagnostics.sanitizer.session import uninstall

if TYPE_CHECKING:
    from diagnostics.pytest_plugin.confirming import Confirming
    from diagnostics.sanitizer.analyze.suppressions import Rule

WORKER_FOLDER = "event_loops_folder"
MAX_SECONDS = 24 * 3600
_ALONE = "diagnostics.pytest_plugin.alone"


def start(config: pytest.Config, mode: str, suppressions: Sequence[str]) -> None:
    """Registers the parts.

    Raises:
        pytest.UsageError: a suppression is invalid.
    """
    root = str(config.rootpath)
    worker = getattr(config, "workerinput", None)
    if worker is not None:
        folder = worker.get(WORKER_FOLDER, "")
        if os.path.isdir(folder):  # not on another machine
            config.pluginmanager.register(Recording(_journal(folder), root), "event_loops_recording")
        return
    ignored = _suppressions(config.getoption("event_loops_suppress"), suppressions)
    folder = tempfile.mkdtemp(prefix="event-loops-")
    config.add_cleanup(lambda: shutil.rmtree(folder, ignore_errors=True))
    recording = None
    if getattr(config.option, "dist", "no") == "no":
        recording = Recording(_journal(folder), root)
        config.pluginmanager.register(recording, "event_loops_recording")
    else:
        uninstall()  # the workers of xdist run the tests
        config.pluginmanager.register(_Workers(folder), "event_loops_workers")
    confirming = _confirming(config)
    reporting = Reporting(config, mode, ignored, folder, recording, confirming)
    config.pluginmanager.register(reporting, "event_loops_reporting")


def _confirming(config: pytest.Config) -> Confirming | None:
    if not config.getoption("event_loops_confirm") or config.pluginmanager.hasplugin(_ALONE):
        return None
    from diagnostics.pytest_plugin.confirming import Confirming

    text = config.getini("event_loops_confirm_seconds")
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0
    if not 0 < seconds < MAX_SECONDS:
        raise pytest.UsageError(f"event_loops_confirm_seconds is {text!r}; write a number of seconds above 0")
    confirming = Confirming(config, seconds)
    config.pluginmanager.register(confirming, "event_loops_confirming")
    return confirming


def _suppressions(file: str | None, lines: Sequence[str]) -> list[Rule]:
    if file is None and not lines:
        return []
    from diagnostics.sanitizer.analyze.suppressions import SuppressionError, rules

    where = "event_loops_suppress"
    try:
        found = rules(lines)
        if file is not None:
            where = f"--event-loops-suppress {file}"
            with open(file, encoding="utf-8") as stream:
                found += rules(stream)
    except OSError as error:
        raise pytest.UsageError(f"{where}: cannot read it: {error.strerror}") from None
    except SuppressionError as error:
        raise pytest.UsageError(f"{where}: {error}") from None
    return found


def _journal(folder: str) -> str:
    handle, path = tempfile.mkstemp(dir=folder, suffix=".journal")
    os.close(handle)
    return path


class _Workers:
    """Tells the workers of xdist where to write."""

    def __init__(self, folder: str) -> None:
        self._folder = folder

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: object) -> None:
        """A worker is about to start."""
        node.workerinput[WORKER_FOLDER] = self._folder  # type: ignore[attr-defined]
