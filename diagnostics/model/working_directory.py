"""The working directory. Imports nothing that a module in it could replace."""

from __future__ import annotations

import os


def working_directory() -> str:
    """Returns its path; empty if it has been deleted."""
    try:
        return os.getcwd()
    except OSError:
        return ""
