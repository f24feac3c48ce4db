"""Reproduces, explains and fixes async clients that outlive their event loop.

This package imports nothing before it is used, so that it can be loaded into any environment under test.
"""

from __future__ import annotations

TYPE_CHECKING = False  # as type checkers know it, without an import
if TYPE_CHECKING:
    from diagnostics import async_tools, sanitizer

__all__ = ["async_tools", "sanitizer"]
__version__ = "0.1.0"


def __getattr__(name: str) -> object:
    if name in __all__:
        from importlib import import_module  # noqa: PLC0415

        return import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
