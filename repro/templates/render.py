# /// script
# requires-python = ">=3.11"
# dependencies = ["jinja2"]
# ///
"""Renders the scripts in `repro/` from the templates beside this file: `uv run repro/templates/render.py`.

`base.py.j2` has what all scripts share; each script has a template with its docstring, its checks and its `main`.
"""

from __future__ import annotations

from pathlib import Path

import jinja2

TEMPLATES = Path(__file__).parent


def render() -> dict[str, str]:
    """The text of each script, by file name."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        # Not Jinja's own: the scripts are full of braces.
        block_start_string="[%",
        block_end_string="%]",
        variable_start_string="[[",
        variable_end_string="]]",
        comment_start_string="[#",
        comment_end_string="#]",
        trim_blocks=True,
        keep_trailing_newline=True,
        undefined=jinja2.StrictUndefined,
        autoescape=False,  # noqa: S701 - Python, not HTML
    )
    names = sorted(path.stem for path in TEMPLATES.glob("*.py.j2") if path.stem != "base.py")
    return {name: environment.get_template(f"{name}.j2").render() for name in names}


if __name__ == "__main__":
    for name, text in render().items():
        (TEMPLATES.parent / name).write_text(text, encoding="utf-8")
