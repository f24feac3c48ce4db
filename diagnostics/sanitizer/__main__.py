"""`python -m diagnostics.sanitizer`: the same as `python -m diagnostics run`."""

from __future__ import annotations

import sys

from diagnostics.sanitizer.process.command import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
