"""Options: those that several commands have, each with its help once, and the long ones of `repro`."""

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
COLD = typer.Option("--cold", help="Start a new interpreter for each trial instead of forking one.")
HERE = typer.Option("--here", help="Run the versions that this interpreter has instead of the matrix.")
REQUIREMENTS = typer.Option(
    *("-r", "--requirements", "--lock", "--pyproject"),
    help="Run the versions of requirements.txt, uv.lock, poetry.lock, pylock.toml or pyproject.toml instead of the "
    "matrix; repeatable.",
)
PIN = typer.Option(metavar="NAME==VERSION", help="Run this release instead of the matrix; repeatable.")
VARY = typer.Option(
    metavar="NAME=VERSION,…",
    help="Run each of these releases in the place of the pinned one, or in the newest environment; repeatable.",
)
EXECUTOR = typer.Option(metavar="dask://HOST:PORT", help="Run the trials on the workers of a dask scheduler.")
RESUME = typer.Option(
    help="Resume this run, such as reports/latest, with its original options; options given now override them. Trials "
    "that it holds are not repeated."
)
