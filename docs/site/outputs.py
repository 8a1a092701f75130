"""The page of JSON outputs: what each command prints with --json, from the schemas that come with the program."""

import json
from collections.abc import Iterator, Mapping
from importlib.resources import files
from typing import Any

SCHEMAS: dict[str, Any] = json.loads(files("impasto.cli").joinpath("outputs.json").read_text("utf-8"))

WORDS = {
    "title": ("JSON outputs", "JSON 输出"),
    "intro": (
        "With `--json` a command prints one object on stdout; progress and warnings stay on stderr. The tables are "
        "made from\n[outputs.json](outputs.json), a JSON schema for each command, which is also in the package: "
        "`impasto/cli/outputs.json`. The tests hold every object that a command prints against it.",
        "使用 `--json` 时，命令在标准输出打印一个对象，进度和警告仍写到标准错误。下列表格由 "
        "[outputs.json](outputs.json) 生成，其中每条命令有一份 JSON schema，安装包里也有"
        "（`impasto/cli/outputs.json`）。测试会用它检验命令打印的每个对象。说明保持英文。",
    ),
    "error": ("An error, of any command", "任何命令的错误"),
    "shared": ("Objects that several outputs have", "多种输出共有的对象"),
    "columns": ("| name | type | what it is |", "| 名称 | 类型 | 说明 |"),
    "maybe": (" (not always)", "（不一定有）"),
}
"""Texts in English and Chinese."""


def outputs_page(zh: bool = False) -> str:
    """Return a table for each command, of every kind of object that it prints."""
    words = {name: pair[zh] for name, pair in WORDS.items()}
    lines = [f"# {words['title']}", "", words["intro"], ""]
    for command, schema in SCHEMAS["commands"].items():
        lines += [f"## `impasto {command}`", ""]
        for kind in schema.get("oneOf", [schema]):
            lines += _describe_object(kind, words)
    shared = SCHEMAS["$defs"]
    lines += [f"## {words['error']} {{#error}}", "", *_describe_object(shared["error"], words)]
    lines += [f"## {words['shared']} {{#shared}}", ""]
    for name in ("size", "losses", "recipe", "plan", "network", "estimate"):
        lines += [f"### `{name}` {{#{name}}}", "", *_describe_object(shared[name], words)]
    return "\n".join(lines)


def _describe_object(schema: Mapping[str, Any], words: Mapping[str, str]) -> list[str]:
    """Return what an object is, and a table of its keys, those of objects inside it as `outer.inner`."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return [f"{SCHEMAS['$defs'][name]['description']} [{name}](#{name})", ""]
    head = [schema["description"], ""] if "description" in schema else []
    rows = [f"| `{name}` | {_name_type(each)} | {text} |" for name, each, text in _list_keys(schema, "", words)]
    return [*head, words["columns"], "|---|---|---|", *rows, ""] if rows else head


def _list_keys(schema: Mapping[str, Any], outer: str, words: Mapping[str, str]) -> Iterator[tuple[str, Any, str]]:
    for name, each in schema.get("properties", {}).items():
        maybe = "" if name in schema["required"] else words["maybe"]
        yield f"{outer}{name}", each, f"{each.get('description', '')}{maybe}"
        is_list = each.get("type") == "array"
        inner = each["items"] if is_list else each.get("additionalProperties") or each
        if isinstance(inner, dict) and "properties" in inner:
            yield from _list_keys(inner, f"{outer}{name}{'[]' if is_list else ''}.", words)


def _name_type(schema: Mapping[str, Any]) -> str:
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"[{name}](#{name})"
    if "anyOf" in schema:
        return " or ".join(map(_name_type, schema["anyOf"]))
    if "enum" in schema:
        return " or ".join(f"`{value}`" for value in schema["enum"])
    if schema.get("type") == "array":
        return f"array of {_name_type(schema['items'])}"
    kinds = schema.get("type", "any")
    return " or ".join(kinds) if isinstance(kinds, list) else kinds
