"""Each recipe of CONTRIBUTING.md works when it is followed in a copy of the tree."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent


def test_the_recipe_for_a_fix_adds_it_to_the_table(tmp_path: Path) -> None:
    recipe = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").split("\n## Add a fix\n")[1]
    (file,) = re.findall(r"Create `(.+?)`", recipe)
    (source,) = re.findall(r"```python\n(.+?)```", recipe, re.DOTALL)
    (row, table) = re.findall(r"Then add `(.+?)` .+ in `(.+?)`\.", recipe)[0]
    shutil.copytree(ROOT / "diagnostics", tmp_path / "diagnostics", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / file).write_text(source, encoding="utf-8")
    text = (tmp_path / table).read_text(encoding="utf-8")
    assert text.count("    runner,\n") == 2, "the imports and the table"
    (tmp_path / table).write_text(text.replace("    runner,\n", f"    runner,\n    {row},\n"), encoding="utf-8")
    check = "from diagnostics.experiment.fixes import FIXES; print(FIXES['one-connection'].__module__)"
    ran = subprocess.run([sys.executable, "-c", check], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (ran.stdout, ran.stderr) == ("diagnostics.experiment.fixes.one_connection\n", "")
