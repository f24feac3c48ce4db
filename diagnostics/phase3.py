"""`python -m diagnostics.phase3`: the same as `python -m diagnostics diagnose --phase 3`."""

import sys

from diagnostics.__main__ import main

if __name__ == "__main__":
    sys.argv[1:1] = ["diagnose", "--phase", "3"]
    sys.exit(main())
