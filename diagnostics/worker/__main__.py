"""The worker: `python -m diagnostics.worker` in an environment, with the inside zone on `PYTHONPATH`.

Arguments:
    none             read requests from standard input, one JSON object a line, and answer on standard output
    --no-fork        the same, one new interpreter after the other; always so where there is no `os.fork`
    --trial REQUEST  run one trial in this interpreter and end with its status
    --probe REQUEST  try a provider once in this interpreter

Requests
    {"probe": PROVIDER, "url": …, "folder": …, "timeout": …}   try the provider once, then import what it imported
    {"trial": TrialRequest}                                    start a trial

Answers
    {"ready": true, "python": …, "threads": …}                 once, at the start
    {"probe": PROVIDER, "status": …, "reason": …, "left": […], "exit": STATUS, "threads": …}
    {"key": …, "exit": STATUS, "hang": false}                  a trial is over; its files are in its folder

Ends, and takes every child with it, when standard input ends. Exit status 0; 3 if the interpreter is too old.
Banned: any import beyond the standard library before the fork, but for the modules that a probe named.
"""

import sys

if sys.version_info < (3, 10):
    sys.stderr.write("the worker needs Python 3.10 or newer\n")
    sys.exit(3)

import json
import os


def main(arguments: "list[str]") -> int:
    """Runs the worker; see the module's docstring."""
    if arguments[:1] == ["--trial"]:
        from diagnostics.model.codec import decode
        from diagnostics.model.request import TrialRequest
        from diagnostics.worker.trial import run_and_report

        return run_and_report(decode(TrialRequest, json.loads(arguments[1])))
    if arguments[:1] == ["--probe"]:
        from diagnostics.worker.probe import run_probe

        return run_probe(json.loads(arguments[1]))
    if hasattr(os, "fork") and arguments != ["--no-fork"]:
        from diagnostics.worker.server import serve
    else:
        from diagnostics.worker.sequential import serve
    serve()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
