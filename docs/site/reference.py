"""The pages of the reference that are made from the code, English and Chinese: commands, outputs, presets, recipe
fields, Python names, errors."""

import dataclasses
import inspect
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer
from outputs import outputs_page

import impasto
from impasto import errors
from impasto.cli.app import PANELS, app
from impasto.recipe.presets import describe_preset, preset_names
from impasto.recipe.recipe import Recipe

DO = {
    "ImageReadError": "Check the path; save the picture as PNG or JPEG in another program. HEIC needs `impasto[heif]`.",
    "VideoReadError": "Check the path; look whether a player shows the film, and convert it to MP4 if it does.",
    "ImageSizeError": "Give a larger `size`, or raise `max_pixels` if so large a picture is meant.",
    "ImageRangeError": "Floats must lie in [0, 1]; divide bytes that were converted to float by 255.",
    "MaskError": "Look at the mask: white where it applies, the aspect of its picture, as many as regions.",
    "OutputError": "Choose a folder that can be written, and a suffix that is known.",
    "RecipeError": "The message has the allowed values; `--help-all` lists each option with its range.",
    "KeywordError": "The message names the nearest keyword.",
    "WeightsError": "`impasto weights` shows which weights are there; give the path of a whole file.",
    "DeviceError": "`impasto doctor` lists the devices of this machine.",
    "MissingExtraError": "The message has the install command.",
    "OutOfMemoryError": "Give `--max-memory`, or a smaller `--size`. See [Out of memory](../guides/memory.md).",
    "MemoryLimitError": "Raise the limit, or lower `--size`; the message says what would be enough, if known.",
    "RunError": "`impasto runs list` shows all runs; put a changed input back, or accept it with `--force`.",
    "RunLockedError": "Wait for the other process, whose number is in the message, or stop it.",
    "DiskError": "Make room on the disk; `impasto resume` then writes the finished picture.",
    "DataSetError": "Give more photographs, or files that can be read.",
    "CheckpointError": "Give another `--run-dir`, or the options of the run that is there.",
    "BatchError": "The message has the row of the list, or the two inputs of one name.",
    "ClusterError": "Check the address, and that `ray status` answers.",
}
"""What to do about each error, in general; its own message has the hint for the case."""


DOCS = Path(__file__).parents[1]
CHINESE = tomllib.loads((DOCS / "site" / "chinese.toml").read_text("utf-8"))
"""Chinese texts: of commands, presets, errors, panels, and of options by their English help."""

RANGES = {
    r"(.+) or more": r"不小于 \1",
    r"above (.+)": r"大于 \1",
    r"(-?[\d.]+) to ([\d.]+)": r"\1 到 \2",
    "required": "必填",
}
"""Patterns of a range, as help writes it, and the Chinese."""


def pages() -> dict[str, str]:
    """Return the Markdown of every page that is made from the code, by its path below docs/."""
    makers = {"commands": commands_page, "outputs": outputs_page, "presets": presets_page, "python": python_page}
    makers["errors"] = errors_page
    english = {f"reference/{name}.md": make(False) for name, make in makers.items()}
    return english | {f"reference/{name}.zh.md": make(True) for name, make in makers.items()}


def read_chinese_options() -> dict[str, str]:
    """Return what each argument and option does, by its English help; recipe fields are from docs/options.zh.md."""
    page = (DOCS / "options.zh.md").read_text("utf-8")
    rows = dict(re.findall(r"^\| `--([\w-]+)` \|[^|]*\|[^|]*\| ([^|]*) \|", page, re.MULTILINE))
    fields = {field.metadata["help"]: rows[field.name.replace("_", "-")] for field in dataclasses.fields(Recipe)}
    return fields | CHINESE["options"]


def list_commands(group: Any = None, path: str = "impasto") -> Iterator[tuple[str, Any]]:
    """Yield every command with the words that call it, groups before their commands."""
    group = typer.main.get_group(app) if group is None else group
    names = [name for panel in PANELS.values() for name in panel] if path == "impasto" else list(group.commands)
    for name in names:
        command = group.commands[name]
        yield f"{path} {name}", command
        if hasattr(command, "commands"):
            yield from list_commands(command, f"{path} {name}")


