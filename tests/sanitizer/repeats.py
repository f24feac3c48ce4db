"""Runs `programs/many_effects.py` many times. Argument: how often. Prints each set of root causes with its runs.

Run inside an environment with openai, with PROVIDER set; `test_root_causes.py` does so.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections import Counter
from pathlib import Path

from diagnostics.sanitizer.process import command

PROGRAM = Path(__file__).with_name("programs") / "many_effects.py"


def main(count: int) -> None:
    """Repeats the program and prints what it was told."""
    with tempfile.TemporaryDirectory() as folder:
        print(json.dumps(Counter(one(seed, Path(folder) / f"{seed}.json") for seed in range(count))))


def one(seed: int, file: Path) -> str:
    """The root causes of one run, as text that can be compared: what is wrong where, and what to do."""
    child = os.fork()
    if child == 0:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        os._exit(command.main(["--json", str(file), "--", str(PROGRAM), str(seed)]))
    os.waitpid(child, 0)
    document = json.loads(file.read_text())
    found = {each["id"]: each for each in document["findings"]}
    causes = []
    for cause in document["root_causes"]:
        first = found[cause["findings"][0]]
        client = first["client"]["created_at"]["line"] if first["client"] else None
        advice = [each["text"] for each in cause["advice"]]
        left = [
            each["message"].partition(" of ")[0]
            for name in cause["findings"]
            if (each := found[name])["kind"] == "client-left-open"
        ]
        causes.append([cause["kind"], cause["title"], client, first["fault"]["component"], advice, left])
    return json.dumps(sorted(causes, key=str), indent=1)


if __name__ == "__main__":
    main(int(sys.argv[1]))
