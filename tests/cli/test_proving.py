"""What `fix` and `prove` print."""

from __future__ import annotations

from diagnostics.cli.proving import folded


def test_a_long_new_file_is_shown_by_its_start_and_a_change_as_a_whole() -> None:
    changed = "--- a/app.py\n+++ b/app.py\n@@ -1,1 +1,40 @@\n-x = 1\n" + "+y = 2\n" * 40
    new = "--- /dev/null\n+++ b/tool.py\n@@ -0,0 +1,100 @@\n" + "".join(f"+line {n}\n" for n in range(100))

    assert folded(changed) == changed
    assert folded(changed + new + changed) == (
        changed + "".join(new.splitlines(keepends=True)[:8]) + "… 95 more lines\n" + changed
    )
