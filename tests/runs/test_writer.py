"""Whatever stops a run, what was stored is whole, and the run goes on where it stopped."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diagnostics.model.cell import Cell, Environment, Load
from diagnostics.model.codec import encode
from diagnostics.model.trial import Accounting, Trial
from diagnostics.redaction import Secrets
from diagnostics.redaction.records import redacted
from diagnostics.runs import writer as stores
from diagnostics.runs.layout import TRIALS
from diagnostics.runs.reader import RunError, read_environments, read_trials, stored_trials
from diagnostics.runs.records import EnvironmentRow
from diagnostics.runs.writer import Store, StoreError, new_meta
from tests.model.conftest import trials

META = replace(new_meta(["x"], "default"), seconds=1.0)
few_trials = st.lists(trials(), max_size=5)
fewer = settings(max_examples=40)


def trial(number: int, evidence: str | None = None) -> Trial:
    cell = Cell("somewhere", "openai", "repeated-run", "none", Load())
    return Trial(
        key=cell.key(number, mode="fork", instrumented=False),
        environment=Environment("somewhere", "3.13.0", packages={"openai": "3.54.0"}),
        cell=cell,
        trial=number,
        mode="fork",
        instrumented=False,
        status="ran",
        symptom="logged" if evidence else "none",
        evidence=evidence,
        accounting=Accounting(calls=15, answers=15, requests=15),
    )


def stored(folder: Path, *trials: Trial) -> Path:
    with Store(folder) as store:
        for one in trials:
            store.append(one)
    return folder / TRIALS


def may_leave(*trials: Trial) -> tuple[Trial, ...]:
    """The trials as their fields let them leave: a version, say, that is none is text."""
    return tuple(redacted(one, Secrets.of_this_machine()) for one in trials)


@fewer
@given(few_trials, few_trials)
def test_what_is_stored_comes_back_in_order_also_after_going_on(before: list[Trial], after: list[Trial]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        stored(Path(folder), *before)
        with Store(Path(folder)) as store:
            assert store.done == {one.key: one.status for one in before}
            for one in after:
                store.append(one)
            assert store.done == {one.key: one.status for one in [*before, *after]}
        assert stored_trials(Path(folder)) == may_leave(*before, *after)


@fewer
@given(st.lists(trials(), min_size=1, max_size=3), st.data())
def test_cut_off_at_any_byte_it_loses_no_whole_line_and_goes_on(written: list[Trial], data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = stored(Path(folder), *written)
        content = file.read_bytes()
        size = data.draw(st.integers(min_value=0, max_value=len(content)))
        whole = content[:size].count(b"\n")
        file.write_bytes(content[:size])

        # A reader shows a trial whose line lacks its newline alone; a writer runs it again.
        assert stored_trials(file.parent) == may_leave(*written[: content[: size + 1].count(b"\n")])
        with Store(Path(folder)) as store:
            for one in written[whole:]:
                store.append(one)
        assert file.read_bytes() == content


@pytest.mark.parametrize(
    "line", [b"nonsense\n", b"{}\n", b"[]\n", b"\xff\xfe\n", b'{"schema":"diagnostics.trial/2"}\n', b"null\n"]
)
@pytest.mark.parametrize("number", [1, 2, 3])
def test_a_broken_line_is_named_and_nothing_is_touched(line: bytes, number: int, tmp_path: Path) -> None:
    file = stored(tmp_path, trial(0), trial(1))
    lines = file.read_bytes().splitlines(keepends=True)
    broken = b"".join([*lines[: number - 1], line, *lines[number - 1 :]])
    file.write_bytes(broken)

    for read in (lambda: read_trials(tmp_path, read_environments(tmp_path), strict=True), lambda: Store(tmp_path)):
        with pytest.raises((RunError, StoreError), match=rf"trials\.jsonl: line {number}: ") as caught:
            read()
        assert "\n" not in str(caught.value)
        assert str(caught.value).endswith("remove that line to go on without it")
    assert file.read_bytes() == broken
    file.write_bytes(b"".join(lines))
    with Store(tmp_path) as store:
        assert len(store.done) == 2


def test_only_one_run_can_have_a_folder(tmp_path: Path) -> None:
    for _ in range(2):  # the lock goes with its holder
        with Store(tmp_path), pytest.raises(StoreError, match="another run is writing"):
            Store(tmp_path)


def test_another_process_cannot_have_it_either(tmp_path: Path) -> None:
    text = f"from pathlib import Path\nfrom diagnostics.runs.writer import Store\nStore(Path({str(tmp_path)!r}))"
    with Store(tmp_path):
        done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=False, timeout=60)
    assert f"another run is writing {tmp_path}" in done.stderr.splitlines()[-1]


FULL_DISK = """
import resource, sys
from pathlib import Path
from diagnostics.runs.writer import Store, StoreError
from tests.runs.test_writer import trial

limit = int(sys.argv[2])
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
with Store(Path(sys.argv[1])) as store:
    for number in range(100):
        try:
            store.append(trial(number))
        except StoreError as error:
            print(number, len(store.done), error)
            break
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="needs a limit on the size of files")
@pytest.mark.parametrize("on_the_line", [True, False])
def test_on_a_full_disk_what_was_stored_is_whole(on_the_line: bool, tmp_path: Path) -> None:
    """A disk fills in the middle of a line, or exactly at the end of one."""
    size = sum(len(json.dumps(encode(trial(number), compact=True), separators=(",", ":"))) + 1 for number in range(3))
    command = [sys.executable, "-c", FULL_DISK, str(tmp_path), str(size + (0 if on_the_line else 100))]
    root = Path(__file__).parents[2]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False, timeout=60)

    assert done.stdout.startswith(f"3 3 {tmp_path / TRIALS} cannot be written ("), done.stderr
    assert done.stdout.endswith("make room, then go on with --resume\n")
    assert (tmp_path / TRIALS).stat().st_size == size
    with Store(tmp_path) as store:
        store.append(trial(3))
    assert stored_trials(tmp_path) == tuple(trial(number) for number in range(4))


