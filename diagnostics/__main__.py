"""`python -m diagnostics COMMAND`."""

from __future__ import annotations

import sys


def main() -> int:
    """Runs a command; the lab's libraries are needed for all that exist so far.

    Returns:
        The exit status: 0 done, 1 it could not be done (one line says why), 2 the command line cannot be meant so,
        130 interrupted.
    """
    try:
        from diagnostics.cli import app
    except ImportError as error:
        sys.stderr.write(
            f"this command needs the lab ({error.name} is missing): "
            "python3 -m pip install 'event-loop-diagnostics[lab]' on Python 3.11 or newer\n"
        )
        return 1
    app()
    return 0


if __name__ == "__main__":
    sys.exit(main())
