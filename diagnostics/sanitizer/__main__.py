"""`python -m diagnostics.sanitizer`: `python -m diagnostics run` without suggested changes."""

from __future__ import annotations

import sys

from diagnostics.model.working_directory import working_directory

if __name__ == "__main__":
    if sys.path[0] == working_directory():
        sys.path.append(sys.path.pop(0))  # as in `diagnostics.__main__`
    from diagnostics.sanitizer.process.command import main

    sys.exit(main(sys.argv[1:]))
