"""How a person installs what a command lacks: from the checkout that this is, or from an index."""

from __future__ import annotations

from pathlib import Path

DISTRIBUTION = "event-loop-diagnostics"


def install(extra: str) -> str:
    """The command that installs an extra, such as `lab`."""
    root = Path(__file__).resolve().parents[1]
    if not (root / "pyproject.toml").is_file():
        return f"python3 -m pip install '{DISTRIBUTION}[{extra}]'"
    return f"python3 -m pip install -e '{'.' if Path.cwd() == root else root}[{extra}]'"
