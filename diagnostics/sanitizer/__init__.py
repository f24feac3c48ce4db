"""Watches loops, connections, clients and streams of this process, and says who left what open and who touched it.

    with diagnostics.sanitizer.watch() as findings:
        main()

Recording, describing, judging and printing are modules of their own; `detectors` holds what is specific to a library.
"""

from __future__ import annotations

from diagnostics.sanitizer.session import count_findings, findings, install, problems, uninstall, watch

__all__ = ["count_findings", "findings", "install", "problems", "uninstall", "watch"]
