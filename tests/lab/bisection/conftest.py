"""Releases of a package that behaves well, then badly; on an index of its own, which is the only one that uv knows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.bisection.index import Index, serving

WELL_BEHAVED = Path(__file__).parents[2] / "worker" / "broken_sdks" / "common" / "well_behaved.py"

QUIET = "pass"
LOUD = "sys.stderr.write('Task exception was never retrieved\\n')"
RAISING = "raise RuntimeError('Event loop is closed')"


def client(misbehaviour: str) -> str:
    """The source of an `openai` that does this at every call of a trial."""
    return (
        WELL_BEHAVED.read_text(encoding="utf-8")
        + f"\n\ndef misbehave(question):\n    if in_a_trial(question):\n        {misbehaviour}\n\n\n"
        + "AsyncOpenAI, OpenAI = clients(misbehave)\n"
    )


@pytest.fixture(scope="session")
def published(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Index]:
    """An index with nine releases of `openai`, of which two changed something, and one of a helper that moves."""
    index = Index(tmp_path_factory.mktemp("index"))
    index.add("openai", "0.9.0", "2024-12-01", code=client(RAISING))
    index.add("openai", "1.0.0", "2025-01-01", code=client(QUIET))
    index.add("openai", "1.1.0", "2025-02-01", code=client(QUIET))
    index.add("openai", "1.2.0", "2025-03-01", code="raise ImportError('half of it is missing')")
    index.add("openai", "1.3.0", "2025-04-01", code=client(RAISING), yanked=True)
    index.add("openai", "1.4.0", "2025-05-01", code=client(LOUD))
    index.add("openai", "1.5.0b1", "2025-05-15", code=client(RAISING))
    index.add("openai", "1.5.0", "2025-06-01", code=client(LOUD))
    index.add("openai", "2.0.0", "2025-07-01", "helper", code=client(RAISING))
    index.add("helper", "1.0.0", "2025-01-01", code="LOUD = False\n")
    with serving(index):
        yield index


@pytest.fixture
def own_index(published: Index, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Index:
    """Makes it uv's only index, with a cache that this test process keeps."""
    monkeypatch.setenv("UV_DEFAULT_INDEX", f"{published.url}/simple")
    monkeypatch.setenv("UV_CACHE_DIR", str(published.folder / "uv"))
    for name in ("UV_INDEX", "UV_EXTRA_INDEX_URL", "UV_INDEX_URL", "UV_NO_INDEX", "UV_FIND_LINKS"):
        monkeypatch.delenv(name, raising=False)
    return published


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where environments are kept; one for all tests of this process, as a person has one for all searches."""
    return tmp_path_factory.mktemp("cache")
