"""Instruments a program before it starts. `site` finds this module on `PYTHONPATH`.

It restores everything that the program would find without it: the variables, the path and the user's own
`sitecustomize`. Python 3.10 grammar; it imports only what every interpreter has imported by now.
"""

import os
import sys


def _begin() -> None:
    """Instruments this process. If that fails, the program runs without the sanitizer."""
    settings = os.environ.pop("DIAGNOSTICS_BOOT")
    home, journal, report, *saved = settings.split("\x1f")
    for text in saved:
        name, equals, value = text.partition("=")
        if equals:
            os.environ[name] = value
        else:
            os.environ.pop(name, None)
    here = os.path.dirname(os.path.abspath(__file__))
    sys.path[:] = [entry for entry in sys.path if entry != here]
    sys.path.insert(0, home)
    try:
        from diagnostics.sanitizer.process import instrumented
    finally:
        sys.path.remove(home)
    instrumented.begin(journal, report)


def _hand_over() -> None:
    """Runs the `sitecustomize` that this one hides."""
    from _frozen_importlib import module_from_spec
    from _frozen_importlib_external import PathFinder

    spec = PathFinder.find_spec("sitecustomize", sys.path)
    if spec is None or spec.loader is None:
        raise ImportError("no sitecustomize", name="sitecustomize")  # which `site` accepts
    module = module_from_spec(spec)
    sys.modules["sitecustomize"] = module
    spec.loader.exec_module(module)


try:
    _begin()
except Exception as error:
    sys.stderr.write(f"diagnostics: the program runs without the sanitizer: {type(error).__name__}: {error}\n")
_hand_over()
