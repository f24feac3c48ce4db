"""The entry point of `python -m diagnostics.phaseN`; standard library only, to report a missing installation."""

from __future__ import annotations

import importlib
import platform
import sys

from diagnostics.extras import install
from diagnostics.model.visible import use_any_console


def main(number: int) -> None:
    """Runs a phase with the arguments of the process, and exits with its status."""
    use_any_console()
    try:
        commands = importlib.import_module("diagnostics.phases.command")
        module = importlib.import_module(f"diagnostics.phases.phase{number}")
    except ImportError as missing:
        sys.exit(
            f"error: the phases need Python 3.11 or newer, and this is {platform.python_version()}"
            if sys.version_info < (3, 11)
            else f"error: the phases need the lab ({missing.name} is missing); run: {install('lab')}"
        )
    sys.exit(commands.command(module.PHASE))
