import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from diagnostics.lab.combination import Combination
from diagnostics.lab.environments import (
    BuildFailed,
    EnvironmentProblem,
    IndexUnreachable,
    Interpreter,
    PreparedEnvironment,
    Unavailable,
    Unsatisfiable,
    default_cache,
    identify,
    prepare,
    unprepared,
)
from diagnostics.lab.environments.build import RECORD
from diagnostics.lab.environments.locks import Lock
from diagnostics.lab.matrix_file import load_matrix
from diagnostics.model.words import STATUSES

RUNNING = f"{sys.version_info.major}.{sys.version_info.minor}"
WIDGET = Combination(RUNNING, (("widget", "1.0"),))

MakeWheel = Callable[..., None]


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


@pytest.fixture
def widget(make_wheel: MakeWheel) -> None:
    make_wheel("widget", "1.0", "gadget")
    make_wheel("gadget", "2.0")


def ask(prepared: PreparedEnvironment, code: str) -> str:
    answer = subprocess.run([prepared.python, "-c", code], check=True, capture_output=True, text=True)
    return answer.stdout.strip()


@pytest.mark.usefixtures("widget")
def test_an_environment_is_built_once_and_holds_its_lock(cache: Path) -> None:
    first = prepare(WIDGET, cache=cache)
    again = prepare(WIDGET, cache=cache)
    assert (first.reused, again.reused) == (False, True)
    assert replace(again, reused=False) == first
    assert first.environment.packages == {"gadget": "2.0", "widget": "1.0"}
    assert [line.split()[0] for line in first.lock.splitlines()] == ["gadget==2.0", "widget==1.0"]
    assert first.lock.count("--hash=sha256:") == 2
    assert first.environment.python == ask(first, "import platform; print(platform.python_version())")
    assert ask(first, "import widget, gadget; print(widget.VERSION, gadget.VERSION)") == "1.0 2.0"
    assert sorted(path.suffix for path in (cache / "environments").iterdir() if path.name.startswith(".")) == []


@pytest.mark.usefixtures("widget")
def test_bytecode_is_there_and_knows_where_its_source_is(cache: Path) -> None:
    prepared = prepare(WIDGET, cache=cache)
    code = "import widget.part.inner as m; print(m.__spec__.cached); print(m.__spec__.origin)"
    cached, origin = ask(prepared, code).splitlines()
    assert Path(cached).is_file()
    # Bit 0 of the flags says hash-based, bit 1 that the source is to be checked (PEP 552).
    assert Path(cached).read_bytes()[4:8] == b"\x01\x00\x00\x00"
    assert Path(origin).is_relative_to(cache / "environments" / prepared.environment.name)


@pytest.mark.usefixtures("widget")
def test_a_second_environment_shares_the_bytecode_of_the_first(cache: Path, make_wheel: MakeWheel) -> None:
    make_wheel("other", "1.0", "gadget")
    found = []
    for name in ("widget", "other"):
        prepared = prepare(Combination(RUNNING, ((name, "1.0"),)), cache=cache)
        found.append(Path(ask(prepared, "import gadget; print(gadget.__spec__.cached)")))
        assert Path(ask(prepared, f"import {name}; print({name}.__spec__.cached)")).is_file()
    assert found[0] != found[1]
    assert found[0].samefile(found[1])


@pytest.mark.usefixtures("widget")
def test_a_module_for_another_python_does_not_stop_the_build(cache: Path, make_wheel: MakeWheel) -> None:
    make_wheel("broken", "1.0", code="print 'no'\n")
    prepared = prepare(Combination(RUNNING, (("broken", "1.0"), ("widget", "1.0"))), cache=cache)
    assert ask(prepared, "import widget; print(widget.VERSION)") == "1.0"


