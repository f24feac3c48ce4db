"""What a person reads about a result: each reason once, and what other code loses."""

from __future__ import annotations

from pathlib import Path

from diagnostics.cli.proving import lines
from diagnostics.rewrite.proof.copies import Tree
from diagnostics.rewrite.proof.interface import taken
from diagnostics.rewrite.proof.judge import Proof
from diagnostics.rewrite.records import Candidate, Misfit
from diagnostics.workflows.fix import Attempt, Fixed

BEFORE = "client = 1\n\n\nclass Bot:\n    def ask(self, text): ...\n\n\ndef ask(text): ...\n\n\ndef _own(text): ...\n"
AFTER = (
    "clients = 1\n\n\nclass Bot:\n    def ask(self, text): ...\n\n\ndef ask(client, text): ...\n\n\ndef _own(): ...\n"
)


def test_a_name_that_is_gone_and_a_parameter_that_is_new_are_said(tmp_path: Path) -> None:
    for name in ("llm.py", "test_llm.py"):
        (tmp_path / name).write_text(BEFORE, encoding="utf-8")
    (tmp_path / "app.py").write_text(f"import asyncio\n{BEFORE}asyncio.run(ask(1))\n", encoding="utf-8")
    tree = Tree(tmp_path, {"llm.py": AFTER, "test_llm.py": AFTER, "app.py": AFTER, "new.py": AFTER})
    assert taken(tree) == ["llm.py has no client any more", "llm.py has ask(client, text)"]
    two = BEFORE.replace("def ask(text): ...\n\n\ndef _own", "def ask(one): ...\n\n\ndef ask(text): ...\n\n\ndef _own")
    (tmp_path / "two.py").write_text(two, encoding="utf-8")
    assert taken(Tree(tmp_path, {"two.py": two + "# more\n"})) == []
    assert taken(Tree(tmp_path, {"llm.py": BEFORE.replace("...", "return text")})) == []


def test_each_reason_has_one_line_and_that_of_the_best_attempt_is_the_last(tmp_path: Path) -> None:
    attempts = tuple(Attempt(fix, "", why) for fix, why in [("a", "x"), ("b", "y"), ("c", "y"), ("c", "y")])
    skipped = (Misfit("d", "z", near=True), Misfit("e", "z", near=True), Misfit("f", "it is for others", near=False))
    best = Proof(False, "x", (), 3)
    fixed = Fixed("unproven", Tree(tmp_path), ("one",), (Candidate("a", "", {}),), attempts, best, ("do it",), skipped)
    assert lines(fixed, written=False) == [
        "found: one",
        "tried b, c: y",
        "no place for d, e: z",
        "help: do it",
        "no change is proven, and nothing was changed; the best attempt, a, failed: x",
    ]
    assert lines(Fixed("unproven", Tree(tmp_path), ("one",)), written=False)[-1].endswith("no fix fits this code")
