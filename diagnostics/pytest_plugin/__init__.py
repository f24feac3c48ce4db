"""The pytest plugin `event_loops`: blames the test or fixture that made what outlives its event loop.

pytest imports this module wherever the distribution is installed. Until somebody asks for the plugin, it does nothing
and imports nothing else of this package. PYTEST_DONT_REWRITE
"""

from __future__ import annotations

from typing import Any

import pytest

MODES = ("off", "report", "error")
_LIST = "event_loops_suppress"


def pytest_addoption(parser: pytest.Parser, pluginmanager: pytest.PytestPluginManager) -> None:
    """Adds the options, and keeps pytest from registering this module a second time, under its other name."""
    for name in ("event_loops", __name__):
        if not pluginmanager.has_plugin(name):
            pluginmanager.set_blocked(name)
    group = parser.getgroup("event loops")
    group.addoption(
        "--event-loops",
        choices=MODES,
        help="report clients and connections that outlive their event loop, with the test that made them;"
        " error: fail because of those that your own code is responsible for (default: ini event_loops, or report with"
        " --event-loops-json or --event-loops-confirm, or off)",
    )
    group.addoption("--event-loops-json", metavar="FILE", help="write the findings to FILE as JSON")
    group.addoption(
        "--event-loops-suppress",
        metavar="FILE",
        help="ignore the findings that FILE lists, one `kind:pattern` per line, for example `*:litellm`",
    )
    group.addoption(
        "--event-loops-confirm",
        action="store_true",
        help="run the tests to blame again at the end, alone and with a test that they hurt, and say whether the root"
        " cause shows there too",
    )
    parser.addini("event_loops", "off, report or error", default="off")
    parser.addini(_LIST, "findings to ignore, as in the file of --event-loops-suppress", type="linelist")
    parser.addini("event_loops_confirm_seconds", "how long a run of --event-loops-confirm may take", default="60")


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """Starts before the first `conftest.py` is imported, because that may create clients."""
    if _mode(early_config, early_config.known_args_namespace) != "off":
        from diagnostics.sanitizer import install, uninstall

        install()
        early_config.add_cleanup(uninstall)


def pytest_configure(config: pytest.Config) -> None:
    """Registers the marker and, if they are asked for, the parts that record and report."""
    config.addinivalue_line(
        "markers",
        "event_loops(allow, reason): findings of these kinds that the test is blamed for are expected",
    )
    mode = _mode(config, config.option)
    if mode == "off":
        return
    from diagnostics.pytest_plugin.starting import start

    start(config, mode, config.getini(_LIST))


def _mode(config: pytest.Config, options: Any) -> str:
    given = getattr(options, "event_loops", None)
    asked = any(getattr(options, name, None) for name in ("event_loops_json", "event_loops_confirm"))
    mode = str(given or config.getini("event_loops"))
    if asked and given is None and mode == "off":
        return "report"
    if mode not in MODES:
        raise pytest.UsageError(f"event_loops is {mode!r}; write one of {', '.join(MODES)}")
    return mode
