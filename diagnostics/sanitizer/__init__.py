"""Records the event loops, connections, clients and streams of this process, and reports what outlives what.

    with diagnostics.sanitizer.watch() as findings:
        main()

Four packages, each of which imports only those before it: `capture` patches libraries and records facts, `analyze`
turns facts into findings, `output` writes findings and events, `process` runs a program under the sanitizer. What is
specific to a library is in `capture.detectors`, one file per library.
"""

from __future__ import annotations

from diagnostics.sanitizer.session import count_findings, findings, install, problems, uninstall, watch

__all__ = ["count_findings", "findings", "install", "problems", "uninstall", "watch"]
