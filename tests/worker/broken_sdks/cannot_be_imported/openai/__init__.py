"""Fails as it is imported."""

from __future__ import annotations

raise ImportError("libfoo.so.3: cannot open shared object file")
