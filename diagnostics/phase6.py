"""`python -m diagnostics.phase6`."""

from diagnostics.phases.entry import main

if __name__ == "__main__":
    main(6)
