"""`python -m diagnostics.phase5`."""

from diagnostics.phases.entry import main

if __name__ == "__main__":
    main(5)