@pytest.mark.usefixtures("widget")
def test_many_at_once_build_one(cache: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        prepared = list(pool.map(lambda _: prepare(WIDGET, cache=cache), range(4)))
    assert sorted(one.reused for one in prepared) == [False, True, True, True]
    assert len({one.python for one in prepared}) == 1


def remove_record(place: Path) -> None:
    (place / RECORD).unlink()


def truncate_record(place: Path) -> None:
    (place / RECORD).write_text((place / RECORD).read_text()[:-10])


def swap_record(place: Path) -> None:
    record = json.loads((place / RECORD).read_text())
    record["environment"]["packages"]["widget"] = "0.9"
    (place / RECORD).write_text(json.dumps(record))


def remove_python(place: Path) -> None:
    shutil.rmtree(place / ("Scripts" if sys.platform == "win32" else "bin"))


def remove_package(place: Path) -> None:
    for path in place.rglob("gadget*"):
        shutil.rmtree(path)


def leave_a_killed_build(place: Path) -> None:
    place.rename(place.with_name(f".{place.name}"))


@pytest.mark.usefixtures("widget")
@pytest.mark.parametrize(
    "damage", [remove_record, truncate_record, swap_record, remove_python, remove_package, leave_a_killed_build]
)
def test_a_damaged_environment_is_built_again(cache: Path, damage: Callable[[Path], None]) -> None:
    first = prepare(WIDGET, cache=cache)
    damage(cache / "environments" / first.environment.name)
    second = prepare(WIDGET, cache=cache)
    assert not second.reused
    assert ask(second, "import gadget; print(gadget.VERSION)") == "2.0"
    assert prepare(WIDGET, cache=cache).reused
    assert not [path for path in (cache / "environments").iterdir() if path.name.startswith(".")]


def test_a_failed_build_leaves_nothing_to_be_reused(cache: Path, make_wheel: MakeWheel, tmp_path: Path) -> None:
    make_wheel("widget", "1.0")
    prepared = prepare(WIDGET, cache=cache)
    shutil.rmtree(cache / "environments")
    shutil.rmtree(tmp_path / "uv")
    # Another file of the same name and version than the one that was locked.
    make_wheel("widget", "1.0", code="EVIL = True\n")
    with pytest.raises(BuildFailed, match=r"(?i)hash"):
        prepare(WIDGET, cache=cache)
    assert not (cache / "environments" / prepared.environment.name).exists()


def test_the_name_changes_with_each_of_interpreter_loop_and_lock() -> None:
    interpreter = Interpreter(Path("python"), "3.13.0", "CPython")
    lock = Lock("widget==1.0 --hash=sha256:aa\n")
    names = {
        identify(WIDGET, interpreter, lock).name,
        identify(WIDGET, replace(interpreter, version="3.13.1"), lock).name,
        identify(WIDGET, replace(interpreter, implementation="PyPy"), lock).name,
        identify(replace(WIDGET, loop="uvloop"), interpreter, lock).name,
        identify(WIDGET, interpreter, Lock("widget==1.0 --hash=sha256:bb\n")).name,
    }
    assert len(names) == 5
    assert identify(WIDGET, replace(interpreter, path=Path("elsewhere")), lock).name in names
    assert all(name.startswith(WIDGET.slug) for name in names)


def test_no_interpreter_is_unavailable_and_says_how_to_get_one(make_wheel: MakeWheel, cache: Path) -> None:
    make_wheel("widget", "1.0")
    with pytest.raises(Unavailable, match=r"this machine has no Python 3.99; install it, .*: uv python install 3.99"):
        prepare(Combination("3.99", (("widget", "1.0"),)), cache=cache)


def test_no_wheel_for_this_machine_is_unsatisfiable(make_wheel: MakeWheel, cache: Path) -> None:
    make_wheel("widget", "1.0", tag="cp27-cp27m-win32")
    with pytest.raises(Unsatisfiable, match=r"widget==1.0 has no wheels with a matching"):
        prepare(WIDGET, cache=cache)


@pytest.mark.usefixtures("dead_index")
def test_no_index_is_said_as_such(cache: Path) -> None:
    committed = next(c for c in load_matrix() if c.python == RUNNING)
    for combination, offline in [(committed, False), (committed, True), (WIDGET, False), (WIDGET, True)]:
        with pytest.raises(IndexUnreachable) as caught:
            prepare(combination, cache=cache, offline=offline)
        assert "cannot be reached" in caught.value.reason
        assert "127.0.0.1" not in caught.value.reason


@pytest.mark.usefixtures("widget")
def test_a_cache_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    with pytest.raises(BuildFailed, match=r"cannot write environments to .*file.*DIAGNOSTICS_CACHE"):
        prepare(WIDGET, cache=blocked)


def test_every_problem_carries_a_status_of_the_design() -> None:
    kinds = EnvironmentProblem.__subclasses__()
    assert {kind.status for kind in kinds} == {"unavailable", "unsatisfiable", "broken"} < set(STATUSES)


def test_what_was_never_built_is_named_without_a_hash() -> None:
    environment = unprepared(WIDGET)
    assert (environment.name, environment.packages) == (WIDGET.slug, {"widget": "1.0"})


def test_the_cache_may_be_elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DIAGNOSTICS_CACHE", str(tmp_path))
    assert default_cache() == tmp_path
    monkeypatch.delenv("DIAGNOSTICS_CACHE")
    assert default_cache().name == "event-loop-diagnostics"


@pytest.mark.environment
@pytest.mark.parametrize(("generation", "other"), [("httpx", "httpx2"), ("httpx2", "httpx")])
def test_a_real_environment_holds_the_sdks_and_one_generation(
    combination: Callable[[str], Combination], generation: str, other: str
) -> None:
    prepared = prepare(combination(generation), cache=default_cache())
    code = f"import {generation}, openai, anthropic, google.genai; from importlib.util import find_spec as find"
    assert ask(prepared, f"{code}; print(find({other!r}), find('aiohttp'))") == "None None"
    assert set(combination(generation).packages) <= set(prepared.environment.packages.items())
