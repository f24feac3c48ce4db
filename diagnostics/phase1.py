"""`python -m diagnostics.phase1`: the same as `python -m diagnostics diagnose --phase 1`."""

import sys

from diagnostics.__main__ import main

if __name__ == "__main__":
    sys.argv[1:1] = ["diagnose", "--phase", "1"]
    sys.exit(main())
