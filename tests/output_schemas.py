"""JSON outputs of commands, held against their schemas in impasto/cli/outputs.json."""

import json
from collections.abc import Mapping
from importlib import import_module
from importlib.resources import files
from typing import Any

from jsonschema import Draft202012Validator

SCHEMAS: dict[str, Any] = json.loads(files("impasto.cli").joinpath("outputs.json").read_text("utf-8"))


def find_command() -> str | None:
    """Return the words of the command that is running, None in the report of an error."""
    try:
        click = import_module("typer._click.globals")
    except ImportError:  # an older Typer, which has no copy of its own
        click = import_module("click.globals")
    context = click.get_current_context(silent=True)
    return None if context is None else str(context.command_path).removeprefix("impasto ")


def check_output(command: str | None, values: Mapping[str, Any]) -> None:
    """Fail where an object is not as the schema of its command, or of an error, says."""
    schema = SCHEMAS["$defs"]["error"] if command is None else SCHEMAS["commands"][command]
    found = list(Draft202012Validator({**schema, "$defs": SCHEMAS["$defs"]}).iter_errors(values))
    details = [f"{error.json_path}: {error.message}" for top in found for error in (top, *(top.context or ()))]
    assert not found, "\n".join([f"impasto {command} --json differs from impasto/cli/outputs.json:", *details])