def commands_page(zh: bool = False) -> str:
    """Return a section for every command: what it does, its arguments, and its options by panel."""
    lines = ["# Commands", "", "Made from the program itself, as is `impasto COMMAND --help` in a terminal.", ""]
    columns, options = "| name | value | default | what it does |", {}
    if zh:
        lines = ["# 命令", "", "由程序自身生成，内容与终端里的 `impasto COMMAND --help` 相同。", ""]
        columns, options = "| 名称 | 取值 | 默认 | 作用 |", read_chinese_options()
    for words, command in list_commands():
        text = _to_paragraphs(command.help or "")
        if zh and words in CHINESE["commands"]:
            text = [CHINESE["commands"][words], "", *(line for line in text if line.startswith("    "))]
        lines += [f"## `{words}`", "", *text, ""]
        panels: dict[str, list[Any]] = {}
        for param in command.params:
            if not getattr(param, "hidden", False):
                is_option = param.param_type_name == "option"
                panel = getattr(param, "rich_help_panel", None) or ("Options" if is_option else "Arguments")
                panels.setdefault(panel, []).append(param)
        for panel, params in panels.items():
            title = CHINESE["panels"].get(panel, panel) if zh else panel
            lines += [f"**{title}**", "", columns, "|---|---|---|---|"]
            lines += [_to_row(param, options, zh) for param in params]
            lines += [""]
    return "\n".join(lines)


def _to_paragraphs(text: str) -> list[str]:
    """Return help as Markdown: lines that are commands as code."""
    text = re.sub(r"\\\[", "[", text)
    return [f"    {line}" if line.startswith("impasto ") else line for line in inspect.cleandoc(text).splitlines()]


def _to_row(param: Any, options: dict[str, str], zh: bool) -> str:
    help, _, facts = (param.help or "").removesuffix("][/dim]").partition(r" [dim]\[")  # "default: 512; 1 or more"
    if param.param_type_name == "option":
        name = ", ".join(f"`{text}`" for text in (*sorted(param.opts, key=len), *param.secondary_opts))
        value = _escape(param.metavar or "")
        has_default = param.show_default and param.default is not None and param.default is not False
        shown = "required" if param.required else param.default if has_default else facts.removeprefix("default: ")
    else:
        name, value, shown = f"`{_escape(param.metavar or param.name)}`", "", "required" if param.required else ""
    if zh:
        help = options.get(help) or options.get(re.sub(r" \([\w, -]+\)$", "", help), help)  # choices are in options.md
        shown = "；".join(map(_translate_fact, str(shown).split("; ")))
    return f"| {name} | {value} | {_escape(str(shown))} | {_escape(help)} |"


def _translate_fact(fact: str) -> str:
    """Return a default or a range in Chinese."""
    return next((re.sub(each, zh, fact) for each, zh in RANGES.items() if re.fullmatch(each, fact)), fact)


def _escape(text: str) -> str:
    text = re.sub(r"\[/?(?:dim|bold|italic)\]", "", text).replace("\\[", "[")
    return " ".join(text.replace("|", "&#124;").replace("<", "&lt;").replace("*", r"\*").split())


def presets_page(zh: bool = False) -> str:
    """Return the presets, each with the fields in which it differs from `standard`, and all fields of a recipe."""
    lines = ["# Presets and recipe fields", ""]
    lines += ["A preset is a recipe with a name: `--preset draft`, or `impasto.Recipe.preset(\"draft\")`.", ""]
    if zh:
        lines = ["# 预设与配方字段", ""]
        lines += ["预设就是有名字的配方：`--preset draft`，或 `impasto.Recipe.preset(\"draft\")`。"]
        lines += ["每个预设下面列出与 `standard` 不同的字段。", ""]
    standard = Recipe.preset("standard")
    for name in preset_names():
        recipe = Recipe.preset(name)
        described = CHINESE["presets"].get(name) if zh else None
        lines += [f"## `{name}`", "", described or describe_preset(name), ""]
        changes = [
            f"{field.name} = {_show(getattr(recipe, field.name))}"
            for field in dataclasses.fields(Recipe)
            if getattr(recipe, field.name) not in (None, getattr(standard, field.name))  # None: left out in TOML
        ]
        if changes:
            lines += ["```toml", *changes, "```", ""]
    if zh:
        lines += ["## 配方的字段", ""]
        lines += ["把名字里的 `_` 换成 `-` 就是选项。取值范围和相关指南见[全部选项](../options.md)。", ""]
        lines += ["| 字段 | `standard` | 作用 |", "|---|---|---|"]
    else:
        lines += ["## Fields of a recipe", ""]
        lines += ["The same names with `-` are options. [Recipe options](../options.md) has links to guides.", ""]
        lines += ["| field | `standard` | what it does |", "|---|---|---|"]
    options = read_chinese_options() if zh else {}
    for field in dataclasses.fields(Recipe):
        default = _escape(_show(getattr(standard, field.name)))
        help = str(field.metadata["help"])
        lines += [f"| `{field.name}` | `{default}` | {_escape(options.get(help, help))} |"]
    return "\n".join([*lines, ""])


