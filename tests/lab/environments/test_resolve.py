import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from diagnostics.lab.combination import Combination
from diagnostics.lab.environments import BuildFailed, IndexUnreachable, Unsatisfiable
from diagnostics.lab.environments.resolve import find_lock, resolve

RUNNING = f"{sys.version_info.major}.{sys.version_info.minor}"

MakeWheel = Callable[..., None]


def combination(**packages: str) -> Combination:
    return Combination(RUNNING, tuple(packages.items()))


def test_the_answer_is_every_package_with_its_hashes(make_wheel: MakeWheel) -> None:
    make_wheel("httpx", "0.28.1", "httpcore")
    make_wheel("httpcore", "1.0.9")
    lock = resolve(combination(httpx="0.28.1"))
    assert lock.packages == {"httpx": "0.28.1", "httpcore": "1.0.9"}
    assert "://" not in lock.text


def test_a_python_that_is_not_here_can_be_resolved_for(make_wheel: MakeWheel) -> None:
    make_wheel("widget", "1.0", "gadget; python_version >= '3.99'")
    make_wheel("gadget", "2.0")
    assert "gadget" in resolve(Combination("3.99", (("widget", "1.0"),))).packages
    assert "gadget" not in resolve(Combination("3.98", (("widget", "1.0"),))).packages


def test_the_other_generation_is_not_let_in(make_wheel: MakeWheel) -> None:
    make_wheel("httpx", "0.28.1")
    make_wheel("httpx2", "2.16.2")
    make_wheel("openai", "1.0.0", "httpx")
    make_wheel("openai", "3.0.0", "httpx2")
    assert resolve(combination(openai="1.0.0", httpx="0.28.1")).packages == {"openai": "1.0.0", "httpx": "0.28.1"}
    with pytest.raises(Unsatisfiable) as caught:
        resolve(combination(openai="1.0.0", httpx2="2.16.2"))
    assert "openai==1.0.0 depends on httpx, which may not be there beside the other generation" in caught.value.reason
    with pytest.raises(Unsatisfiable, match=r"openai==3.0.0 depends on httpx2, which may not be there"):
        resolve(combination(openai="3.0.0", httpx="0.28.1"))


def test_a_conflict_is_the_resolvers_sentence_on_one_line(make_wheel: MakeWheel) -> None:
    make_wheel("widget", "1.0", "gadget<2")
    make_wheel("gadget", "2.0")
    with pytest.raises(Unsatisfiable, match=r"^Because .*gadget.*we can conclude that .* unsatisfiable\.$") as caught:
        resolve(combination(widget="1.0", gadget="2.0"))
    assert "\n" not in caught.value.reason
    assert "error" not in caught.value.reason


def test_a_release_that_does_not_exist_is_unsatisfiable(make_wheel: MakeWheel) -> None:
    make_wheel("widget", "1.0")
    with pytest.raises(Unsatisfiable, match=r"no version of widget==7.0"):
        resolve(combination(widget="7.0"))


def test_a_date_that_is_none_is_no_answer(make_wheel: MakeWheel) -> None:
    make_wheel("widget", "1.0")
    with pytest.raises(BuildFailed, match=r"yesteryear"):
        resolve(combination(widget="1.0"), as_of="yesteryear")


@pytest.mark.usefixtures("dead_index")
def test_silence_of_the_index_is_not_an_answer() -> None:
    for offline in (False, True):
        with pytest.raises(IndexUnreachable):
            resolve(combination(widget="1.0"), offline=offline)


def test_a_lock_that_was_resolved_once_is_kept(make_wheel: MakeWheel, tmp_path: Path) -> None:
    make_wheel("widget", "1.0", "gadget")
    make_wheel("gadget", "1.0")
    first = find_lock(combination(widget="1.0"), cache=tmp_path)
    make_wheel("gadget", "2.0")
    assert find_lock(combination(widget="1.0"), cache=tmp_path) == first
    assert resolve(combination(widget="1.0")) != first


def test_a_kept_lock_that_cannot_be_read_is_resolved_again(make_wheel: MakeWheel, tmp_path: Path) -> None:
    make_wheel("widget", "1.0")
    wanted = combination(widget="1.0")
    first = find_lock(wanted, cache=tmp_path)
    path = tmp_path / "locks" / f"{wanted.slug}.json"
    for rubbish in ("", "[]", "{}", '{"lock": "widget", "unsatisfiable": null}', path.read_text()[:20]):
        path.write_text(rubbish)
        assert find_lock(wanted, cache=tmp_path) == first
        assert json.loads(path.read_text())["lock"] == first.text


def test_a_reason_stands_in_for_the_index_only(
    make_wheel: MakeWheel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_wheel("gadget", "1.0")
    wanted = combination(widget="1.0")
    with pytest.raises(Unsatisfiable) as first:
        find_lock(wanted, cache=tmp_path)
    with monkeypatch.context() as unreachable:
        unreachable.delenv("UV_NO_INDEX")
        unreachable.setenv("UV_DEFAULT_INDEX", "http://127.0.0.1:9/simple")
        unreachable.setenv("UV_HTTP_RETRIES", "0")
        with pytest.raises(Unsatisfiable) as second:
            find_lock(wanted, cache=tmp_path)
    assert second.value.reason == first.value.reason
    make_wheel("widget", "1.0")
    assert find_lock(wanted, cache=tmp_path).packages == {"widget": "1.0"}
