"""The plan of a run: steps, size, precision and tiles of each part. The same plan repeats a run to the byte."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from impasto.errors import RecipeError
from impasto.features.receptive_field import GRID
from impasto.system.torch_settings import MOST_THREADS, Precision


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryPlan:
    """How one size is painted within a memory limit.

    tile: pixels of a tile's side without margins; None where the picture is computed whole. margin: pixels around it.
    history: pairs that L-BFGS stores. needed_bytes: memory at the peak, with what the process used before.
    features_bytes: the part of it that an evaluation needs. limit_bytes: the most that the process may use.
    """

    tile: int | None
    margin: int
    history: int
    needed_bytes: int
    features_bytes: int = 0
    limit_bytes: int = sys.maxsize


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Some steps at one size, (height, width), starting from the result of the part before."""

    size: tuple[int, int]
    steps: int
    precision: Precision
    memory: MemoryPlan

    def to_dict(self) -> dict[str, Any]:
        """Return JSON values, without the memory needed, which depends on the machine."""
        return {
            "width": self.size[1],
            "height": self.size[0],
            "steps": self.steps,
            "precision": self.precision,
            "tile": self.memory.tile,
            "margin": self.memory.margin,
            "history": self.memory.history,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class RunPlan:
    """Everything that decides the last digits of a picture: the parts in turn, and the number of CPU threads."""

    parts: tuple[Part, ...]
    threads: int

    @property
    def size(self) -> tuple[int, int]:
        """The finished picture's (height, width)."""
        return self.parts[-1].size

    @property
    def steps(self) -> int:
        """Steps of all parts together."""
        return sum(part.steps for part in self.parts)

    @property
    def precision(self) -> Precision:
        """bfloat16 if any part has it."""
        return "bfloat16" if any(part.precision == "bfloat16" for part in self.parts) else "float32"

    @property
    def needed_bytes(self) -> int:
        """Memory at the peak, with what the process used before."""
        return max(part.memory.needed_bytes for part in self.parts)

    def has_sizes_of(self, other: "RunPlan") -> bool:
        """Whether both go through the same sizes, in as many parts as it may be."""
        sizes = [list(dict.fromkeys(part.size for part in plan.parts)) for plan in (self, other)]
        return sizes[0] == sizes[1]

    def with_parts(self, parts: Sequence[Part]) -> "RunPlan":
        """Return the same plan with other parts."""
        return replace(self, parts=tuple(parts))

    def to_dict(self) -> dict[str, Any]:
        """Return JSON values that `from_dict` reads."""
        parts = [part.to_dict() for part in self.parts]
        return {"threads": self.threads, "precision": self.precision, "parts": parts}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "RunPlan":
        """Return the plan that `to_dict` wrote, as in `run` of a picture's metadata. Raises RecipeError if malformed.

        The memory it needs is 0 until a run computes it.
        """
        try:
            parts = tuple(_to_part(part) for part in values["parts"])
            threads = values["threads"]
            if not parts or type(threads) is not int or not 1 <= threads <= MOST_THREADS:
                raise ValueError("no parts, or no threads")
        except (KeyError, TypeError, ValueError) as error:
            raise RecipeError(
                f"plan is malformed ({type(error).__name__}: {error}); expected threads and parts as a run wrote them.",
                'Take the part "run" of a picture\'s metadata as it is.',
            ) from error
        return cls(parts=parts, threads=threads)


def _to_part(values: Mapping[str, Any]) -> Part:
    height, width, steps = values["height"], values["width"], values["steps"]
    tile, margin, history = values["tile"], values["margin"], values["history"]
    for name, value, low in (
        *(("height", height, 1), ("width", width, 1), ("steps", steps, 1), ("history", history, 0)),
        *(("margin", margin, 0), ("tile", GRID if tile is None else tile, GRID)),
    ):
        if type(value) is not int or not low <= value < 2**31:
            raise ValueError(f"{name} is {value!r}")
    if tile is not None and tile % GRID:
        raise ValueError(f"tile is {tile}")
    if values["precision"] not in ("float32", "bfloat16"):
        raise ValueError(f"precision is {values['precision']!r}")
    memory = MemoryPlan(tile=tile, margin=margin, history=history, needed_bytes=0)
    return Part(size=(height, width), steps=steps, precision=values["precision"], memory=memory)
