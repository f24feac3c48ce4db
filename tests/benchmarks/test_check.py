"""The study of `check` compares what it reports with what a person judged."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from benchmarks.parts.check import JUDGEMENTS, PackagesChecked, ReportedLine, check
from diagnostics.rewrite.rules import shared_client

if TYPE_CHECKING:
    from pathlib import Path


def test_alerts_are_compared_with_judgements(tmp_path: Path) -> None:
    package = tmp_path / "package"
    package.mkdir()
    (package / "app.py").write_text(shared_client.WRONG, encoding="utf-8")
    found = PackagesChecked(set())
    check(tmp_path, "package==1", found)
    (alert,) = found.reported
    assert alert == ReportedLine("package==1", "EL001", "package/app.py:5")
    gone = ReportedLine("package==1", "EL002", "package/app.py:1")
    figures = dict(found.figures({alert: "wrong", gone: "right"}))
    assert figures["alerts judged wrong"] == "1"
    assert figures["alerts not judged"] == "0"
    assert figures["judged right and not reported"] == "1"
    assert dict(found.figures({}))["alerts not judged"] == "1"


def test_every_judgement_is_of_a_package_of_its_draw() -> None:
    record = json.loads(JUDGEMENTS.read_text(encoding="utf-8"))
    for each in record["alerts"]:
        assert f"{each['package']}=={each['version']}" in record["packages"][str(each["draw"])]
        assert each["verdict"] in ("right", "wrong")
        assert each["reason"]
