"""Keywords of the public functions: fields of the recipe, run options, and pictures beside content and style."""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypedDict

import torch

from impasto.errors import KeywordError, RecipeError
from impasto.images.io import MAX_PIXELS, ImageSource
from impasto.optimize.schedule import RunPlan
from impasto.painting.cache import Cache
from impasto.recipe.fields import check_names, shown, to_plain
from impasto.recipe.keywords import RecipeFields
from impasto.recipe.recipe import Recipe, field_names
from impasto.system.memory import parse_memory
from impasto.system.torch_settings import MOST_THREADS

ImageSources = ImageSource | list[Any] | tuple[Any, ...]
"""One picture, or a list or tuple of them."""


class RunFields(TypedDict, total=False):
    """The fields of `RunOptions` as keyword arguments."""

    device: str | torch.device
    threads: int | None
    precision: str
    max_pixels: int
    max_memory: int | str | None
    plan: RunPlan | None
    cache: Cache | None
    run_dir: str | os.PathLike[str] | None


RUN_FIELDS = tuple(RunFields.__annotations__)

CELL_FIELDS = tuple(name for name in RUN_FIELDS if name != "run_dir")
"""Run options of functions that paint several pictures into a folder."""


class PaintFields(RecipeFields, RunFields, total=False):
    """The keyword arguments of every function that paints: fields of `Recipe`, and run options."""


class PasticheFields(PaintFields, total=False):
    """The keyword arguments of `stylize`, `morph` and `estimate`: those of `PaintFields`, and further pictures.

    fine_style: a painting whose fine strokes every style image gets first, in the recipe's `fine_layers`.
    content_masks, style_masks: regions with a style of their own, as pictures or arrays (H, W) of any size: grey masks,
    white inside, the i-th of both being region i, or one color-coded map each; see docs/regions.md.
    only: a mask, outside which the photograph stays as it is; white is painted. protect: a mask in which structure is
    preserved, or "faces", which finds them. Both grey, of the photograph's aspect; see docs/protect.md.
    """

    fine_style: ImageSource | None
    content_masks: ImageSources
    style_masks: ImageSources
    only: ImageSource | None
    protect: ImageSource | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """How a picture is computed.

    device: "auto" (default), "cpu", "mps", "cuda:1", "cuda:0,cuda:2"; "cuda" is all GPUs, as "auto" is where there are
    any. Several share the tiles of a picture that does not fit into one; the first does everything else.
    threads: CPU threads, all by default.
    precision: "float32", "bfloat16" or "auto" (default), bfloat16 where the device is faster with it; never in the
    steps that the recipe's float32_share sets apart.
    max_pixels: the largest picture read, 200 million by default.
    max_memory: bytes, or a text such as "4GiB", that the process, or torch on each GPU, may take; 70 % of what is free
    if left out. A picture that needs more is computed in tiles, with the same result but for rounding. If memory runs
    out all the same, the run continues from its best picture in smaller tiles, with a warning.
    plan: a `Result`'s, to repeat its run to the byte; threads, precision and max_memory are then the plan's.
    cache: a `Cache` shared by the pictures of a batch: network and style targets are loaded once.
    run_dir: a new or empty folder for checkpoints, trace, previews and result, from which `impasto.resume` continues;
    "auto": a new one among the user's runs; None (default): none.
    Raises RecipeError for a value of the wrong kind, and where a plan is given with threads, precision or max_memory.
    """

    device: str = "auto"
    threads: int | None = None
    precision: str = "auto"
    max_pixels: int = MAX_PIXELS
    max_memory: int | None = None
    plan: RunPlan | None = None
    cache: Cache | None = None
    run_dir: str | os.PathLike[str] | None = None

    def __post_init__(self) -> None:
        memory: Any = self.max_memory
        object.__setattr__(self, "max_memory", parse_memory(memory) if isinstance(memory, str) else memory)
        object.__setattr__(self, "device", str(self.device) if isinstance(self.device, torch.device) else self.device)
        for name in ("threads", "max_pixels", "max_memory"):
            object.__setattr__(self, name, _check_whole(name, getattr(self, name), optional=name != "max_pixels"))
        if self.threads is not None and self.threads > MOST_THREADS:
            raise RecipeError(
                f"threads is {self.threads}; expected at most {MOST_THREADS}.", "Leave it out for one a core."
            )
        for name, kinds, expected in (
            ("device", str, 'a name such as "cpu"'),
            ("precision", str, "auto, float32 or bfloat16"),
            ("plan", RunPlan | None, "the plan of a Result"),
            ("cache", Cache | None, "an impasto.Cache"),
            ("run_dir", str | os.PathLike | None, 'a path, "auto" or None'),
        ):
            if not isinstance(getattr(self, name), kinds):
                raise RecipeError(f"{name} is {shown(getattr(self, name))}; expected {expected}.", "Or leave it out.")
        if self.plan is not None and (self.threads, self.precision, self.max_memory) != (None, "auto", None):
            raise RecipeError(
                "plan is given with threads, precision or max_memory; expected the plan alone, which has them all.",
                "Leave the others out.",
            )


def split_fields(
    function: str, fields: Mapping[str, Any], own: Iterable[str] = (), options: Iterable[str] = RUN_FIELDS
) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """Return a function's keywords in three parts: changes of the recipe, run options, and its own.

    own: names of its keywords beside both. options: the run options that it takes. Raises KeywordError with the nearest
    name.
    """
    names = field_names(), tuple(options)
    steps = () if "on_step" in fields else ("on_step",)  # a parameter of those functions that report steps
    known = tuple(dict.fromkeys((*steps, *own, *names[1], *names[0])))
    check_names(fields, known, f"{function}() has no keyword")
    changes, run = ({name: fields[name] for name in group if name in fields} for group in names)
    rest = {name: value for name, value in fields.items() if name not in changes and name not in run}
    return {name: to_plain(value) for name, value in changes.items()}, run, rest


def check_callback(name: str, function: object) -> None:
    """Accept a function to call, or None. Raises KeywordError."""
    if function is not None and not callable(function):
        raise KeywordError(f"{name} is {shown(function)}; expected a function.", "Or leave it out.")


def choose_recipe(recipe: Recipe | None, preset: str, changes: Mapping[str, Any]) -> Recipe:
    """Return the recipe, or that of the preset where there is none, with some fields changed. Raises RecipeError."""
    if recipe is not None and not isinstance(recipe, Recipe):
        raise RecipeError(
            f"recipe is {shown(recipe)}; expected an impasto.Recipe.",
            'Give impasto.Recipe.preset("draft"), say, or its fields as keywords.',
        )
    return (Recipe.preset(preset) if recipe is None else recipe).replace(**changes)


def _check_whole(name: str, value: Any, *, optional: bool) -> int | None:
    value = to_plain(value)
    if (value is None and optional) or (isinstance(value, int) and not isinstance(value, bool) and value >= 1):
        return value
    expected = 'bytes, or a text such as "4GiB"' if name == "max_memory" else "a whole number of at least 1"
    raise RecipeError(f"{name} is {shown(value)}; expected {expected}.", "Or leave it out.")