def test_where_no_folder_can_be_it_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for make in (lambda: Store(tmp_path / "file" / "run"), lambda: stores.new_run(tmp_path / "file")):
        with pytest.raises(
            StoreError, match=r"cannot be written \(Not a directory\): choose another place with --reports"
        ):
            make()


def test_a_file_of_the_run_is_the_old_one_or_the_new_one(tmp_path: Path) -> None:
    with Store(tmp_path) as store:
        store.put_lock("b", "old==1.0 --hash=sha256:" + 64 * "0" + "\n")
        (tmp_path / "environments" / "c.txt").mkdir()
        with pytest.raises(StoreError, match=r"c\.txt cannot be written"):
            store.put_lock("c", "new")
    assert sorted(path.name for path in (tmp_path / "environments").iterdir()) == ["b.txt", "c.txt"]
    assert (tmp_path / "environments" / "b.txt").read_text().startswith("old==1.0")


def test_what_an_earlier_part_of_the_run_noted_can_be_read(tmp_path: Path) -> None:
    with Store(tmp_path) as store:
        assert (store.meta, store.environments) == (None, {})
        store.put_meta(META)
        store.put_environments(EnvironmentRow.of(trial(0).environment))
    with Store(tmp_path) as store:
        assert store.meta == META
        assert list(store.environments) == ["somewhere"]
    (tmp_path / "run.json").write_text("{", encoding="utf-8")
    with pytest.raises(StoreError, match=r"run\.json"):
        Store(tmp_path)


def test_trials_that_are_to_run_again_are_removed_and_nothing_else(tmp_path: Path) -> None:
    lost = replace(trial(1), status="broken", reason="the certificate is gone", symptom=None, evidence=None)
    refused = replace(lost, key=trial(2).key, trial=2, status="incompatible")
    stored(tmp_path, trial(0), lost, refused)
    for retry, left in ((["broken"], (trial(0), refused)), (["broken", "incompatible"], (trial(0),))):
        with Store(tmp_path, retry=retry) as store:
            assert list(store.done) == [each.key for each in left]
        assert stored_trials(tmp_path) == left


def test_a_run_says_what_it_is_before_its_first_trial(tmp_path: Path) -> None:
    with Store(tmp_path, about=META):
        pass
    with Store(tmp_path, about=replace(META, profile="another")) as store:
        assert store.meta == META


@pytest.mark.skipif(sys.platform == "win32", reason="a folder cannot be flushed")
def test_every_file_of_a_run_is_flushed_and_so_is_the_folder_with_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flushed: set[tuple[int, int]] = set()
    flush = os.fsync

    def noted(descriptor: int) -> None:
        found = os.fstat(descriptor)
        flushed.add((found.st_dev, found.st_ino))
        flush(descriptor)

    monkeypatch.setattr(os, "fsync", noted)
    folder = stores.new_run(tmp_path / "reports")
    with Store(folder, about=META) as store:
        store.append(trial(0))
        store.put_lock("somewhere", "openai==1.0\n")
        store.put_timeline(trial(0).key, [])
        stores.point_latest(folder)
    written = [folder.parent, folder, *(path for path in folder.rglob("*") if path.name != ".lock")]
    missing = [path for path in written if (path.stat().st_dev, path.stat().st_ino) not in flushed]
    assert missing == []
    assert len(written) > 6


def test_a_trial_names_an_environment_that_is_listed(tmp_path: Path) -> None:
    """Also after a lock was renewed: the row that stored trials name stays beside the new one."""
    made = trial(0).environment
    with Store(tmp_path) as store:
        store.put_environments(replace(EnvironmentRow.of(made), name="never-tried", slug="s"))
        store.put_environments(replace(EnvironmentRow.of(made), slug="s"))
        store.append(trial(0))
        store.put_environments(replace(EnvironmentRow.of(made), name="renewed", slug="s"))
    assert [row.name for row in read_environments(tmp_path)] == ["somewhere", "renewed"]
    (line,) = (tmp_path / TRIALS).read_text().splitlines()
    assert json.loads(line)["environment"] == "somewhere"
    assert stored_trials(tmp_path) == (trial(0),)


def test_two_runs_of_the_same_second_have_folders_of_their_own(tmp_path: Path) -> None:
    folders = [stores.new_run(tmp_path / "reports") for _ in range(4)]
    assert len(set(folders)) == 4
    assert all(folder.is_dir() for folder in folders)


def test_latest_points_to_the_run_it_was_pointed_to(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="there is no run"):
        stores.latest(tmp_path)
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        stores.point_latest(tmp_path / name)
        assert stores.latest(tmp_path).name == name
    assert sorted(path.name for path in tmp_path.iterdir()) == ["first", "latest", "second"]


def test_a_folder_called_latest_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "latest").mkdir()
    with pytest.raises(StoreError, match="move it away"):
        stores.point_latest(tmp_path / "run")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["latest", "run"]


def test_evidence_of_any_kind_is_one_line(tmp_path: Path) -> None:
    strange = [trial(0, "a\nb\r\n\x00\u2028\x85\ufffd"), replace(trial(1), evidence="🙂", symptom="logged")]
    file = stored(tmp_path, *strange)
    assert file.read_bytes().count(b"\n") == 2
    assert stored_trials(tmp_path) == tuple(strange)