def _show(value: Any) -> str:
    """Return a value as in a TOML file."""
    if isinstance(value, (tuple, list)):
        return "[" + ", ".join(map(_show, value)) + "]"
    return str(value).lower() if isinstance(value, bool) else f'"{value}"' if isinstance(value, str) else str(value)


PARTS = (
    "features.encoder.build_encoder",
    "images.resize.resize_long_edge",
    "losses.content.content_loss",
    "losses.gram.gram_matrix",
    "losses.gram.gram_loss",
    "losses.tv.tv_loss",
    "losses.statistics.build_statistics",
    "losses.statistics.Statistic",
    "losses.objective.Objective",
    "optimize.loop.minimize",
)
"""What people need of the folders for a loop of their own; the rest of these modules may change."""


def python_page(zh: bool = False) -> str:
    """Return one entry for every public name and part; mkdocstrings fills in signature and docstring."""
    lines = ["# Python: every public name", "", "From the docstrings. [By example](../python.md) comes first."]
    lines += ["The encoder and the losses are [at the end](#for-your-own-loop).", ""]
    kinds: dict[str, list[str]] = {"Functions": [], "Classes": [], "Types of keyword arguments": []}
    titles = dict(zip(kinds, ("函数", "类", "关键字参数的类型") if zh else kinds, strict=True))
    if zh:
        lines = ["# Python 全部接口", "", "由文档字符串生成，保持英文。请先看[示例](../python.md)。"]
        lines += ["编码器和损失[在最后](#for-your-own-loop)。", ""]
    for name in impasto.__all__:
        thing = getattr(impasto, name)
        if name.startswith("__"):
            continue
        is_keywords = name.endswith("Fields")
        kind = "Types of keyword arguments" if is_keywords else "Classes" if isinstance(thing, type) else "Functions"
        kinds[kind].append(f"{thing.__module__}.{thing.__qualname__}")
    for kind, paths in kinds.items():
        lines += [f"## {titles[kind]}", ""]
        for path in paths:
            name = path.rpartition(".")[2]
            lines += [f"::: {path}", "    options:", f"      heading: impasto.{name}", f"      toc_label: {name}", ""]
    lines += ["## 用于自己的循环 {#for-your-own-loop}" if zh else "## For your own loop", ""]
    example = "[示例](../start/developer.md{})。" if zh else "[An example](../start/developer.md{})."
    lines += [example.format("#the-pieces-in-your-own-loop"), ""]
    for part in PARTS:
        name = part.rpartition(".")[2]
        lines += [f"::: impasto.{part}", "    options:", f"      heading: impasto.{part}", f"      toc_label: {name}"]
        lines += ["      members: [__init__, __call__, loss]", ""]
    return "\n".join(lines)


def errors_page(zh: bool = False) -> str:
    """Return the errors as a table: when each is raised, what to do, how it ends a command."""
    found = [
        thing
        for thing in vars(errors).values()
        if isinstance(thing, type) and issubclass(thing, errors.ImpastoError) and thing is not errors.ImpastoError
    ]
    lines = ["# Errors", "", "Every error says what was wrong, with the value, what was expected, and gives a hint."]
    lines += ["On the command line that is one line on stderr; with `--json` an object with `error` and `hint`."]
    lines += ["In Python all are `impasto.ImpastoError`.", ""]
    lines += ["| `impasto.errors` | when | what to do | also a | exit code |", "|---|---|---|---|---|"]
    codes = "Exit codes of commands: 0 done, 2 a mistake in the input, 1 an error of impasto or the machine,\n"
    codes += "3 a batch with failures, 130 stopped by Ctrl-C."
    if zh:
        lines = ["# 错误", "", "每个错误都说明三件事：哪里有误（附上有误的值）、应当怎样、如何解决。"]
        lines += ["在命令行上，它是标准错误中的一行；使用 `--json` 时，是一个带有 `error` 和 `hint` 的对象。"]
        lines += ["在 Python 里，它们都是 `impasto.ImpastoError`。", ""]
        lines += ["| `impasto.errors` | 原因 | 解决办法 | 同时也是 | 退出码 |", "|---|---|---|---|---|"]
        codes = "命令的退出码：0 完成，2 输入有误，1 impasto 或机器出错，3 批量中有失败的，130 用 Ctrl-C 停止。"
    for thing in found:
        when = inspect.cleandoc(thing.__doc__ or "").splitlines()[0]
        words = CHINESE["errors"] if zh else {}
        when, do = words.get(thing.__name__, (when, DO[thing.__name__]))
        also = ", ".join(f"`{base.__name__}`" for base in thing.__bases__ if base is not errors.ImpastoError)
        lines += [f"| `{thing.__name__}` | {_escape(when)} | {do} | {also} | {thing.exit_code} |"]
    return "\n".join([*lines, "", codes, ""])
