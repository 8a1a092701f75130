"""Options that commands share. Those of the recipe are built from its dataclass, so that they always agree."""

import dataclasses
import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from impasto.cli.help import help_all_parameter
from impasto.cli.signatures import Command, Options, option, replace_parameter
from impasto.errors import RecipeError
from impasto.recipe.fields import describe_range, format_value
from impasto.recipe.files import check_files
from impasto.recipe.presets import preset_names
from impasto.recipe.recipe import TEXTURE_SIZE, Recipe, field_names, parse_field
from impasto.recipe.shipped import shipped_styles
from impasto.recipe.words import INITS, LAYERS, STATISTICS

if TYPE_CHECKING:
    from impasto.painting.options import RunFields


def complete(words: Sequence[str], *, is_list: bool = False) -> Callable[[str], list[str]]:
    """Return a function that completes a word in a shell; is_list: the last of several joined by commas."""

    def find(incomplete: str) -> list[str]:
        before, comma, last = incomplete.rpartition(",") if is_list else ("", "", incomplete)
        return [f"{before}{comma}{word}" for word in words if word.startswith(last)]

    return find


_machine_option: Callable[..., Any] = functools.partial(typer.Option, rich_help_panel="Machine")
_regions_option: Callable[..., Any] = functools.partial(typer.Option, rich_help_panel="Regions", show_default=False)
_evolution_option: Callable[..., Any] = functools.partial(typer.Option, rich_help_panel="Evolution")
_report_option: Callable[..., Any] = functools.partial(typer.Option, metavar="", rich_help_panel="Report")

_DEVICES = complete(("auto", "cpu", "cuda", "mps"), is_list=True)
Device = Annotated[
    str, _machine_option(metavar="NAME", help="auto, cpu, cuda, cuda:1 or mps", autocompletion=_DEVICES)
]
Devices = Annotated[
    str,
    _machine_option(
        metavar="NAME,...",
        help="auto, cpu, mps, cuda:1, or several GPUs that share tiles: cuda:0,cuda:2; cuda and auto: all GPUs",
        autocompletion=_DEVICES,
    ),
]
Threads = Annotated[int | None, _machine_option(min=1, metavar="N", help="CPU threads; default: all")]
PrecisionOption = Annotated[
    str,
    _machine_option(
        "--precision",
        metavar="NAME",
        help="auto, float32 or bfloat16; auto: bfloat16 where it is faster here",
        autocompletion=complete(("auto", "float32", "bfloat16")),
    ),
]
MaxPixels = Annotated[int, _machine_option(min=1, metavar="N", help="largest picture accepted, in pixels")]
MaxMemory = Annotated[
    str | None,
    _machine_option(
        metavar="SIZE",
        help="memory limit, per GPU, such as 4GiB; larger pictures are tiled; default: 70 % of free memory",
    ),
]
RunDir = Annotated[
    str,
    _machine_option(
        metavar="DIR|auto|none", help="folder to resume the run from: a new one, auto (among your runs), or none"
    ),
]
ContentMasks = Annotated[
    list[Path] | None,
    _regions_option(
        "--content-mask",
        metavar="FILE",
        help="black and white picture of a region, in the photograph's shape, any size: white is in it, gray partly; "
        "one per region, or one color-coded map of all",
    ),
]
StyleMasks = Annotated[
    list[Path] | None,
    _regions_option(
        "--style-mask",
        metavar="FILE",
        help="mask of that region's style in a painting, in the same order, or one color-coded map per painting; "
        "default: the whole painting",
    ),
]
FineStyle = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="a painting whose fine strokes (--fine-layers) every STYLE gets; colors stay STYLE's",
        rich_help_panel="Look",
    ),
]
Only = Annotated[
    str | None,
    typer.Option(
        metavar="FILE",
        help="black and white picture in the photograph's shape, any size: white is painted, gray partly, black stays",
        rich_help_panel="Masks",
    ),
]
Protect = Annotated[
    str | None,
    typer.Option(
        metavar="FILE|faces",
        help="the same for what stays recognizable: white is; faces: the faces found in the photograph",
        rich_help_panel="Masks",
    ),
]
Strip = Annotated[
    bool, typer.Option("--strip", metavar="", help=str(Recipe.__dataclass_fields__["strip"].metadata["help"]))
]
SnapshotEvery = Annotated[int | None, _evolution_option(min=1, metavar="N", help="write a picture every N steps")]
SnapshotDir = Annotated[
    Path | None, _evolution_option(metavar="DIR", help="folder for these pictures; default: OUT's name and _steps")
]
Animation = Annotated[
    Path | None, _evolution_option(metavar="FILE", help="write an animation of the evolution: .webp or .gif")
]
Json = Annotated[bool, _report_option("--json", help="print one JSON object on stdout")]
Quiet = Annotated[bool, _report_option("--quiet", help="show no progress")]
Debug = Annotated[bool, _report_option("--debug", help="show the traceback of an error")]
DryRun = Annotated[
    bool, _report_option("--dry-run", help="check everything, report time, memory and tiles, and paint nothing")
]


