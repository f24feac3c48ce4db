"""Reproduces, explains and fixes async clients that outlive their event loop.

This package imports nothing, so that it can be loaded into any environment under test.
"""

__version__ = "0.1.0"
