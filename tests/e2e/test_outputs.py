"""The schemas of JSON outputs: one for each command with --json, and strict enough to see a change."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from output_schemas import SCHEMAS, check_output

from impasto.cli.app import main

sys.path.insert(0, str(Path(__file__).parents[2] / "docs" / "site"))

import reference


def test_every_command_with_json_has_a_schema() -> None:
    with_json = {
        words.removeprefix("impasto ")
        for words, command in reference.list_commands()
        if any("--json" in param.opts for param in command.params)
    }
    assert set(SCHEMAS["commands"]) == with_json


@pytest.mark.parametrize("command", SCHEMAS["commands"])
def test_schemas_are_sound_and_closed(command: str) -> None:
    schema: dict[str, Any] = {**SCHEMAS["commands"][command], "$defs": SCHEMAS["$defs"]}
    Draft202012Validator.check_schema(schema)
    with pytest.raises(AssertionError, match=f"impasto {command} --json differs"):
        check_output(command, {"unknown": 1})


def test_a_change_of_an_output_is_named() -> None:
    values = {"removed": [], "bytes": 0, "dry_run": True}
    check_output("runs clean", values)
    with pytest.raises(AssertionError, match=r"\$: Additional properties are not allowed \('freed' was unexpected\)"):
        check_output("runs clean", {**values, "freed": 0})
    with pytest.raises(AssertionError, match=r"\$.bytes: '0' is not of type 'integer'"):
        check_output("runs clean", {**values, "bytes": "0"})


def test_what_commands_print_is_held_against_the_schemas(
    printed_objects: list[str | None], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["recipe", "list", "--json"]) == 0 and main(["recipe", "show", "nowhere", "--json"]) == 2
    assert printed_objects == ["recipe list", None]
    first, second = capsys.readouterr().out.splitlines()
    assert "presets" in json.loads(first) and set(json.loads(second)) == {"error", "hint"}


def test_the_page_shows_every_output() -> None:
    for page in (reference.outputs_page(), reference.outputs_page(True)):
        for command, schema in SCHEMAS["commands"].items():
            section = page.split(f"## `impasto {command}`\n")[1].split("\n## ")[0]
            for kind in schema.get("oneOf", [schema]):
                assert all(f"| `{name}` |" in section for name in kind.get("properties", ()))
