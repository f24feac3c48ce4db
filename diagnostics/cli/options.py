"""Options that several commands have, each with its help once."""

from __future__ import annotations

import typer

RUNS = typer.Option(min=1, help="Enter the event loop so many times in a trial.")
CALLS = typer.Option("--calls", "--jets", min=1, help="Make so many calls per run.")
CONCURRENCY = typer.Option(min=1, help="Allow so many calls in flight at once.")
RETRIES = typer.Option(min=0, help="Let the SDK retry a call so many times.")
TRIALS = typer.Option(min=1, help="Run so many trials of each combination and fix.")
TIMEOUT = typer.Option(min=1, help="Report a trial as hanging after so many seconds.")
OFFLINE = typer.Option("--offline", help="Install from the caches only, without the package index.")
REPORTS = typer.Option(help="Write run folders to this folder.")
MATRIX = typer.Option(help="Read the matrix from this pyproject.toml.")
