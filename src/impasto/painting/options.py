"""Run options: how a picture is computed, as opposed to what is painted, which its recipe says."""

import os
from dataclasses import dataclass
from typing import Any, TypedDict

from impasto.errors import RecipeError
from impasto.images.io import MAX_PIXELS, ImageSource
from impasto.optimize.schedule import RunPlan
from impasto.painting.cache import Cache

ImageSources = ImageSource | list[Any] | tuple[Any, ...]
"""One picture, or a list or tuple of them."""


class RunFields(TypedDict, total=False):
    """The keyword arguments of every function that paints: the fields of `RunOptions`."""

    device: str
    threads: int | None
    precision: str
    max_pixels: int
    max_memory: int | None
    plan: RunPlan | None
    cache: Cache | None
    run_dir: str | os.PathLike[str] | None


class PasticheFields(RunFields, total=False):
    """The keyword arguments of `stylize`, `morph` and `estimate`: run options, and pictures beside content and style.

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
    max_memory: bytes that the process, or torch on each GPU, may take; 70 % of what is free if left out. A picture that
    needs more is computed in tiles, with the same result but for rounding. If memory runs out all the same, the run
    continues from its best picture in smaller tiles, with a warning.
    plan: a `Result`'s, to repeat its run to the byte; threads, precision and max_memory are then the plan's.
    cache: a `Cache` shared by the pictures of a batch: network and style targets are loaded once.
    run_dir: a new or empty folder for checkpoints, trace, previews and result, from which `impasto.resume` continues;
    "auto": a new one among the user's runs; None (default): none.
    Raises RecipeError where a plan is given with threads, precision or max_memory.
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
        if self.plan is not None and (self.threads, self.precision, self.max_memory) != (None, "auto", None):
            raise RecipeError(
                "plan is given with threads, precision or max_memory; expected the plan alone, which has them all.",
                "Leave the others out.",
            )
