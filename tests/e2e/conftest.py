"""Every JSON object that a command prints in these tests is held against its schema."""

import json
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import pytest
from output_schemas import check_output, find_command

from impasto.cli import report


@pytest.fixture(autouse=True)
def printed_objects(monkeypatch: pytest.MonkeyPatch) -> list[str | None]:
    """The commands that printed an object so far, in their order; None for an error."""
    printed: list[str | None] = []

    def dumps(values: Mapping[str, Any], **options: Any) -> str:
        printed.append(find_command())
        check_output(printed[-1], values)
        return json.dumps(values, **options)

    monkeypatch.setattr(report, "json", SimpleNamespace(dumps=dumps))
    return printed
