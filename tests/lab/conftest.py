"""What tests of whole runs share."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from typer.testing import CliRunner

from diagnostics.cli import app

Refused = Callable[..., tuple[int, str, str]]


@pytest.fixture
def refused() -> Refused:
    """Runs `repro` in this process, where no run begins; returns its status, output and errors."""

    def refused(*arguments: str) -> tuple[int, str, str]:
        result = CliRunner().invoke(app, ["repro", *arguments])
        return result.exit_code, result.stdout, result.stderr

    return refused
