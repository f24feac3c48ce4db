"""`python -m diagnostics.sanitizer`: `python -m diagnostics run` without suggested changes."""

from __future__ import annotations

import os
import sys

if __name__ == "__main__":
    if sys.path[0] == os.getcwd():
        sys.path.append(sys.path.pop(0))  # as in `diagnostics.__main__`
    from diagnostics.sanitizer.process.command import main

    sys.exit(main(sys.argv[1:]))
