"""How a picture is run, as opposed to what is painted, which its recipe says."""

from typing import TypedDict

from impasto.optimize.schedule import RunPlan
from impasto.reuse import Reuse


class How(TypedDict, total=False):
    """The keyword arguments that everything that paints takes; each may be left out.

    device: "auto" (default), "cpu", "cuda", "cuda:1", "mps". threads: CPU threads, all by default.
    precision: "float32", "bfloat16" or "auto" (default), bfloat16 where the device is faster with it; never in the
    steps that the recipe's float32_share sets apart.
    max_pixels: the largest picture read, 200 million by default.
    max_memory: bytes that the process, or torch on the GPU, may take; 70 % of what is free if left out. A picture that
    needs more is seen in tiles, with the same result but for rounding. Where memory runs out all the same, the run goes
    on from its best picture in smaller tiles, with a warning.
    reuse: an `impasto.reuse.Reuse`, the same for all pictures of a batch, which then share network and style targets.
    plan: a `Result`'s, to repeat its run to the byte; threads, precision and max_memory are then the plan's.
    """

    device: str
    threads: int | None
    precision: str
    max_pixels: int
    max_memory: int | None
    plan: RunPlan | None
    reuse: Reuse | None
