"""A document always comes out under its limit where its tables allow it, and loses no row that would have fitted."""

from __future__ import annotations

from collections.abc import Mapping

from hypothesis import given
from hypothesis import strategies as st

from diagnostics.report.markup.truncate import truncate

_tables = st.dictionaries(st.sampled_from("abc"), st.lists(st.text("x", max_size=20), max_size=20))


def _document(tables: Mapping[str, list[str]], keep: Mapping[str, int]) -> str:
    parts = []
    for name, rows in tables.items():
        parts += rows[: keep[name]]
        parts += [f"{len(rows) - keep[name]} left out"] if keep[name] < len(rows) else []
    return "\n".join(parts)


@given(_tables, st.integers(60, 800))
def test_the_limit_is_kept_and_the_first_table_gives_way_first(tables: dict[str, list[str]], limit: int) -> None:
    kept: list[Mapping[str, int]] = []

    def render(keep: Mapping[str, int]) -> str:
        kept.append(dict(keep))
        return _document(tables, keep)

    document = truncate(render, tables, limit)
    assert len(document) <= limit
    last = kept[-1]
    assert document == _document(tables, last)
    cut = [name for name, rows in tables.items() if last[name] < len(rows)]
    assert [name for name, rows in tables.items() if rows][: len(cut)] == cut, "a table is cut after all before it"
    assert all(last[name] == 0 for name in cut[:-1])


@given(_tables)
def test_what_fits_is_whole(tables: dict[str, list[str]]) -> None:
    whole = _document(tables, {name: len(rows) for name, rows in tables.items()})
    assert truncate(lambda keep: _document(tables, keep), tables, len(whole)) == whole
