"""The search for a change, with candidates of this test's own, and the commands as a person starts them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from diagnostics.cli import app
from diagnostics.cli.proving import lines
from diagnostics.rewrite.records import Candidate, Misfit, Source
from diagnostics.workflows.fix import FixRequest, fix_program
from tests.rewrite.proof.conftest import BROKEN, FIXED
from tests.rewrite.proof.test_judge import LEAK, observed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from diagnostics.rewrite.proof.prover import Prover

    Build = Callable[..., Prover]

ROOT = Path(__file__).parents[3]
REQUEST = FixRequest(("app.py",), Path(sys.executable), {}, network=True, limit=60.0, trials=2)
SWALLOWED = BROKEN.replace(
    '    print("got", asyncio.run(work(number)))\n',
    '    try:\n        print("got", asyncio.run(work(number)))\n    except RuntimeError:\n        pass\n',
)


def offers(*texts: str) -> Any:
    def candidates(
        _: Mapping[str, Any], cause: Mapping[str, Any], source: Source, misfits: list[Misfit]
    ) -> Iterator[Candidate]:
        misfits.append(Misfit("better", "the code is in the way", near=True))
        assert source.read("app.py").startswith("import asyncio")
        assert cause["kind"] == "cross-loop-use"
        yield from (Candidate(f"number-{number}", "a change", {"app.py": text}) for number, text in enumerate(texts))

    return candidates


def test_the_first_candidate_that_is_proven_wins_and_the_others_say_why_not(prover: Build) -> None:
    fixed = fix_program(prover(), offers(SWALLOWED, FIXED), REQUEST)
    assert fixed.outcome == "proven"
    assert fixed.tree.changed == {"app.py": FIXED}
    assert [(each.fix, each.reason == "") for each in fixed.attempts] == [("number-0", False), ("number-1", True)]
    assert "one asyncio.Queue is used on 2 event loops" in fixed.attempts[0].reason
    said = lines(fixed, written=False)
    assert [each for each in said if each.startswith(("tried", "no place"))] == [
        f"tried number-0: {fixed.attempts[0].reason}"
    ]


def test_two_causes_are_fixed_one_after_the_other(prover: Build) -> None:
    waits = "    asyncio.get_running_loop().call_later(0.001, other.put_nowait, number)\n    await other.get()\n"
    both = BROKEN.replace("queue = asyncio.Queue()", "queue = asyncio.Queue()\nother = asyncio.LifoQueue()")
    both = both.replace("(number):\n", f"(number):\n{waits}")

    def candidates(
        document: Mapping[str, Any], cause: Mapping[str, Any], source: Source, _: list[Misfit]
    ) -> Iterator[Candidate]:
        client = next(each["client"] for each in document["findings"] if each["id"] in cause["findings"])
        line = "other = asyncio.LifoQueue()\n" if "Lifo" in client["type"] else "queue = asyncio.Queue()\n"
        text = source.read("app.py").replace(line, "", 1).replace("(number):\n", f"(number):\n    {line}")
        yield Candidate(line[:5], "a change", {"app.py": text})

    fixed = fix_program(prover(both), candidates, REQUEST)
    assert fixed.outcome == "proven", fixed
    assert {each.fix for each in fixed.applied} == {"queue", "other"}
    assert len(fixed.attempts) == 1  # the proof is of the whole


def test_what_no_candidate_ends_is_said_with_the_best_attempt(prover: Build) -> None:
    made = prover()
    assert fix_program(made, offers(SWALLOWED), REQUEST).outcome == "unproven"
    none = fix_program(made, offers(FIXED), replace(REQUEST, fix="another"))
    assert (none.outcome, none.attempts, none.proof) == ("unproven", (), None)
    assert fix_program(made, offers(FIXED), replace(REQUEST, only=("other.py",))).attempts == ()


def test_without_a_fault_of_the_program_nothing_is_tried(prover: Build) -> None:
    made = prover()
    foreign = observed(LEAK)
    foreign.document["findings"][0]["fault"]["component"] = "package"
    foreign.document["root_causes"][0]["advice"] = [{"text": "upgrade package"}]
    made._before = [foreign]
    fixed = fix_program(made, offers(FIXED), REQUEST)
    assert (fixed.outcome, fixed.advice) == ("third-party", ("upgrade package",))
    made._before = [observed()]
    assert fix_program(made, offers(FIXED), REQUEST).outcome == "nothing"


def command(folder: Path, *words: str) -> subprocess.Popen[str]:
    variables = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        [sys.executable, "-m", "diagnostics", *words],
        cwd=folder,
        env=variables,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_a_patch_is_judged_and_written_only_where_nothing_is_lost(folder: Path) -> None:
    def git(*words: str) -> str:
        identity = ("-c", "user.name=a", "-c", "user.email=a@b.c")
        return subprocess.run(["git", *identity, *words], cwd=folder, capture_output=True, text=True, check=True).stdout

    (folder / "other.py").write_text("shared = 1\n", encoding="utf-8")
    git("init", "-q")
    git("add", "app.py", "other.py")
    git("commit", "-qm", "before")
    (folder / "app.py").write_text(FIXED, encoding="utf-8")
    (folder / "other.py").write_text("own = 1\n", encoding="utf-8")
    patch = git("diff")
    git("checkout", ".")
    (folder / "change.patch").write_text(patch, encoding="utf-8")
    options = ("fix", "--patch", "change.patch", "--trials", "1", "--write", "--json", "out.json")
    (folder / "app.py").write_text(BROKEN + "# mine\n", encoding="utf-8")
    refused = command(folder, *options, "app.py")
    _, errors = refused.communicate()
    assert (refused.returncode, errors.splitlines()[-1]) == (
        1,
        "error: app.py has uncommitted changes; nothing was written: commit them, or add --force",
    )
    assert (folder / "app.py").read_text(encoding="utf-8").endswith("# mine\n")
    git("checkout", "app.py")
    written = command(folder, *options, "app.py")
    output, errors = written.communicate()
    assert (written.returncode, errors.splitlines()[-1]) == (0, "proven, and written: app.py, other.py")
    assert "note: for code outside this folder, other.py has no shared any more" in errors.splitlines()
    assert (folder / "app.py").read_text(encoding="utf-8") == FIXED
    assert json.loads((folder / "out.json").read_text(encoding="utf-8"))["patch"] == output
    git("checkout", ".")
    subprocess.run(["git", "apply", "-"], cwd=folder, input=output, text=True, check=True)
    assert (folder / "app.py").read_text(encoding="utf-8") == FIXED


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs a named pipe")
def test_ctrl_c_ends_the_program_and_changes_nothing(folder: Path, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    hangs = "import asyncio, os\nstream = open(os.environ['READY'], 'w')\nstream.write('x')\nstream.flush()\n"
    (folder / "app.py").write_text(hangs + "asyncio.run(asyncio.sleep(600))\n", encoding="utf-8")
    (folder / "after.py").write_text("", encoding="utf-8")
    patch = "--- /dev/null\n+++ b/more.py\n@@ -0,0 +1 @@\n+more = 1\n"
    (folder / "change.patch").write_text(patch, encoding="utf-8")
    running = command(folder, "fix", "--patch", "change.patch", "--env", f"READY={pipe}", "app.py")
    with pipe.open() as stream:
        assert stream.read(1) == "x"
        running.send_signal(signal.SIGINT)
        _, errors = running.communicate()
        assert stream.read() == ""  # nobody has the other end any more
    assert (running.returncode, errors.splitlines()[-1]) == (130, "interrupted; nothing was changed")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("fix",), "no program given"),
        (("fix", "none.py"), "no such script: none.py"),
        (("fix", "--", "-c", "pass"), "code given with -c"),
        (("fix", "--env", "A", "app.py"), "--env needs NAME=VALUE, not 'A'"),
        (("fix", "--only", "none.py", "app.py"), "--only: there is no file none.py"),
        (("fix", "--python", "nowhere", "app.py"), "--python: there is no interpreter nowhere"),
        (("prove", "--after", ".", "app.py"), "no Python file of . differs from ."),
        (("fix", "--patch-output", "no/patch", "app.py"), "--patch-output: there is no folder no; create it"),
        (("prove", "--json", "no/file", "--after", ".", "app.py"), "--json: there is no folder no; create it"),
        (("prove", "app.py"), "--after is missing"),
    ],
)
def test_invalid_usage_is_one_line(
    words: tuple[str, ...],
    message: str,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(folder)
    with pytest.raises(SystemExit) as ended:
        app([*words])
    assert ended.value.code == 2
    assert capsys.readouterr().err.startswith(f"error: {message}")


def test_an_unknown_fix_is_one_line_with_each_fix_once(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(folder)
    with pytest.raises(SystemExit):
        app(["fix", "--yes", "--fix", "nothing", "app.py"])
    said = next(line for line in capsys.readouterr().err.splitlines() if line.startswith("error: unknown fix"))
    assert said.count("context-manager") == 1


@pytest.mark.skipif(sys.platform == "win32", reason="needs limits of a process")
def test_a_disk_that_is_full_leaves_every_file_as_it_was(folder: Path) -> None:
    (folder / "more.py").write_text("more = 1\n", encoding="utf-8")
    code = (
        "import resource, sys\nfrom pathlib import Path\nfrom diagnostics.rewrite.proof import patches\n"
        "from diagnostics.rewrite.proof.copies import Tree, sources\nroot = Path(sys.argv[1])\n"
        "tree = Tree(root, {'more.py': 'x', 'app.py': 'y' * 2000})\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\npatches.write(tree, sources(root), force=True)\n"
    )
    variables = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", code, folder], env=variables, capture_output=True, text=True, check=False
    )
    assert done.stderr.splitlines()[-1].endswith("cannot write app.py: File too large; nothing was changed")
    assert {path.name: path.read_text(encoding="utf-8") for path in folder.iterdir()} == {
        "app.py": BROKEN,
        "more.py": "more = 1\n",
    }


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="needs a terminal")
@pytest.mark.parametrize(
    ("typed", "status", "said"), [(b"n\n", 1, "error: nothing was run"), (b"\x04", 130, "interrupted; nothing was run")]
)
def test_a_person_at_a_terminal_can_say_no(folder: Path, typed: bytes, status: int, said: str) -> None:
    person, terminal = os.openpty()
    os.write(person, typed)
    variables = {**os.environ, "PYTHONPATH": str(ROOT)}
    words = [sys.executable, "-m", "diagnostics", "fix", "--network", "app.py"]
    done = subprocess.run(words, cwd=folder, env=variables, stdin=terminal, capture_output=True, text=True, check=False)
    os.close(person)
    os.close(terminal)
    first, *_, last = done.stderr.splitlines()
    assert first.endswith("SDKs call their real services")
    assert (done.returncode, last.rpartition("]:")[2].strip()) == (status, said)