@dataclass(frozen=True, kw_only=True)
class Machine(Options):
    """The device a command paints on, and its limits."""

    device: Devices = "auto"
    threads: Threads = None
    precision: PrecisionOption = "auto"
    max_pixels: MaxPixels = 200_000_000
    max_memory: MaxMemory = None

    def keywords(self) -> "RunFields":
        """Return the options as keyword arguments of impasto's functions. Raises MemoryLimitError."""
        return {
            "device": self.device,
            "threads": self.threads,
            "precision": self.precision,
            "max_pixels": self.max_pixels,
            "max_memory": read_memory(self.max_memory),
        }


@dataclass(frozen=True, kw_only=True)
class RunMachine(Machine):
    """The device, its limits, and the folder that the run is saved in."""

    run_dir: RunDir = "auto"

    def keywords(self) -> "RunFields":
        """Return the options as keyword arguments of impasto's functions. Raises MemoryLimitError."""
        return {**Machine.keywords(self), "run_dir": None if self.run_dir == "none" else self.run_dir}


@dataclass(frozen=True, kw_only=True)
class Evolution(Options):
    """Pictures of the steps on the way to the result."""

    snapshot_every: SnapshotEvery = None
    snapshot_dir: SnapshotDir = None
    animation: Animation = None


@dataclass(frozen=True, kw_only=True)
class Report(Options):
    """What a command prints. `debug` is read where errors are reported."""

    json: Json = False
    quiet: Quiet = False
    debug: Debug = False


@dataclass(frozen=True, kw_only=True)
class PaintingOptions(Report, RunMachine, Evolution):
    """All options, beside the recipe's, of a command that paints one picture."""

    dry_run: DryRun = False


FORMAT_FIELDS = ("depth", "dpi", "keep_profile")
"""Recipe fields of the file format."""

PANELS: Mapping[str, tuple[str, ...]] = {
    "Look": (
        *("size", "strength", "style_scale", "style_size", "resampling", "style_blend", "frames", "fine_layers"),
        *("color", "recolor", "placement", "proportions", "color_map", "init", "seed"),
    ),
    "Masks": ("only_feather", "protect_strength"),
    "Regions": ("guide_mode", "guide_dilation", "region_weights", "region_statistics"),
    "Losses": (
        *("content_weight", "style_weight", "tv_weight", "content_layers", "content_layer_weights", "style_layers"),
        *("style_layer_weights", "content_normalization", "statistic", "nearest_layer", "gram_normalization"),
        "tv_normalization",
    ),
    "Network": ("weights", "weights_preprocessing", "pooling", "padding", "rescaled_network"),
    "File": (*FORMAT_FIELDS, "strip"),
    "Optimization": (
        *("optimizer", "steps", "first_scale", "finer_steps", "finest_layer", "carried_detail", "frame_steps", "gamut"),
        *("float32_share", "learning_rate", "history", "fourier_exponent", "tolerance"),
    ),
}
"""Recipe fields by their panel in the help, in the order shown; all others go into the last panel."""

STYLIZE_FIELDS = ("fine_layers", "frames", "frame_steps", *PANELS["Regions"], *PANELS["Masks"])
"""Recipe fields that only `stylize` uses."""

_METAVARS = {
    "number": "NUMBER",
    "integer": "N",
    "layers": "LAYER,...",
    "numbers": "NUMBER,...",
    "statistics": "NAME,...",
    "size": "N|60cm|content",
    "style_size": "NAME|N",
    "init": "NAME|FILE",
    "text": "NAME|FILE",
}

_WORDS: Mapping[str, Sequence[str]] = {
    "layers": LAYERS,
    "statistics": (*STATISTICS,),
    "size": ("content",),
    "style_size": ("long-edge", "same-pixels", "native"),
    "init": (*INITS, *shipped_styles()),
    "weights": ("oxford", "torchvision", "random"),
}
"""Words to complete a field's value with, by its name or kind."""


def takes_recipe(default: str, *, without: Sequence[str] = ()) -> Callable[[Command], Command]:
    """Return a decorator that replaces a command's parameter `recipe` by --preset, --recipe and an option per field.

    default: the preset that is used if none is given. without: fields that get no option here.
    """

    def build(given: Mapping[str, Any]) -> Recipe:
        texts = {name: _to_text(given[name]) for name in field_names() if name not in without}
        recipe = build_recipe(given["preset"], given["recipe"], texts, default=default)
        check_files(recipe)
        return recipe

    fields = _field_parameters(Recipe.preset(default), without, has_pairs=default == "texture")
    options = [*_source_parameters(default), *fields, help_all_parameter()]
    return lambda command: replace_parameter(command, "recipe", options, build)


def takes_fields(default: Recipe, names: Sequence[str]) -> Callable[[Command], Command]:
    """Return a decorator that replaces a command's parameter `recipe` by an option for each of these fields.

    default: the recipe whose fields they change.
    """

    def build(given: Mapping[str, Any]) -> Recipe:
        texts = {name: _to_text(given[name]) for name in names}
        return default.replace(**{name: parse_field(name, text) for name, text in texts.items() if text is not None})

    others = [name for name in field_names() if name not in names]
    options = [*_field_parameters(default, others, has_pairs=False), help_all_parameter()]
    return lambda command: replace_parameter(command, "recipe", options, build)


