"""How a picture is run, as opposed to what is painted, which its recipe says; and what a pastiche is painted from."""

import os
from typing import Any, TypedDict

from impasto.images.io import ImageSource
from impasto.optimize.schedule import RunPlan
from impasto.painting.cache import Cache

ImageSources = ImageSource | list[Any] | tuple[Any, ...]
"""One picture, or a list or tuple of them."""


class How(TypedDict, total=False):
    """The keyword arguments that everything that paints takes; each may be left out.

    device: "auto" (default), "cpu", "mps", "cuda:1", "cuda:0,cuda:2"; "cuda" is all GPUs, as "auto" is where there are
    any. Several share the tiles of a picture that does not fit into one; the first does all else.
    threads: CPU threads, all by default.
    precision: "float32", "bfloat16" or "auto" (default), bfloat16 where the device is faster with it; never in the
    steps that the recipe's float32_share sets apart.
    max_pixels: the largest picture read, 200 million by default.
    max_memory: bytes that the process, or torch on each GPU, may take; 70 % of what is free if left out. A picture that
    needs more is seen in tiles, with the same result but for rounding. Where memory runs out all the same, the run goes
    on from its best picture in smaller tiles, with a warning.
    cache: an `impasto.painting.cache.Cache`: pictures of a batch that are given the same one share network and style
    targets.
    plan: a `Result`'s, to repeat its run to the byte; threads, precision and max_memory are then the plan's.
    run_dir: a new or empty folder for the run: checkpoints to `impasto.resume` from, trace, previews, result; "auto": a
    new one among the user's runs; None (default): none is kept.
    """

    device: str
    threads: int | None
    precision: str
    max_pixels: int
    max_memory: int | None
    plan: RunPlan | None
    cache: Cache | None
    run_dir: str | os.PathLike[str] | None


class PasticheHow(How, total=False):
    """The keyword arguments of `stylize`, `morph`, `estimate`: those of `How`, and pictures beside content and style.

    fine_style: a painting whose fine strokes every style image gets first, in the recipe's `fine_layers`.
    content_masks, style_masks: regions with a style of their own, as pictures or arrays (H, W) of any size: grey masks,
    white inside, the i-th of both being region i, or one color-coded map each; see docs/regions.md.
    only: a mask, outside which the photograph stays as it is; white is painted. protect: a mask in which structure is
    kept, or "faces", which finds them. Both grey, of the photograph's aspect; see docs/protect.md.
    """

    fine_style: ImageSource | None
    content_masks: ImageSources
    style_masks: ImageSources
    only: ImageSource | None
    protect: ImageSource | None
