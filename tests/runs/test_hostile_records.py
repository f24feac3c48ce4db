"""Records that somebody else made: each is read, or refused in one line, in bounded time and memory."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from diagnostics.model.codec import DEEPEST, RecordError, parse
from diagnostics.model.finding import Access, ClientFacts, Fault, Finding, Hint, LoopFacts, Site
from diagnostics.model.phase import read_phase
from diagnostics.redaction import Secrets
from diagnostics.report.formats import view_json
from diagnostics.report.formats.bisection import read as read_search
from diagnostics.report.view.build import build_view
from diagnostics.runs.bounded import LARGEST, LONGEST
from diagnostics.runs.merge import MergeError, read_part
from diagnostics.runs.reader import RunError, read_findings, read_run
from diagnostics.runs.upgrade import upgraded
from diagnostics.runs.writer import Store, StoreError
from diagnostics.sanitizer.analyze.recorded import Process
from diagnostics.sanitizer.analyze.root_causes import group
from diagnostics.sanitizer.output.formats import sarif
from diagnostics.sanitizer.output.json_document import document

ROOT = Path(__file__).parents[2]
SCHEMA_1 = Path(__file__).parent / "schema_1"
SAMPLE = ROOT / "reports" / "sample"
SEARCH = ROOT / "reports" / "history" / "openai-repeated-run.json"


def deep(levels: int) -> Any:
    value: Any = []
    for _ in range(levels):
        value = [value]
    return value


class Raw(str):
    """JSON as it is written: what `json.dumps` does not write."""


RAW: Final = ("NaN", "-Infinity", "1e999", "1" + "0" * 400, "[" * 200 + "]" * 200, '{"a":' * 120 + "1" + "}" * 120)
REPLACED: Final = (None, True, "x", "", -1, 2**64, 1.5, [], {}, ["x"], {"x": 1}, "\ud800", deep(50), *map(Raw, RAW))
"""What any value of a record may be replaced by."""


def places(data: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where each value of a record is."""
    yield at
    for key, value in data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ():
        yield from places(value, (*at, key))


def changed(data: Any, at: tuple[Any, ...], change: Callable[[Any], Any]) -> Any:
    """A record in which one value is another, or is missing where the change says `...`."""
    if not at:
        return change(data)
    copy = dict(data) if isinstance(data, dict) else list(data)
    value = changed(data[at[0]], at[1:], change)
    if value is ...:
        del copy[at[0]]
    else:
        copy[at[0]] = value
    return copy


def written(data: Any) -> str:
    """A record as JSON, with raw parts as they are."""
    raws: list[str] = []

    def marked(value: Any) -> Any:
        if isinstance(value, Raw):
            raws.append(value)
            return f"raw {len(raws) - 1}"
        if isinstance(value, dict):
            return {name: marked(each) for name, each in value.items()}
        return [marked(each) for each in value] if isinstance(value, list) else value

    text = json.dumps(marked(data))
    for number, raw in enumerate(raws):
        text = text.replace(f'"raw {number}"', raw, 1)
    return text


def mutations(data: Any) -> st.SearchStrategy[str]:
    """A record with up to three values replaced, removed or added to."""
    replaced = st.sampled_from(REPLACED).map(lambda value: lambda _: value)
    removed = st.just(lambda _: ...)
    added = st.just(lambda value: {**value, "more": deep(60)} if isinstance(value, dict) else [value])
    change = st.tuples(st.sampled_from([*places(data)]), replaced | removed | added)

    def apply(changes: list[tuple[tuple[Any, ...], Callable[[Any], Any]]]) -> str:
        found = data
        for at, how in changes:
            if found is ...:
                break
            with suppress(KeyError, IndexError, TypeError):  # the place is gone by an earlier change
                found = changed(found, at, how)
        return written({} if found is ... else found)

    return st.lists(change, min_size=1, max_size=3).map(apply)


