"""`python -m diagnostics.phase1`."""

from diagnostics.phases.entry import main

if __name__ == "__main__":
    main(1)
