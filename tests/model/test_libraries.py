"""The table of libraries: every row and every field is used, and other tables agree with it."""

import ast
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from diagnostics.experiment.providers import PROVIDERS
from diagnostics.lab.server.installed import SERVERS
from diagnostics.model import libraries
from diagnostics.model.libraries import LIBRARIES, SEARCHED, Endpoint, Library, Searched

PACKAGE = Path(libraries.__file__).parents[1]


def attributes_read() -> set[str]:
    trees = (ast.parse(path.read_text(encoding="utf-8")) for path in PACKAGE.rglob("*.py"))
    return {node.attr for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Attribute)}


@pytest.mark.parametrize("record", [Library, Endpoint, Searched])
def test_every_field_is_read_and_set_by_a_row(record: Any) -> None:
    rows: dict[type, list[object]] = {
        Library: [*LIBRARIES.values()],
        Endpoint: [*libraries.endpoints()],
        Searched: [*SEARCHED.values()],
    }
    names = {field.name for field in fields(record)}
    assert names - attributes_read() == set()
    assert {name for name in names if not any(getattr(row, name) for row in rows[record])} == set()


def test_every_sdk_client_and_driver_is_a_provider_and_every_provider_is_one() -> None:
    assert set(libraries.named("sdk", "client", "driver")) == set(PROVIDERS)


def test_a_driver_calls_a_server_that_the_lab_can_start_and_nothing_else_does() -> None:
    assert len(libraries.named()) == len(LIBRARIES), "a library is one row"
    assert {row.server for row in LIBRARIES.values() if row.server} == set(SERVERS)
    assert {name for name, row in LIBRARIES.items() if row.server} == set(libraries.named("driver"))


def test_an_sdk_says_how_it_is_made_and_found() -> None:
    for name in libraries.named("sdk"):
        row = LIBRARIES[name]
        assert row.client, name
        assert row.sync_client, name
        assert row.endpoint, name
        assert row.placement in ("product", "own"), name


def test_names_are_unique_and_normalized() -> None:
    assert list(LIBRARIES) == [name.lower().replace("_", "-") for name in LIBRARIES]
    assert len(set(libraries.modules())) == len(LIBRARIES)


def test_searches_name_providers_and_known_requirements() -> None:
    for name, searched in SEARCHED.items():
        assert searched.provider in PROVIDERS, name
        assert set(searched.requirements) <= set(LIBRARIES), name
