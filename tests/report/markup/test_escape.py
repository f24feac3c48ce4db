"""Whatever a run produced stays text: checked with a real Markdown parser."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from diagnostics.report.markup.escape import Md, code, fence, prose, row, text

HOSTILE = [
    "a | b",
    r"a \| b \\| c",
    "`code` ``more``",
    "<script>alert(1)</script>",
    "</details>",
    "<!-- hidden",
    "![x](https://example.org/x.png)",
    "[x](javascript:alert(1))",
    "one\ntwo\r\n\r\nthree",
    "```mermaid\ngraph TD\n```",
    "~~~mermaid\ngraph TD",
    "# heading",
    "- item",
    "1. item",
    "> quote",
    "---",
    "&lt;b&gt; &#124;",
    "$x^2$ $$y$$",
    "**bold** _it_ ~~gone~~",
    "@someone and #12 and GH-7",
    "https://example.org www.example.org",
    "\u202eright to left\u202c",
    "\x1b[31mred\x1b[0m",
    " \t ",
    "\ufffc",
    "` `# no heading",
    "a<b>c</b>! [x](y) &amp",
    "> `a` > b",
]
_words = st.sampled_from(HOSTILE) | st.text(max_size=30)
_texts = st.lists(_words, max_size=4).map("".join)
_parser = MarkdownIt("commonmark").enable(["table", "strikethrough"])


def _cells(document: str) -> list[Token]:
    tokens = _parser.parse(document)
    assert [token.type for token in tokens if token.level == 0] == ["table_open", "table_close"]
    return [token for token in tokens if token.type == "inline"]


@pytest.mark.parametrize("render", [text, code, prose])
@given(value=_texts)
@example(value="0 \x08\r0")
def test_a_cell_stays_one_cell_of_plain_text(render: Callable[[str], Md], value: str) -> None:
    made = render(value)
    assert "\n" not in made
    inlines = _cells("\n".join([row([Md("a"), Md("b")]), row([Md("---")] * 2), row([made, Md("end")])]))
    assert len(inlines) == 4
    assert inlines[3].content == "end"
    children = inlines[2].children or []
    assert {child.type for child in children} <= {"text", "text_special", "code_inline", "html_inline"}
    assert all(child.content in {"<code>", "</code>"} for child in children if child.type == "html_inline")
    shown = "".join(child.content for child in children if child.type != "html_inline").replace("\u200b", "")
    assert shown == _shown_form(value) or (render is prose and "`" in value)


def _shown_form(value: str) -> str:
    """What `text` and `code` promise to show: one line without what cannot be seen."""
    line = re.sub(r"\s+", " ", value)
    hidden = re.compile("[\x00-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")
    return re.sub(r"\s+", " ", hidden.sub("", line)).strip()


@given(_texts)
def test_prose_stays_one_paragraph(value: str) -> None:
    for made in (text(value), prose(value)):
        types = [token.type for token in _parser.parse(made)]
        assert types in ([], ["paragraph_open", "inline", "paragraph_close"])


@given(_texts)
def test_a_block_stays_one_block(value: str) -> None:
    tokens = _parser.parse(fence(value))
    assert [(token.type, token.info) for token in tokens] == [("fence", "text")]


@pytest.mark.parametrize("value", ["@someone", "#12", "GH-7", "https://example.org", "www.example.org", "a@b.org"])
def test_nobody_is_called_and_nothing_is_linked(value: str) -> None:
    """GitHub looks for these in the text that results, so an entity alone would not do."""
    shown = "".join(token.content for token in _parser.parseInline(text(value))[0].children or [])
    assert "\u200b" in shown
    assert shown.replace("\u200b", "") == value


@given(st.text(max_size=300), st.integers(10, 100))
def test_long_texts_are_cut(value: str, limit: int) -> None:
    shown = "".join(token.content for token in _parser.parseInline(text(value, limit))[0].children or [])
    assert len(shown.replace("\u200b", "")) <= limit


def test_a_long_block_loses_its_middle() -> None:
    made = fence("first\n" + "x" * 10_000 + "\nlast", limit=200)
    assert len(made) < 400
    assert "first" in made
    assert "last" in made
    assert "characters left out" in made


def test_plain_names_stay_readable() -> None:
    assert code("gc-inside-run") == "`gc-inside-run`"
    assert text("openai 1.54.0 has no aiohttp transport") == "openai 1.54.0 has no aiohttp transport"
    assert text("1.54.0") == "1.54.0"
    assert text("httpx_aiohttp is missing") == "httpx_aiohttp is missing"
    assert text("a < b & c >= 1 <= 2!") == "a < b & c >= 1 <= 2&#33;"
    assert prose("`a`: one, `b` - two") == "`a`: one, `b` - two"
    assert prose("one `finally` less, one `a|b` more") == "one `finally` less, one <code>a&#124;b</code> more"
