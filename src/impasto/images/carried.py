"""What a photograph carries beside its colors: alpha, EXIF, ICC profile, depth."""

from dataclasses import dataclass
from typing import Literal

from torch import Tensor

Depth = Literal[8, 16]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Carried:
    """What a photograph carries beside its colors, for the pastiche.

    profile: its ICC profile, sound and of RGB pixels; None for sRGB.
    exif: from `carry_exif`. alpha: (1, 1, H, W) float32 in [0, 1], upright; None if it has none.
    depth: bits a channel that were read. dpi: pixels per inch across and down; None where the file states none.
    keepable: False where it has a profile that an RGB picture cannot have.
    color: (1, 3, H, W), its colors before transparent parts were filled; None where it has no alpha.
    """

    profile: bytes | None = None
    exif: bytes | None = None
    alpha: Tensor | None = None
    depth: Depth = 8
    keepable: bool = True
    color: Tensor | None = None
    dpi: tuple[float, float] | None = None


NOTHING = Carried()
"""Of an array, or of a picture with nothing beside its colors."""
