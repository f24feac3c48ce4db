"""Findings in a REPL and in a notebook, with a real kernel."""

from __future__ import annotations

import asyncio
import html.parser
import linecache
from typing import TYPE_CHECKING

import nbformat
import pytest
from nbclient import NotebookClient

from diagnostics import sanitizer

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.sanitizer.conftest import Ran

DEFINED = """def use():
    loop = asyncio.new_event_loop()
    loop.close()
    try:
        loop.call_soon(print)
    except RuntimeError:
        pass
"""
MARKUP = """loop = asyncio.new_event_loop(); '<b onclick=x>&amp;'; loop.close()
try: loop.call_soon(print)
except RuntimeError: pass
"""
CELLS = (
    "import asyncio, diagnostics",
    DEFINED,
    "with diagnostics.sanitizer.watch() as findings:\n    use()\nfindings",
    "findings.root_causes[0].evidence[0].access.site",
)


class Elements(html.parser.HTMLParser):
    """The names and attributes of all elements, and the text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.mark.slow
def test_a_notebook_shows_the_cells(tmp_path: Path) -> None:
    cells = [nbformat.v4.new_code_cell(source) for source in CELLS]  # type: ignore[no-untyped-call]
    notebook = nbformat.v4.new_notebook(cells=cells)  # type: ignore[no-untyped-call]
    NotebookClient(notebook, timeout=120, kernel_name="python3", resources={"metadata": {"path": tmp_path}}).execute()
    assert [output for cell in notebook.cells for output in cell.outputs if output.get("name") == "stderr"] == []
    ((shown,), (site,)) = (cell.outputs for cell in notebook.cells[2:])
    page = Elements(shown["data"]["text/html"])
    assert {name for name, _ in page.found} == {"pre", "span"}
    assert all(set(attributes) <= {"class", "style"} for _, attributes in page.found)
    lines = page.text.splitlines()
    assert lines[1].startswith(" --> In [2]:2:")
    assert "2 |     loop = asyncio.new_event_loop()" in lines
    assert "5 |         loop.call_soon(print)" in lines
    plain = shown["data"]["text/plain"]
    assert plain.startswith("<error[use-after-loop-close]: ")
    assert plain.endswith(" (In [2]:5)>")
    assert site["data"]["text/plain"].startswith("Site(file='In [2]', line=5")


@pytest.mark.slow
def test_a_notebook_that_a_program_executes_is_followed(run: Callable[..., Ran], tmp_path: Path) -> None:
    cells = [nbformat.v4.new_code_cell(source) for source in ("import asyncio", DEFINED, "use()")]  # type: ignore[no-untyped-call]
    notebook = nbformat.v4.new_notebook(cells=cells)  # type: ignore[no-untyped-call]
    nbformat.write(notebook, tmp_path / "notebook.ipynb")  # type: ignore[no-untyped-call]
    options = ("--follow", "--suppress", str(tmp_path / "known"))
    (tmp_path / "known").write_text("*:ipykernel\n")
    ran = run("none", "jupyter", "execute", "notebook.ipynb", options=options, module=True)
    assert ran.status == 66, ran.errors
    (error,) = (finding for finding in ran.findings if finding["severity"] == "error")
    assert (error["access"]["site"]["file"], error["access"]["site"]["line"]) == ("In [2]", 5)
    assert "\n5 |         loop.call_soon(print)\n" in ran.errors


def test_findings_print_well() -> None:
    with sanitizer.watch() as findings:
        loop = asyncio.new_event_loop()
        loop.close()
        with pytest.raises(RuntimeError):
            loop.call_soon(print)
    (cause,) = findings.root_causes
    assert repr(findings) == repr(cause) == f"<{cause}>"
    assert str(findings) == cause.text
    assert cause.text.splitlines()[0] == f"{cause.severity}[{cause.kind}]: {cause.title}"
    assert str(findings[0]).startswith(f"{cause.severity}[{cause.kind}]: {findings[0].message} (")
    assert Elements(cause._repr_html_()).text == cause.text == Elements(findings._repr_html_()).text


def test_a_source_line_is_text_and_no_markup(tmp_path: Path) -> None:
    source = MARKUP
    file = str(tmp_path / "<i>.py")
    linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
    with sanitizer.watch() as findings:
        exec(compile(source, file, "exec"), {"asyncio": asyncio})
    page = Elements(findings._repr_html_())
    assert {name for name, _ in page.found} == {"pre", "span"}
    assert "'<b onclick=x>&amp;'" in page.text


def test_nothing_found_says_so() -> None:
    with sanitizer.watch() as findings:
        pass
    assert (str(findings), repr(findings)) == ("no problem found", "<no problem found>")
    assert Elements(findings._repr_html_()).text == "no problem found"
