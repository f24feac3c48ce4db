"""`python -m diagnostics.phase4`."""

from diagnostics.phases.entry import main

if __name__ == "__main__":
    main(4)
