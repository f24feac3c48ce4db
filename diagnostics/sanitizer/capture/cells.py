"""Cells of notebooks: their code comes from temporary files that nobody else can read."""

from __future__ import annotations

import sys


def shown_file(file: str) -> str:
    """Returns the name of a cell, such as `In [3]`, instead of that of its temporary file; other files stay.

    The name leads `linecache` to the source too.
    """
    ipython = sys.modules.get("IPython")
    try:
        shell = ipython.get_ipython() if ipython is not None else None
        label = shell.compile.format_code_name(file) if shell is not None else None
    except AttributeError:  # while IPython is being imported, or an old one
        return file
    if label is None:
        return file
    name: str = label[1].replace("In[", "In [")
    know(name, source(file))
    return name


def source(file: str) -> list[str]:
    """Returns the lines of a file or cell."""
    import linecache  # which only a program with a notebook has to import

    return linecache.getlines(file)


def know(name: str, lines: list[str]) -> None:
    """Makes `linecache` know the source of a cell."""
    import linecache

    linecache.cache[name] = (len("".join(lines)), None, lines, name)
