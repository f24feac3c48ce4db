"""The console script, and `python -m event_loop_diagnostics`: for a program that has a `diagnostics` module of its own.

The package next to this file is imported, whatever PYTHONPATH or the working directory has under that name.
"""

from __future__ import annotations

import sys
from pathlib import Path


def main() -> int:
    """Runs a command, as `python -m diagnostics` does."""
    sys.path.insert(0, str(Path(__file__).resolve().parent))
    from diagnostics.__main__ import main as run

    del sys.path[0]  # what is installed must not come before the standard library
    return run()


if __name__ == "__main__":
    sys.exit(main())
