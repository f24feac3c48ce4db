"""Real runs: a change is accepted or refused by what they do, and programs that runs say nothing about are refused."""

from __future__ import annotations

import resource
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from diagnostics.cli.proving import Steps, reported
from diagnostics.model.errors import CommandError, InvalidInput
from diagnostics.rewrite.proof.copies import Tree, copy
from diagnostics.rewrite.proof.observe import Conditions, Observation, Program, Runner
from diagnostics.rewrite.proof.patches import apply_patch, patch_of
from diagnostics.rewrite.proof.prover import Prover
from tests.rewrite.proof.conftest import BROKEN, FIXED, LINE
from tests.rewrite.proof.test_judge import LEAK, observed

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Build = Callable[..., Prover]
CONCURRENT = """\
import asyncio


async def answer(reader, writer):
    writer.write(await reader.readline())
    await writer.drain()
    writer.close()
    await writer.wait_closed()


async def ask(port, number, order):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"%d\\n" % number)
    await reader.readline()
    order.append(number)
    writer.close()
    await writer.wait_closed()


async def main():
    order = []
    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        await asyncio.gather(*(ask(port, number, order) for number in range(8)))
    print(sorted(order))


asyncio.run(main())
"""


def test_the_right_change_is_proven_and_the_copies_leave_the_folder_alone(prover: Build, folder: Path) -> None:
    proof = prover().prove(Tree(folder, {"app.py": FIXED}))
    assert proof.accepted, proof.reason
    assert proof.runs == 2
    assert (folder / "app.py").read_text(encoding="utf-8") == BROKEN
    assert [path.name for path in folder.iterdir()] == ["app.py"]


def test_what_a_run_writes_to_its_folder_is_in_no_patch(prover: Build, folder: Path) -> None:
    lock = 'import pathlib\npathlib.Path("uv.lock").write_text("version = 1")\n'
    made = prover(f"{lock}{BROKEN}")
    changed = Tree(folder, {"app.py": f"{lock}{FIXED}"})
    assert made.prove(changed).accepted
    assert [path.name for path in folder.iterdir()] == ["app.py"]
    assert [line for line in patch_of(changed).splitlines() if line.startswith(b"+++")] == [b"+++ b/app.py"]


def test_a_change_that_hides_the_error_is_refused_by_its_first_run(prover: Build, folder: Path) -> None:
    loop = "    try:\n        print('got', asyncio.run(work(number)))\n    except RuntimeError:\n        pass\n"
    hidden = BROKEN.replace('    print("got", asyncio.run(work(number)))\n', f"{loop}# event-loops: ignore\n")
    hidden = hidden.replace("asyncio.Queue()", "asyncio.Queue()  # event-loops: ignore")
    proof = prover(trials=9).prove(Tree(folder, {"app.py": hidden}))
    assert proof.reason.startswith("still: one asyncio.Queue is used on 2 event loops"), proof
    assert proof.runs == 1


def test_the_conditions_reach_the_program(prover: Build, folder: Path) -> None:
    made = prover(CONCURRENT)
    on, forced, off = made.runner.observe_all(
        made.program, made.tree, [Conditions(), Conditions("forced", 1, order=True), Conditions("off", 2, order=True)]
    )
    assert [each.output for each in (on, forced, off)] == ["[0, 1, 2, 3, 4, 5, 6, 7]\n"] * 3
    assert (on.collections, off.collections, on.orders) == (0, 0, 0)
    assert forced.collections
    assert forced.orders
    assert off.orders
    assert not any(each.causes for each in (on, forced, off))
    assert [each.status for each in (on, forced, off)] == [0, 0, 0]


class _OneDatabase(Runner):
    """Copies that overlap disturb each other."""

    def observe(self, program: Program, tree: Tree, conditions: Conditions) -> Observation:
        return observed() if tree.changed else observed(LEAK)

    def observe_all(self, program: Program, tree: Tree, conditions: Sequence[Conditions]) -> list[Observation]:
        output = "a\nc\n" if len(conditions) > 1 and tree.changed else "a\nb\n"
        return [replace(self.observe(program, tree, each), output=output) for each in conditions]