def takes_changes(command: Command) -> Command:
    """Replace a command's parameter `changes` by an option for every recipe field, none of them set by default."""

    def build(given: Mapping[str, str | bool | None]) -> dict[str, Any]:
        texts = {name: _to_text(given[name]) for name in field_names()}
        return {name: parse_field(name, text) for name, text in texts.items() if text is not None}

    fields = _field_parameters(None, (), has_pairs=True)
    return replace_parameter(command, "changes", [*fields, help_all_parameter()], build)


def read_memory(max_memory: str | None) -> int | None:
    """Return the bytes of a --max-memory, None if it is not given. Raises MemoryLimitError."""
    from impasto.system.memory import parse_memory

    return None if max_memory is None else parse_memory(max_memory)


def build_recipe(
    preset: str | None, file: Path | None, texts: Mapping[str, str | None], *, default: str = "standard"
) -> Recipe:
    """Return the recipe of a preset or file, changed by the fields that have a text. Raises RecipeError."""
    if preset is not None and file is not None:
        raise RecipeError(
            f"--preset {preset} and --recipe {str(file)!r} are both given; expected one of them.",
            "Leave one out; a recipe file changes the preset standard.",
        )
    recipe = Recipe.read(file) if file is not None else Recipe.preset(preset if preset is not None else default)
    return recipe.replace(**{name: parse_field(name, text) for name, text in texts.items() if text is not None})


def _source_parameters(default: str) -> list[inspect.Parameter]:
    preset = typer.Option(
        metavar="NAME",
        help=f"{_describe_presets(default)} {_dimmed(f'default: {default}')}",
        rich_help_panel="Recipe",
        autocompletion=complete(preset_names()),
    )
    file = typer.Option(metavar="FILE.toml", help="recipe file instead of a preset", rich_help_panel="Recipe")
    return [option("preset", Annotated[str | None, preset]), option("recipe", Annotated[Path | None, file])]


def _describe_presets(default: str) -> str:
    """Return what the presets of a command are for, in a few words."""
    if default != "standard":
        return f"{', '.join(preset_names())}; see `impasto recipe list`"
    return (
        "standard; draft: a first look in a sixth of the time; portrait: for faces; fine: twice the steps; "
        "print: for large sizes; `impasto recipe list` describes all"
    )


def _field_parameters(recipe: Recipe | None, without: Sequence[str], *, has_pairs: bool) -> list[inspect.Parameter]:
    """Return an option for each field. has_pairs: whether a size may be width and height."""
    fields = {field.name: field for field in dataclasses.fields(Recipe)}
    names = [name for panel in PANELS.values() for name in panel]
    names += [name for name in fields if name not in names]
    shown = [(fields[name], getattr(recipe, name, None)) for name in names if name not in without]
    return [
        option(field.name, Annotated[_option_type(field), _option(field, value, has_pairs)]) for field, value in shown
    ]


def _option_type(field: "dataclasses.Field[Any]") -> Any:
    return bool | None if field.metadata["kind"] == "flag" else str | None


def _to_text(value: str | bool | None) -> str | None:
    return format_value(value) if isinstance(value, bool) else value


def _option(field: "dataclasses.Field[Any]", value: Any, has_pairs: bool) -> Any:
    panel = next((panel for panel, names in PANELS.items() if field.name in names), [*PANELS][-1])
    choices = field.metadata.get("choices")
    help = str(field.metadata["help"])
    if field.name == "size" and not has_pairs:
        help = help.removesuffix(TEXTURE_SIZE)
    if choices and not all(choice in help for choice in choices):
        help = f"{help} ({', '.join(choices)})"
    facts = [f"default: {format_value(value)}"] if value not in (None, ()) else []
    facts += [text] if (text := describe_range(field)) else []
    kind = field.metadata["kind"]
    name, is_flag = field.name.replace("_", "-"), kind == "flag"
    words: Sequence[Any] = (*field.metadata.get("aliases", ()), *(choices or ()))
    words = words or _WORDS.get(field.name) or _WORDS.get(kind) or field.metadata.get("among", ())
    metavar = "NAME" if choices else "|".join(map(str, field.metadata.get("among", ())))
    return typer.Option(
        f"--{name}/--no-{name}" if is_flag else f"--{name}",
        metavar="" if is_flag else metavar or _METAVARS.get(kind, "VALUE"),
        help=_escape(help) + (f" {_dimmed('; '.join(facts))}" if facts else ""),
        rich_help_panel=panel,
        show_default=False,
        autocompletion=complete([*map(str, words)], is_list=kind in ("layers", "statistics")) if words else None,
    )


def _dimmed(text: str) -> str:
    return f"[dim]{_escape(f'[{text}]')}[/dim]"


def _escape(text: str) -> str:
    """Escape brackets, which would be read as rich markup."""
    return text.replace("[", r"\[")
