"""Single colors: read from text, averaged from an image."""

import re

from torch import Tensor

from impasto.errors import RecipeError


def parse_color(text: str) -> tuple[float, float, float]:
    """Return the sRGB color of "#rrggbb" as (red, green, blue) in [0, 1]. Raises RecipeError."""
    if re.fullmatch(r"#[0-9a-fA-F]{6}", text) is None:
        raise RecipeError(
            f"{text!r} is not a color; expected #rrggbb, six hexadecimal digits after a #.",
            "For example #ffffff is white and #1a3c6e a dark blue; quote it in a shell.",
        )
    red, green, blue = bytes.fromhex(text[1:])
    return red / 255, green / 255, blue / 255


def mean_color(image: Tensor) -> Tensor:
    """Return the mean of each channel, of the gamma-coded values.

    image: (B, 3, H, W) in [0, 1], sRGB. Returns (B, 3, 1, 1), same dtype and device.
    """
    return image.mean(dim=(2, 3), keepdim=True)