def test_copies_that_disturb_each_other_are_run_again_alone(tmp_path: Path) -> None:
    runner = _OneDatabase(2)
    made = Prover(Program((), Path(), {}, 1.0), Tree(tmp_path), 4, runner, lambda *_: None)
    proof = made.prove(Tree(tmp_path, {"app.py": ""}), [observed()])
    assert (proof.accepted, proof.runs, runner.at_once) == (True, 4, 1)


@pytest.mark.parametrize(
    ("text", "limit", "message"),
    [
        (LINE + "input()\nasyncio.run(main())\n", 60.0, "the program reads standard input"),
        (LINE + "asyncio.run(main())\nopen(__file__, 'a').write('# more')\n", 60.0, "writes its own source (app.py)"),
        ("import nowhere\n", 60.0, "ModuleNotFoundError: No module named 'nowhere'; name the program's interpreter"),
        (LINE + "asyncio.run(asyncio.sleep(600))\n", 2.0, "did not end within 2 s"),
    ],
    ids=["input", "source", "package", "hang"],
)
def test_programs_of_which_runs_say_nothing_are_refused(prover: Build, text: str, limit: float, message: str) -> None:
    with pytest.raises(CommandError, match=r"^[^\n]+$") as caught:
        prover(text, limit=limit).baseline()
    assert message in str(caught.value)


def test_a_disk_that_takes_no_copy_ends_it_with_one_error(prover: Build, folder: Path) -> None:
    (folder / "data.bin").write_bytes(bytes(2**20))
    made = prover()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2**18, hard))
    try:
        with (
            pytest.raises(CommandError, match=r"^the program cannot be copied.*nothing was changed$"),
            reported(Steps()),
        ):
            made.baseline()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_copy_has_links_to_environments(tmp_path: Path) -> None:
    for name in (".venv", "more/env"):
        (tmp_path / "app" / name).mkdir(parents=True)
        (tmp_path / "app" / name / "pyvenv.cfg").touch()
    (tmp_path / "app" / "app.py").write_text("x = 1\n", encoding="utf-8")
    copy(tmp_path / "app", tmp_path / "copy")
    assert (tmp_path / "copy" / "app.py").read_text(encoding="utf-8") == "x = 1\n"
    for name in (".venv", "more/env"):
        link = tmp_path / "copy" / name
        assert link.is_symlink()
        assert link.resolve() == (tmp_path / "app" / name).resolve()


def test_a_link_to_itself_is_copied(tmp_path: Path) -> None:
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "loop").symlink_to("loop")
    copy(tmp_path / "app", tmp_path / "copy")
    assert (tmp_path / "copy" / "loop").is_symlink()


@pytest.mark.parametrize(
    ("patch", "message"),
    [
        ("--- a/app.py\n+++ b/../evil.py\n@@ -1 +1 @@\n-x = 1\n+x = 2\n", "cannot be applied"),
        ("--- /dev/null\n+++ b/.git/config\n@@ -0,0 +1 @@\n+x\n", "invalid path"),
        (
            "diff --git a/l.py b/l.py\nnew file mode 120000\n--- /dev/null\n+++ b/l.py\n@@ -0,0 +1 @@\n+/etc/hosts\n",
            "a link",
        ),
        ("\0\xff", "cannot be applied"),
        (None, "is not a file"),
    ],
)
def test_a_hostile_patch_is_refused(tmp_path: Path, patch: str | None, message: str) -> None:
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "app.py").write_text("x = 1\n", encoding="utf-8")
    if patch is None:
        (tmp_path / "patch").symlink_to("patch")
    else:
        (tmp_path / "patch").write_text(patch, encoding="utf-8")
    with pytest.raises(InvalidInput, match=message):
        apply_patch(Tree(tmp_path / "app"), tmp_path / "patch")
    assert sorted(each.name for each in tmp_path.iterdir()) == ["app", "patch"]
