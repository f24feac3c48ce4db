# /// script
# requires-python = ">=3.11"
# dependencies = ["nox[uv]>=2025.5.1", "packaging"]
# ///
"""What there is to run: `nox` for tests and lint, `nox -s repro` for the whole matrix, `nox -l` for all.

Every environment of the matrix is a session too, named like a call; `nox -s "repro(...)"` runs that one alone. It loads
before anything is installed, so it may import nothing but nox, packaging and the matrix, which needs no more either.
"""

from __future__ import annotations

import sys
from pathlib import Path

import nox
import nox.virtualenv

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from diagnostics.lab.combination import MatrixError  # noqa: E402
from diagnostics.lab.matrix import expand, sessions  # noqa: E402

nox.options.default_venv_backend = "uv"
nox.options.reuse_venv = "yes"
nox.options.sessions = ["tests", "lint"]


LOCKS = {
    # What each file of requirements/ holds, as arguments of `uv export`.
    "lab": ("--extra", "fix", "--extra", "dask", "--group", "build"),
    "tests": ("--only-group", "tests"),
    "bridges": ("--only-group", "bridges"),
    "lint": ("--only-group", "lint"),
    "docs": ("--only-group", "docs"),
}


FAST = (
    *(f"tests/{name}" for name in ("experiment", "model", "phases", "redaction", "report", "runs")),
    *(f"tests/lab/{name}" for name in ("bisection", "execution", "test_matrix.py", "test_plan.py")),
    *("tests/test_floors.py", "tests/test_language.py", "--ignore=tests/report/page/browser"),
)
"""What `fast` runs: chosen by `--durations`."""


def install(session: nox.Session, *locks: str, into: Path | None = None) -> Path:
    """Installs the lab and what else is named, from the pins and hashes in requirements/, and the project itself.

    Args:
        session: the session that asks.
        locks: files of requirements/, beside `lab`.
        into: the environment, created if it is missing; without it, the session's own.

    Returns:
        The environment's interpreter.
    """
    place = into or Path(session.virtualenv.location)
    if not place.exists():
        session.run_install(nox.virtualenv.UV, "venv", "--quiet", "--python", sys.executable, str(place), external=True)
    python = place / "Scripts" / "python.exe" if sys.platform == "win32" else place / "bin" / "python"
    pip = (nox.virtualenv.UV, "pip", "install", "--quiet", "--python", str(python))
    files = [part for name in ("lab", *locks) for part in ("-r", str(HERE / "requirements" / f"{name}.txt"))]
    session.run_install(*pip, "--require-hashes", "--no-deps", "--only-binary", ":all:", *files, external=True)
    session.run_install(*pip, "--no-deps", "--no-build-isolation", "--editable", str(HERE), external=True)
    return python


@nox.session
def tests(session: nox.Session) -> None:
    """The tests, in parallel."""
    python = install(session, "tests", "bridges")
    session.run(python, "-m", "pytest", "-n", "auto", *session.posargs)


@nox.session
def fast(session: nox.Session) -> None:
    """The tests that need no real SDK, no browser and no server: less than a minute on two cores."""
    python = install(session, "tests", "bridges")
    session.run(python, "-m", "pytest", "-n", "auto", "-m", "not environment and not slow", *FAST, *session.posargs)


@nox.session
def coverage(session: nox.Session) -> None:
    """Measures the coverage of the tests; what runs in another process, as trials do, is not counted."""
    python = install(session, "tests", "bridges")
    reports = ("--cov-report", "term:skip-covered", "--cov-report", "html:build/coverage")
    session.run(python, "-m", "pytest", "-n", "auto", "--cov", *reports, *session.posargs)


@nox.session
def watched(session: nox.Session) -> None:
    """The tests under the project's own pytest plugin, in parallel."""
    python = install(session, "tests", "bridges")
    options = ("--event-loops=error", "--event-loops-suppress", "tests/on_purpose.txt")
    session.run(python, "-m", "pytest", "-n", "auto", *options, *session.posargs)


@nox.session(venv_backend="none", default=False)
def lock(session: nox.Session) -> None:
    """Renews the files in requirements/; for the environments under test it is `python -m diagnostics lock`."""
    session.run(nox.virtualenv.UV, "lock", "--quiet", "--upgrade", external=True)
    for name, what in LOCKS.items():
        file = HERE / "requirements" / f"{name}.txt"
        export = (
            "export",
            "--quiet",
            "--frozen",
            "--no-emit-project",
            "--no-default-groups",
            "--no-header",
            "--no-annotate",
        )
        session.run(nox.virtualenv.UV, *export, *what, "--output-file", str(file), external=True)


@nox.session
def lint(session: nox.Session) -> None:
    """ruff, mypy, the floors between the packages, and what zizmor knows of workflows."""
    python = install(session, "tests", "bridges", "lint")
    session.run(python, "-m", "ruff", "check", ".")
    session.run(python, "-m", "ruff", "format", "--check", ".")
    session.run(python, "-m", "mypy")
    session.run(python.with_name("lint-imports"), "--no-cache")
    session.run(python.with_name("zizmor"), "--offline", "--no-progress", "--pedantic", ".github")


@nox.session
def docs(session: nox.Session) -> None:
    """Build the documentation site into `site/`; a warning is an error."""
    python = install(session, "docs")
    session.run(python, "-m", "mkdocs", "build", "--strict", *session.posargs, env={"NO_MKDOCS_2_WARNING": "1"})


@nox.session
def bench(session: nox.Session) -> None:
    """Speed and memory, as ratios side by side."""
    python = install(session, "tests", "bridges")  # with the browser that opens the page
    session.run(python, "-m", "benchmarks", *session.posargs)


@nox.session
def repro(session: nox.Session) -> None:
    """The whole matrix: reproduces the error, tries every fix, writes the report."""
    python = install(session)
    session.run(python, "-m", "diagnostics", "repro", *session.posargs)


def register(name: str, slug: str) -> None:
    """Makes one environment of the matrix a session."""

    # A literal name: with nox's own parameters, `nox -s repro` would run every environment on its own. No environment
    # of its own either: what differs is built by the lab, so that all share the one of `repro`.
    @nox.session(name=name, venv_backend="none", default=False)
    def repro_one(session: nox.Session) -> None:
        python = install(session, into=session.cache_dir.parent / "repro")
        session.run(python, "-m", "diagnostics", "repro", "--environment", slug, *session.posargs, external=True)


try:
    matrix = sessions(expand(nox.project.load_toml(HERE / "pyproject.toml")["tool"]["diagnostics"]["matrix"]))
except MatrixError as error:
    sys.exit(f"pyproject.toml, [tool.diagnostics.matrix]: {error}")
for name, combination in matrix.items():
    register(name, combination.slug)

if __name__ == "__main__":
    nox.main()
