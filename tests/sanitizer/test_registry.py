"""Folder and table of the detectors agree."""

from __future__ import annotations

from pathlib import Path

from diagnostics.sanitizer.capture import detectors


def test_every_detector_is_a_file_and_a_row() -> None:
    folder = Path(detectors.__file__).parent
    assert {file.stem for file in folder.glob("*.py")} - {"__init__"} == set(detectors.DETECTORS)
    assert all(detectors.DETECTORS.values())
