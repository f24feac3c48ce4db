"""Several programs under the sanitizer, each in a child forked from one process that has imported their frameworks.

Arguments: a folder for results, then programs. For each it leaves NAME.out, NAME.err, NAME.json and NAME.status.
Importing the frameworks takes longer than everything that these programs do. Run inside an environment under test.
"""

from __future__ import annotations

import importlib
import os
import re
import sys
from pathlib import Path
from typing import NoReturn

from diagnostics.sanitizer.process import command


def main(folder: str, *programs: str) -> None:
    """Runs the programs, one after the other."""
    for program in programs:
        for module in re.findall(r"^(?:import|from) (\S+)", Path(program).read_text(), re.MULTILINE):
            importlib.import_module(module)
    for program in programs:
        name = str(Path(folder) / Path(program).stem)
        child = os.fork()
        if child == 0:
            run(name, program)
        _, ended = os.waitpid(child, 0)
        Path(f"{name}.status").write_text(str(os.waitstatus_to_exitcode(ended)))


def run(name: str, program: str) -> NoReturn:
    """Runs one of them and ends the process. The program takes this module's place, so its names are gone by then."""
    leave, streams, status = os._exit, (sys.stdout, sys.stderr), 1
    try:
        for number, kind in ((1, "out"), (2, "err")):
            os.dup2(os.open(f"{name}.{kind}", os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
        status = command.main(["--json", f"{name}.json", "--", program])
    finally:
        for stream in streams:
            stream.flush()
        leave(status)


if __name__ == "__main__":
    main(*sys.argv[1:])
