"""Reproduces, explains and fixes async clients that outlive their event loop.

This package imports nothing before it is used, so that it can be loaded into any environment under test. pytest must
not rewrite it: PYTEST_DONT_REWRITE.
"""

__version__ = "0.1.0"

_MODULES = ("async_tools", "sanitizer")
"""What `import diagnostics` is enough for."""


def __getattr__(name: str):  # type: ignore[no-untyped-def]  # `Any` would be an import
    if name in _MODULES:
        from importlib import import_module  # noqa: PLC0415

        return import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
