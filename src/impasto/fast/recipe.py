"""The recipe of a training: the look that a network learns, and how it is trained."""

import dataclasses
import math
from dataclasses import dataclass, field
from typing import Any

from impasto.errors import RecipeError
from impasto.fast.network import Architecture
from impasto.losses.batch import check_statistics
from impasto.recipe.recipe import Recipe

INITS = ("random", "instant")
"""What a network begins as."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingRecipe:
    """The options that the trained network depends on, beside photographs and styles; recorded in the run's folder.

    look: whose objective is lowered, for pictures of its `size`, and whose `recolor` the photographs get first.
    crop: edge of the windows of the photographs, in pixels. batch_size: windows a step, of all processes.
    warm_up: the first steps, in which the network learns only the photograph in the style's colors, with no encoder:
    a quarter of the time. width, blocks: as of `Architecture`. init: "random", or "instant", the network of
    `impasto instant`, which paints these styles already; its width and blocks are given. learning_rate: at first; it
    falls to 0 along a cosine.
    temporal_weight: of the mean squared difference between a picture carried along a small known motion of its
    photograph and the picture of the moved photograph, so that films flicker less; 0 leaves it out.
    precision: of the networks; "auto" is bfloat16 where the device is faster with it.
    """

    look: Recipe = field(default_factory=lambda: Recipe.preset("network"))
    crop: int = 256
    steps: int = 2000
    warm_up: int = 0
    batch_size: int = 4
    width: int = 16
    blocks: int = 5
    init: str = "random"
    learning_rate: float = 2e-3
    temporal_weight: float = 0.0
    precision: str = "auto"
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("steps", "batch_size", "width", "blocks", "learning_rate"):
            value = getattr(self, name)
            if not 0 < value < math.inf:
                raise RecipeError(f"{name} is {value:g}; expected more than 0.", f"Give --{name.replace('_', '-')}.")
        if not 0 <= self.warm_up < self.steps:
            raise RecipeError(
                f"warm_up is {self.warm_up}; expected 0 to {self.steps - 1}, less than steps.", "Give --warm-up 0."
            )
        if not 0 <= self.temporal_weight < math.inf:
            raise RecipeError(
                f"temporal_weight is {self.temporal_weight:g}; expected 0 or more.", "Give --temporal-weight 10."
            )
        if self.learning_rate > 1:
            raise RecipeError(f"learning_rate is {self.learning_rate:g}; expected 1 or less.", "0.002 is usual.")
        if not 32 <= self.crop <= 2048:
            raise RecipeError(f"crop is {self.crop}; expected 32 to 2048 pixels.", "Give --crop 256.")
        if max(self.width / 256, self.blocks / 64) > 1:
            raise RecipeError(
                f"width is {self.width} and blocks {self.blocks}; expected at most 256 and 64.", "16 and 5 are usual."
            )
        self._check_init()
        if not isinstance(self.look.size, int):
            raise RecipeError(
                f"size is {self.look.size}; expected one number of pixels, the long edge that photographs get.",
                "Give --size 512.",
            )
        if self.look.strength == 0:
            raise RecipeError("strength is 0; expected more: there is no style to learn.", "Give --strength 0.5.")
        if self.look.proportions < 1:
            raise RecipeError(
                f"proportions is {self.look.proportions:g}; expected 1: a network learns the whole painting, for every "
                "photograph.",
                "Leave --proportions out.",
            )
        if self.look.placement > 0:
            raise RecipeError(
                f"placement is {self.look.placement:g}; expected 0: a network does not see where it paints.",
                "Leave --placement out.",
            )
        check_statistics(self.look)

    def _check_init(self) -> None:
        if self.init not in INITS:
            raise RecipeError(f"init is {self.init!r}; expected {' or '.join(INITS)}.", "Give --init instant.")
        if self.init == "random":
            return
        for name, default in (("width", 16), ("blocks", 5), ("warm_up", 0)):
            if (value := getattr(self, name)) != default:
                raise RecipeError(
                    f"{name} is {value}; expected none with init {self.init!r}, whose network is given.",
                    f"Leave --{name.replace('_', '-')} out, or --init.",
                )

    @property
    def size(self) -> int:
        """The long edge of the pictures whose look is learned, in pixels."""
        assert isinstance(self.look.size, int)
        return self.look.size

    @property
    def architecture(self) -> Architecture:
        """The parameters of a network that begins with random kernels."""
        return Architecture(width=self.width, blocks=self.blocks)

    def to_dict(self) -> dict[str, Any]:
        """Return all fields as JSON values."""
        values = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        return {**values, "look": self.look.to_dict()}

    def rate(self, step: int) -> float:
        """Return the learning rate of a step, counted from 0."""
        return self.learning_rate * 0.5 * (1 + math.cos(math.pi * step / self.steps))
