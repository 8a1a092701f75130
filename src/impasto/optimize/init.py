"""The start image of an optimization."""

from collections.abc import Sequence

import torch
from torch import Tensor

from impasto.images.color.named import mean_color, parse_color
from impasto.images.resize import Resampling, resize_image

NOISE = 0.05
"""Standard deviation of the white noise, of the color range. The paper names none; stronger noise is visible even
after hundreds of steps, since pooling hides it from all layers but the first (docs/experiments.md)."""


def build_init(
    init: str,
    size: tuple[int, int],
    content_image: Tensor | None,
    style_images: Sequence[Tensor],
    seed: int,
    resampling: Resampling = "bicubic",
    start_image: Tensor | None = None,
) -> Tensor:
    """Return the start image: (1, 3, H, W) float32 in [0, 1], sRGB, on the CPU.

    init: "content", "style" (the first style image, cut to the shape), "noise" (white noise about mid-grey),
    "black", "white", "mean" (the content image's mean color, or the style's), "#rrggbb", or the path of `start_image`,
    which "instant" means too.
    size: (H, W). seed: of the noise, drawn on the CPU whatever the device.
    """
    height, width = size
    blank = torch.empty(1, 3, height, width)
    if init == "noise":
        return blank.normal_(0.5, NOISE, generator=torch.Generator().manual_seed(seed)).clamp_(0, 1)
    if init in ("black", "white"):
        return blank.fill_(float(init == "white"))
    if init.startswith("#"):
        return torch.tensor(parse_color(init)).view(1, 3, 1, 1).expand_as(blank).clone()
    if init == "mean":
        return mean_color(content_image if content_image is not None else style_images[0]).expand_as(blank).clone()
    if init == "content" and content_image is not None:
        return resize_image(content_image, size, resampling)
    image = style_images[0] if init == "style" else start_image
    assert image is not None
    return resize_image(_cut_to_shape(image, size), size, resampling)


def _cut_to_shape(image: Tensor, size: tuple[int, int]) -> Tensor:
    """The middle of the image with the aspect of `size`, so that strokes keep their shape."""
    H, W = image.shape[-2:]
    shrink = min(H / size[0], W / size[1])
    height, width = max(1, round(size[0] * shrink)), max(1, round(size[1] * shrink))
    top, left = (H - height) // 2, (W - width) // 2
    return image[..., top : top + height, left : left + width]