def loads(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def line(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8").splitlines()[0])


@pytest.fixture(scope="module", params=["of today", "of schema 1"])
def small(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of two trials, one of them with a timeline."""
    of, run = SAMPLE if request.param == "of today" else SCHEMA_1, tmp_path_factory.mktemp("small") / "run"
    with_timeline = next((of / "timelines").iterdir()).name
    lines = (of / "trials.jsonl").read_text(encoding="utf-8").splitlines(keepends=True)
    chosen = [line for line in lines if with_timeline.partition(".")[0] in line]
    (run / "timelines").mkdir(parents=True)
    (run / "trials.jsonl").write_text("".join([*chosen, lines[0]]), encoding="utf-8")
    events = (of / "timelines" / with_timeline).read_text(encoding="utf-8").splitlines(keepends=True)
    (run / "timelines" / with_timeline).write_text("".join(events[:10]), encoding="utf-8")
    for name in ("run.json", "environments.json"):
        shutil.copyfile(of / name, run / name)
    return run


@contextmanager
def folder(of: Path, name: str, content: str) -> Iterator[Path]:
    """A copy of a run, one file of which is another."""
    with tempfile.TemporaryDirectory() as temporary:
        run = Path(shutil.copytree(of, Path(temporary, "run")))
        (run / name).write_text(content, encoding="utf-8")
        yield run


def refused_in_one_line(read: Callable[[], object], *errors: type[Exception]) -> None:
    said = "read"
    try:
        read()
    except errors as error:
        said = str(error)
    assert "\n" not in said
    assert 0 < len(said) < 1000


few = settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


@pytest.mark.parametrize("name", ["trials.jsonl", "run.json", "environments.json", "timeline"])
def test_any_change_of_a_run_is_read_or_refused(name: str, small: Path) -> None:
    path = next((small / "timelines").iterdir()) if name == "timeline" else small / name
    original = path.read_text(encoding="utf-8")
    of_lines = path.suffix == ".jsonl"

    @few
    @given(mutations(line(path) if of_lines else loads(path)), st.booleans())
    def check(text: str, last: bool) -> None:
        content = text if not of_lines else f"{original}{text}\n" if last else f"{text}\n{original}"
        with folder(small, str(path.relative_to(small)), content) as run:
            refused_in_one_line(lambda: view_json.render(build_view(read_run(run), Secrets())), RunError)
            refused_in_one_line(lambda: read_part(run, "part"), MergeError)
            refused_in_one_line(lambda: Store(run).__exit__(None, None, None), StoreError)

    check()


def test_any_change_of_a_search_is_read_or_refused() -> None:
    @few
    @given(mutations(loads(SEARCH)))
    def check(text: str) -> None:
        refused_in_one_line(lambda: read_search(text), RecordError)

    check()


def test_any_change_of_a_phase_is_read_or_refused(small: Path) -> None:
    trial = line(small / "trials.jsonl")
    old = trial["schema"] == "diagnostics.trial/1"
    environment = trial["environment"] if old else {"name": trial["environment"], "python": "3.13.0"}
    facts = {"by_calls": [{"calls": 1, "shown": 0, "trials": 3}]}
    phase = {
        "schema": f"diagnostics.phase/{1 if old else 2}",
        "phase": 6,
        "number": 6,
        "title": "load",
        "provider": "openai",
        "environment": environment,
        "environments": [environment],
        "machine": {"system": "Linux", "cpus": 2, "python": "3.12.1"},
        "started": "2026-11-22T00:00:00+00:00",
        "seconds": 1.0,
        "answers": [{"question": "?", "sentences": ["!"], "facts": facts}],
        "trials": [trial],
    }
    assert read_phase(upgraded(phase)).number == 6

    @few
    @given(mutations(phase))
    def check(text: str) -> None:
        refused_in_one_line(lambda: read_phase(upgraded(parse(text))), RecordError)
        with folder(small, "phase6.json", text) as run:
            refused_in_one_line(lambda: read_run(run), RunError)

    check()


@pytest.mark.parametrize(
    "text",
    [*RAW, "[" * 1_000_000, '{"a":' * 1_000_000, "\ud800", "", "\x00", '"', "1" * 10_000],
    ids=lambda text: text[:10],
)
def test_a_value_that_no_record_has_is_refused(text: str) -> None:
    with pytest.raises(RecordError) as caught:
        parse(text.encode("utf-8", "surrogatepass"))
    assert len(str(caught.value)) < 200


def test_what_is_nested_as_deeply_as_allowed_is_read() -> None:
    assert parse(written(deep(DEEPEST - 1))) == deep(DEEPEST - 1)
    with pytest.raises(RecordError):
        parse(written(deep(DEEPEST)))
    many = [[0]] * 10_000
    assert parse(written(many)) == many


# Files that are none.


def fifo(path: Path) -> None:
    os.mkfifo(path)


def device(path: Path) -> None:
    path.symlink_to("/dev/zero")


def directory(path: Path) -> None:
    path.mkdir()


def loop(path: Path) -> None:
    path.symlink_to(path.name)


def huge(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(max(LARGEST, LONGEST) * 8)  # zeros that take no room


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes and devices")
@pytest.mark.parametrize("name", ["trials.jsonl", "run.json", "environments.json", "phase6.json", "timeline"])
@pytest.mark.parametrize("put", [fifo, device, directory, loop, huge], ids=lambda put: put.__name__)
def test_what_is_no_file_of_a_run_is_refused_at_once(
    put: Callable[[Path], None], name: str, small: Path, tmp_path: Path
) -> None:
    run = Path(shutil.copytree(small, tmp_path / "run"))
    path = next((run / "timelines").iterdir()) if name == "timeline" else run / name
    path.unlink(missing_ok=True)
    put(path)
    tracemalloc.start()
    try:
        if path.is_file() or name not in ("phase6.json", "timeline"):  # these two are optional
            with pytest.raises(RunError) as caught:
                read_run(run)
            assert str(path) in str(caught.value)
            assert "\n" not in str(caught.value)
        else:
            read_run(run)
        if path.exists() and name in ("trials.jsonl", "run.json", "environments.json"):
            with pytest.raises(StoreError):
                Store(run)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 3 * LARGEST


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
@pytest.mark.parametrize("command", [("report", "{}"), ("merge", "{}", "{}/../other"), ("repro", "--resume", "{}")])
def test_a_command_that_is_given_one_ends_with_one_line(command: tuple[str, ...], tmp_path: Path) -> None:
    for name in ("run", "other"):
        shutil.copytree(SCHEMA_1, tmp_path / name)
    (tmp_path / "run" / "run.json").unlink()
    os.mkfifo(tmp_path / "run" / "run.json")
    words = [part.format(tmp_path / "run") for part in command]
    ended = subprocess.run(
        [sys.executable, "-m", "diagnostics", *words], cwd=ROOT, capture_output=True, text=True, check=False, timeout=60
    )
    assert ended.returncode == 2
    first, *rest = ended.stderr.splitlines()
    assert "run.json: not a regular file" in first
    assert rest in ([], ["Try 'python -m diagnostics repro --help'."])


def test_any_change_of_a_findings_document_is_read_or_refused(tmp_path: Path) -> None:
    made, used = Site("app.py", 3, "<module>", "client = AsyncOpenAI()"), Site("app.py", 7, "main", "")
    finding = Finding(
        kind="cross-loop-use",
        severity="error",
        count=1,
        message="",
        client=ClientFacts("C1", "openai.AsyncOpenAI", made, (made,), 2, 2),
        loop=LoopFacts("L1", "asyncio", used, "asyncio.run", used, "asyncio.run"),
        connection=None,
        access=Access("L2", used, "connection.send", "call", (used,)),
        fault=Fault("user", made, "it uses one client on several loops"),
        hint=Hint("context-manager", "close it"),
    )
    data = document(Process(1), group([finding], ()), exit_code=0, blind_spots=())
    file = tmp_path / "findings.json"

    @few
    @given(mutations(json.loads(json.dumps(data))))
    def check(text: str) -> None:
        file.write_text(text, encoding="utf-8")
        refused_in_one_line(lambda: sarif.render(read_findings(file, str)), RunError)

    check()
