from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagnostics.lab.combination import Combination
from diagnostics.lab.environments import locks
from diagnostics.lab.environments.locks import Lock, LockError
from diagnostics.lab.matrix_file import load_matrix

names = st.sampled_from(["a", "b", "a-b", "httpx", "httpx2"])
versions = st.sampled_from(["1.0", "2.0rc1", "0.3.post1"])
pins = st.dictionaries(names, versions, min_size=1)


def hashes_of(pin: str) -> list[str]:
    """Every lock must know the same hashes of a pin, as two answers of one index do."""
    return [f"--hash=sha256:{index:02}{pin.encode().hex():0>62}" for index in range(2)]


def lock_of(packages: dict[str, str]) -> Lock:
    separator = " \\\n    "
    lines = [separator.join([f"{name}=={pin}", *hashes_of(f"{name}=={pin}")]) for name, pin in packages.items()]
    return locks.parse("# a comment\n" + "\n".join(lines) + "\n")


@given(pins)
def test_a_parsed_lock_knows_its_packages_and_is_its_own_spelling(packages: dict[str, str]) -> None:
    lock = lock_of(packages)
    assert lock.packages == packages
    assert locks.parse(lock.text) == lock == lock_of(dict(reversed(packages.items())))
    assert lock.text.splitlines() == sorted(lock.text.splitlines())


@given(st.dictionaries(st.sampled_from(["3.10", "3.11", "3.12"]), pins), st.booleans())
def test_a_folder_gives_back_what_was_written(
    tmp_path_factory: pytest.TempPathFactory, wanted: dict[str, dict[str, str]], reverse: bool
) -> None:
    folder = tmp_path_factory.mktemp("locks")
    stale = Combination("3.9", ())
    locks.write(folder, {stale.slug: lock_of({"a": "1.0"})}, {"py3.8": "because"})
    combinations = [Combination(python, ()) for python in wanted]
    order = reversed(combinations) if reverse else combinations
    locks.write(folder, {c.slug: lock_of(wanted[c.python]) for c in order}, {"py3.7": "no"})
    for combination in combinations:
        assert locks.read(combination, folder) == lock_of(wanted[combination.python])
    assert locks.read(stale, folder) is None
    assert locks.reasons(folder) == {"py3.7": "no"}
    assert locks.faults([*combinations, Combination("3.7", ())], folder) == []


@pytest.mark.parametrize(
    "text",
    [
        "widget==1.0\n",
        "widget>=1.0 --hash=sha256:aa\n",
        "widget==1.0 --hash=md5:aa\n",
        "--index-url somewhere\n",
        "widget==1.0 ; python_version < '3' --hash=sha256:aa\n",
    ],
)
def test_what_is_not_pinned_with_hashes_is_no_lock(text: str) -> None:
    with pytest.raises(LockError, match="not a pin with hashes"):
        locks.parse(text)


def test_faults_name_what_is_missing_stale_and_contradictory(tmp_path: Path) -> None:
    def combination(name: str) -> Combination:
        return Combination("3.13", ((name, "1.0"),))

    good, missing, wrong, both, bare, stale = map(combination, ("good", "missing", "wrong", "both", "bare", "stale"))
    found = {c.slug: lock_of({c.packages[0][0]: "1.0"}) for c in (good, both, bare, stale)}
    locks.write(tmp_path, found | {wrong.slug: lock_of({"good": "1.0"})}, {both.slug: "no"})
    hashes = tmp_path / locks.HASHES
    hashes.write_text("".join(line for line in hashes.read_text().splitlines(True) if not line.startswith("bare")))
    assert locks.faults([good, missing, wrong, both, bare], tmp_path) == [
        f"{missing.slug}: there is neither a lock nor a reason why not",
        f"{wrong.slug}: the lock lacks wrong==1.0",
        f"{both.slug}: there is a lock, and a reason why there is none",
        f"{bare.slug}: {tmp_path.name}/hashes.txt has no hash of bare==1.0; run: python -m diagnostics lock",
        f"{stale.slug}: is not in the matrix any more",
    ]


def test_a_version_has_more_than_one_spelling(tmp_path: Path) -> None:
    combination = Combination("3.13", (("widget", "1.0"),))
    locks.write(tmp_path, {combination.slug: lock_of({"widget": "1.0.0"})}, {})
    assert locks.faults([combination], tmp_path) == []


def test_the_committed_locks_are_those_of_the_matrix() -> None:
    assert locks.faults(load_matrix()) == []


def test_every_committed_lock_holds_one_generation_and_aiohttp_only_where_asked() -> None:
    read = [(c, lock.packages) for c in load_matrix() if (lock := locks.read(c))]
    assert len(read) > 60
    for combination, packages in read:
        stacks = {"httpx": ("httpx2", "httpcore2"), "httpx2": ("httpx", "httpcore")}
        other = stacks.get(str(combination.generation), sum(stacks.values(), ()))
        assert not set(other) & set(packages)
        assert ("aiohttp" in packages) == (combination.value("aiohttp") is not None)


def test_no_committed_lock_names_an_address() -> None:
    for path in locks.COMMITTED.iterdir():
        assert "://" not in path.read_text(encoding="utf-8"), path.name
