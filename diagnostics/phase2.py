"""`python -m diagnostics.phase2`."""

from diagnostics.phases.entry import main

if __name__ == "__main__":
    main(2)
