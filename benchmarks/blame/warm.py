"""Runs suites in the environment that has pytest, each in a fork of a process that has imported it: `warm.py FOLDER…`.

Every folder holds `arguments.json`, the arguments of pytest. Afterwards it holds `output.txt` and `status.txt`.
"""

import importlib
import json
import os
import sys
import traceback

for _name in ("httpx2", "pytest", "pytest_asyncio", "xdist", "diagnostics.pytest_plugin.starting"):
    importlib.import_module(_name)


def run(folder: str) -> int:
    """Runs one suite in this process."""
    import pytest  # noqa: PLC0415

    os.chdir(folder)
    sys.path.insert(0, folder)
    output = os.open("output.txt", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(output, 1)
    os.dup2(output, 2)
    with open("arguments.json", encoding="utf-8") as stream:  # noqa: PTH123
        arguments = json.load(stream)
    return int(pytest.main(arguments))


def main() -> None:
    """Runs the suites one after another."""
    for folder in sys.argv[1:]:
        child = os.fork()
        if child == 0:
            status = 99
            try:
                status = run(folder)
            except BaseException:  # noqa: BLE001
                traceback.print_exc()
            finally:
                sys.stdout.flush()
                sys.stderr.flush()
                os._exit(status)
        _, ended = os.waitpid(child, 0)
        with open(os.path.join(folder, "status.txt"), "w", encoding="utf-8") as stream:  # noqa: PTH118, PTH123
            stream.write(str(os.waitstatus_to_exitcode(ended)))


if __name__ == "__main__":
    main()
