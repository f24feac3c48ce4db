"""Instruments a program before it starts. `site` finds this module on `PYTHONPATH`.

It restores everything that the program would find without it: the variables, the path and the user's own
`sitecustomize`. It imports only what every interpreter has imported by now. With `--follow` a program may start any
interpreter, so the grammar is that of Python 2.7; what cannot be instrumented runs as it would.
"""

import os
import sys


def _begin(settings):  # type: (str) -> None
    """Instruments this process."""
    home, journal, report, role = settings.split("\x1f")[:4]
    if sys.version_info < (3, 10) or sys.implementation.name != "cpython":
        return
    before = set(sys.path_importer_cache)
    sys.path.insert(0, home)
    try:
        from diagnostics.sanitizer.process import instrumented
    finally:
        sys.path.remove(home)
    instrumented.begin(journal, report, role.split())
    for each in set(sys.path_importer_cache) - before:
        sys.path_importer_cache.pop(each, None)


def _restore(settings):  # type: (str) -> None
    """Restores the variables and the path."""
    for text in settings.split("\x1f")[4:]:
        name, equals, value = text.partition("=")
        if equals:
            os.environ[name] = value
        else:
            os.environ.pop(name, None)
    here = os.path.dirname(os.path.abspath(__file__))
    sys.path[:] = [entry for entry in sys.path if entry != here]
    sys.path_importer_cache.pop(here, None)


def _hand_over():  # type: () -> None
    """Runs the `sitecustomize` that this one hides."""
    if sys.version_info < (3, 5):  # noqa: UP036
        sys.modules["_diagnostics_boot"] = sys.modules.pop("sitecustomize")  # Python 2 clears a module that is dropped
        __import__("sitecustomize")
        return
    from _frozen_importlib import module_from_spec
    from _frozen_importlib_external import PathFinder

    spec = PathFinder.find_spec("sitecustomize", sys.path)
    if spec is None or spec.loader is None:
        raise ImportError("no sitecustomize", name="sitecustomize")  # which `site` accepts
    module = module_from_spec(spec)
    sys.modules["sitecustomize"] = module
    spec.loader.exec_module(module)


_settings = os.environ.pop("DIAGNOSTICS_BOOT", "")  # a sub-interpreter has the path only
_restore(_settings)
try:
    if _settings:
        _begin(_settings)
except Exception as error:
    if "child" not in _settings.split("\x1f")[3]:
        sys.stderr.write(
            "diagnostics: the program runs without the sanitizer: " + type(error).__name__ + ": " + str(error) + "\n"
        )
_hand_over()
