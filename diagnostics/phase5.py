"""`python -m diagnostics.phase5`: the same as `python -m diagnostics diagnose --phase 5`."""

import sys

from diagnostics.__main__ import main

if __name__ == "__main__":
    sys.argv[1:1] = ["diagnose", "--phase", "5"]
    sys.exit(main())
