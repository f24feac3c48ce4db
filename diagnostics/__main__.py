"""`python -m diagnostics COMMAND`."""

from __future__ import annotations

import sys


def main() -> int:
    """Runs a command; all but `run` and `async-tools` need the lab's libraries.

    Returns:
        The exit status: 0 done, 1 it could not be done (one line says why), 2 the command line cannot be meant so,
        130 interrupted.
    """
    if sys.argv[1:2] == ["run"]:
        # The person's own program, in whatever environment: nothing of the lab may be needed.
        from diagnostics.sanitizer.command import main as run

        return run(sys.argv[2:])
    if sys.argv[1:] == ["async-tools"]:
        from diagnostics.drop_in import write

        return write()
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
