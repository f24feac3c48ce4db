"""`python -m diagnostics.phase3`."""

from diagnostics.phases.entry import main

if __name__ == "__main__":
    main(3)
