"""Libraries beside those of HTTP, with real servers: the mistake is found and named, and its correct twin is silent.

`# SERVER:` says what a program needs, `# TYPE:` the class that a person wrote, `# ADVICE:` what the first advice must
have. The rest is as in `test_programs`.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.sanitizer.test_programs import header, marked

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.sanitizer.conftest import Ran

PROGRAMS = sorted(Path(__file__).parent.glob("neighbours/programs/*.py"))


@pytest.mark.environment
@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.stem)
def test_a_mistake_with_another_library_is_named_and_its_twin_is_silent(
    run: Callable[..., Ran], request: pytest.FixtureRequest, program: Path
) -> None:
    (server,) = header(program, "SERVER") or []
    address = {} if server == "none" else {server.upper(): request.getfixturevalue(f"{server}_url")}
    ran = run("neighbours", program, more=address)
    expected = dict(word.split("=") for word in header(program, "FINDINGS") or [] if word != "none")
    assert ran.kinds == expected, ran.errors
    assert ran.document is not None
    for cause in ran.document["root_causes"]:
        assert " ".join(header(program, "ADVICE") or []) in cause["advice"][0]["code"]
    for finding in ran.findings:
        client = finding["client"]
        assert [client["type"]] == header(program, "TYPE")
        sites = (client["created_at"], (client["held_by"] or {}).get("site"))
        assert (str(program), marked(program, "CREATED")) in [(site["file"], site["line"]) for site in sites if site]
        assert finding["fault"]["component"] == "user"
    assert len(ran.document["root_causes"]) == bool(expected)
