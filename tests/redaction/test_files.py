"""There is one way into a run folder, and nothing goes past it."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import pytest

from diagnostics.model.codec import encode
from diagnostics.model.words import VERDICTS
from diagnostics.redaction.files import Unlisted, drawn, write, write_drawn, write_record
from diagnostics.redaction.records import redacted
from diagnostics.redaction.secrets import Secrets
from diagnostics.report.view.build import build_view
from diagnostics.runs.reader import read_run
from diagnostics.runs.records import EnvironmentRow

ROOT = Path(__file__).parents[2] / "diagnostics"
ME = Secrets(
    home="/srv/people/marple",
    user="marple",
    host="stmary-mead.example",
    known=(("Hunter2-of-milchester!", "key"),),
)
WRITES_ELSEWHERE = {
    "__main__.py": "nothing: it opens the null device in place of a standard output that takes no more",
    "cli/fix.py": "the person's own program with its change, on request: a patch of it must stay as it is",
    "cli/proving.py": "what `--json` names: cleaned by the sanitizer's redaction, but for the patch",
    "cli/serve.py": "the address of the server, to the file that its caller names: no record and no text of a program",
    "drop_in.py": "our own code, on standard output",
    "lab/bisection/releases.py": "what the index says of releases, in the cache",
    "lab/bisection/script.py": "the folder of a person's script, which is removed afterwards",
    "lab/execution/essentials.py": "zeros, which are removed again, to see whether there is room",
    "lab/execution/process.py": "the output of a program, in a folder that is removed afterwards",
    "runs/bounded.py": "nothing: it opens regular files to read them",
    "lab/script.py": "a script to run, in a folder that is removed afterwards",
    "lab/environments/build.py": "environments in the cache",
    "lab/environments/bytecode.py": "bytecode in the cache",
    "lab/environments/cache.py": "the cache",
    "lab/environments/locks.py": "the committed locks: pins and hashes, and reasons that it cleans itself",
    "lab/environments/resolve.py": "what uv is asked, in a folder that is gone afterwards; locks in the cache",
    "lab/execution/staging.py": "a copy of our own code in the cache",
    "lab/execution/worker.py": "a worker's errors, in a folder that is gone afterwards",
    "lab/server/certificates.py": "certificates for the loopback, in a folder that is gone afterwards",
    "runs/writer.py": "lines that `redaction.files` cleaned, and the link to the latest run",
    "pytest_plugin/starting.py": "journals of test processes, in a folder that is removed afterwards",
    "redaction/files.py": "the one way in",
    "rewrite/check/__init__.py": "nothing: it opens the null device in place of a standard output that takes no more",
    "rewrite/proof/billing.py": "certificates, in a folder that is gone afterwards",
    "rewrite/proof/copies.py": "copies of the person's program, in a folder that is gone afterwards",
    "rewrite/proof/observe.py": "the output of a program, in a folder that is gone afterwards",
    "rewrite/proof/patches.py": "the person's own program with its change, on request",
}
"""Modules of the outside zone that write files, and why that is no way past the tables."""
_WRITERS = {
    "write_text",
    "write_bytes",
    "mkstemp",
    "NamedTemporaryFile",
    "fdopen",
    "copyfile",
    "copy",
    "copytree",
    "keep",
}


def writes(path: Path) -> bool:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        owner = getattr(getattr(node.func, "value", None), "id", "")
        words = [arg.value for arg in [*node.args, *(k.value for k in node.keywords)] if isinstance(arg, ast.Constant)]
        opens = name == "open" and (
            owner == "os" or any(set(str(word)) & set("wax+") and len(str(word)) <= 3 for word in words)
        )
        copies = name in ("copyfile", "copy", "copytree") and owner != "shutil"
        keeps = name == "keep" and owner != "files"
        if opens or (name in _WRITERS and not copies and not keeps) or (owner == "os" and name == "write"):
            return True
    return False


def outside() -> list[Path]:
    inside = {"model", "sanitizer", "experiment", "worker", "async_tools"}
    return [path for path in sorted(ROOT.rglob("*.py")) if path.relative_to(ROOT).parts[0] not in inside]


def test_whoever_writes_a_file_is_known_with_a_reason() -> None:
    found = {str(path.relative_to(ROOT)) for path in outside() if writes(path)}
    assert found <= set(WRITES_ELSEWHERE), "write through lab.store, or report.formats, or say why not"
    assert {name for name in WRITES_ELSEWHERE if not (ROOT / name).is_file()} == set()


def test_a_file_that_nothing_is_said_of_is_not_written(tmp_path: Path) -> None:
    for name, content in (("core.dump", "x"), ("new.json", "{}"), ("new.jsonl", '{"schema": "a"}\n')):
        with pytest.raises(Unlisted):
            write(tmp_path / name, content, ME)
    assert list(tmp_path.iterdir()) == []


def test_the_program_in_an_issue_runs_as_it_was_written() -> None:
    program = 'server = Server(("127.0.0.1", 0), Handler)\nclient = AsyncOpenAI(api_key="sk-0123456789ab")\n'
    assert drawn(Path("issue-openai-python.md"), program, ME) == program
    assert drawn(Path("report.md"), program, ME) != program


def test_a_lock_holds_pins_and_hashes_and_nothing_else(tmp_path: Path) -> None:
    good = f"jiter==0.19.0 --hash=sha256:{'0f' * 32} --hash=sha256:{'a1' * 32}\nh11==0.16.0 --hash=sha256:{'b2' * 32}\n"
    bad = "--index-url https://marple:pw@index.stmary-mead.example/simple\n# made by marple\nx @ file:///srv/people/marple\n"
    write(tmp_path / "environments" / "py3.13-1a2b3c4d.txt", bad + good, ME)
    assert (tmp_path / "environments" / "py3.13-1a2b3c4d.txt").read_text() == good


def test_a_record_is_still_json_whatever_is_in_it(tmp_path: Path) -> None:
    reason = 'quoted "api_key": "Canary-1" \\ /srv/people/marple \n sk-proj-Canary1234567890'
    row = EnvironmentRow("e", "e", "broken", reason, "3.13.0", {})
    write_record(tmp_path / "environments.json", [row], ME)
    (data,) = json.loads((tmp_path / "environments.json").read_text())
    assert data == encode(row) | {"reason": 'quoted "api_key": "<key>" \\ ~ \n <key>'}


@pytest.mark.parametrize("name", ["a.md", "a.txt", "a.html", "a.svg", "a.xml", "a.json", "a.sarif"])
def test_what_a_format_brings_itself_is_looked_through(name: str, tmp_path: Path) -> None:
    page = "<p>Hunter2-of-milchester! in /srv/people/marple/x.py on stmary-mead.example</p>"
    write_drawn(tmp_path / name, page, ME)
    shown = (tmp_path / name).read_text()
    assert not any(secret in shown for secret in ("Hunter2", "people", "stmary"))
    assert ("&lt;key&gt;" in shown) == name.endswith((".html", ".svg", ".xml"))


def test_a_page_without_secrets_is_drawn_as_it_is(tmp_path: Path) -> None:
    script = "const password=a.b,user='x';f(`token=${t}`);if(user<3){marple=1}"
    assert drawn(Path("a.html"), script, ME) == script
    write_drawn(tmp_path / "a.png", b"\x89PNG\xff", ME)
    assert (tmp_path / "a.png").read_bytes() == b"\x89PNG\xff"


def test_the_committed_sample_needs_no_further_cleaning() -> None:
    sample = ROOT.parent / "reports" / "sample"
    page = (sample / "report.md").read_text(encoding="utf-8")
    assert drawn(Path("report.md"), page, Secrets()) == page
    run = read_run(sample)
    assert redacted(run, Secrets()) == run


def test_the_committed_sample_is_small_and_shows_every_verdict() -> None:
    sample = ROOT.parent / "reports" / "sample"
    assert sum(path.stat().st_size for path in sample.rglob("*") if path.is_file()) < 1_000_000
    run = read_run(sample)
    found = {result.verdict for subject in build_view(run, None).subjects for result in subject.fixes}
    assert found >= set(VERDICTS)
    assert run.timelines
