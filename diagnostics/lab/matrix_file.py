"""Reads the matrix from a `pyproject.toml`."""

from __future__ import annotations

from pathlib import Path

import tomllib

from diagnostics.lab.combination import Combination, MatrixError
from diagnostics.lab.matrix import expand

_SHIPPED = (Path(__file__).with_name("pyproject.toml"), Path(__file__).resolve().parents[2] / "pyproject.toml")
"""The project's own: in a wheel, and in a clone."""


def load_matrix(path: Path | None = None) -> list[Combination]:
    """Returns the combinations of `[tool.diagnostics.matrix]`.

    Args:
        path: the file; by default `pyproject.toml` in the working directory if it has a matrix, else the project's own.

    Raises:
        MatrixError: no file has a matrix, it is not TOML, or the matrix is invalid.
    """
    for candidate in [path] if path else [Path("pyproject.toml"), *_SHIPPED]:
        table = _table(candidate)
        if table is not None:
            return expand(table)
    raise MatrixError(f"no [tool.diagnostics.matrix] in {path or 'pyproject.toml'}")


def _table(path: Path) -> dict[str, object] | None:
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError):
        return None
    except tomllib.TOMLDecodeError as error:
        raise MatrixError(f"{path} is not valid TOML: {error}") from None
    table = data.get("tool", {}).get("diagnostics", {}).get("matrix")
    return table if isinstance(table, dict) else None
