"""Training recipes: that of the student's report of 2015, and a modern one."""

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from impasto.backbone.network import Architecture, Classifier, Init
from impasto.errors import RecipeError
from impasto.features.architecture import DEPTHS


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingRecipe:
    """The options that the trained weights depend on, beside the pictures; recorded in the run's folder.

    crop: edge of the input in pixels. augment: windows of half to all of a picture resized to the crop, and changed
    light and color, instead of windows of the crop's size; both are flipped at random.
    learning_rate: at batch_size; warmup: the share of all steps in which it rises, linearly. schedule: then constant,
    or down to 0 along a cosine. decay: weight decay of kernels. precision: of the network; "auto" is bfloat16 where
    the device is faster with it.
    """

    preset: str
    arch: str = "vgg19"
    width: float = 1.0
    batch_norm: bool = False
    classifier: Classifier = "vgg"
    init: Init = "gaussian"
    dropout: float = 0.5
    crop: int = 225
    augment: bool = False
    optimizer: Literal["sgd", "adamw"] = "sgd"
    learning_rate: float = 0.01
    momentum: float = 0.9
    decay: float = 5e-4
    schedule: Literal["constant", "cosine"] = "constant"
    warmup: float = 0.0
    label_smoothing: float = 0.0
    precision: Literal["auto", "float32", "bfloat16"] = "float32"
    epochs: int = 74
    batch_size: int = 256
    seed: int = 0

    def __post_init__(self) -> None:
        if self.arch not in DEPTHS:
            raise RecipeError(f"arch is {self.arch!r}; expected one of {', '.join(DEPTHS)}.", "Choose another --arch.")
        for name in ("width", "learning_rate", "epochs", "batch_size"):
            value = getattr(self, name)
            if not 0 < value < math.inf:
                raise RecipeError(f"{name} is {value:g}; expected more than 0.", f"Give --{name.replace('_', '-')}.")
        if self.precision not in ("auto", "float32", "bfloat16"):
            raise RecipeError(
                f"precision is {self.precision!r}; expected auto, float32 or bfloat16.", "Leave --precision out."
            )
        if self.width > 4:
            raise RecipeError(f"width is {self.width:g}; expected 4 or less.", "1 is VGG's own, 0.25 a small one.")
        if not 32 <= self.crop <= 1024:
            raise RecipeError(f"crop is {self.crop}; expected 32 to 1024 pixels.", "Give --crop 225.")

    @classmethod
    def named(cls, preset: str, changes: Mapping[str, Any]) -> "TrainingRecipe":
        """Return a preset with some fields changed; None changes nothing. Raises RecipeError."""
        if preset not in PRESETS:
            raise RecipeError(
                f"preset is {preset!r}; expected one of {', '.join(PRESETS)}.", "Choose one, or leave --preset out."
            )
        return dataclasses.replace(
            PRESETS[preset], **{key: value for key, value in changes.items() if value is not None}
        )

    def to_dict(self) -> dict[str, Any]:
        """Return all fields as JSON values."""
        return dataclasses.asdict(self)

    def architecture(self, classes: int) -> Architecture:
        """Return the parameters of the network for so many classes."""
        return Architecture(
            arch=self.arch,
            width=self.width,
            batch_norm=self.batch_norm,
            classifier=self.classifier,
            classes=classes,
            crop=self.crop,
        )

    def rate(self, step: int, steps: int) -> float:
        """Return the learning rate of a step, counted from 0."""
        warm = self.warmup * steps
        if step < warm:
            return self.learning_rate * (step + 1) / (warm + 1)
        if self.schedule == "constant":
            return self.learning_rate
        return self.learning_rate * 0.5 * (1 + math.cos(math.pi * (step - warm) / (steps - warm)))


PRESETS: Mapping[str, TrainingRecipe] = {
    # 225 x 225 inputs, normalized pixels, Gaussian weights, SGD with 0.01 and 0.9 are the student's report; what it
    # leaves open is VGG's (arXiv 1409.1556, section 3.1): batches of 256, 74 epochs, weight decay and dropout.
    "report-2015": TrainingRecipe(preset="report-2015"),
    "modern": TrainingRecipe(
        preset="modern",
        classifier="average",
        init="kaiming",
        dropout=0.0,
        crop=224,
        augment=True,
        optimizer="adamw",
        learning_rate=2e-3,
        decay=0.05,
        schedule="cosine",
        warmup=0.05,
        label_smoothing=0.1,
        precision="auto",
        epochs=60,
        batch_size=128,
    ),
}
"""Training recipes by name."""
