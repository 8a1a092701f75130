"""Masks beside a photograph: outside `only` it stays as it is."""

from torch import Tensor

from impasto.images.carried import Carried
from impasto.images.io import ImageSource
from impasto.images.mask import feather_mask, read_mask, resize_mask
from impasto.images.resize import resize_image
from impasto.result import Input, describe_input

Read = tuple[Tensor, Input]
"""A mask, (1, 1, H, W) float32 in [0, 1] at the photograph's size, and what is remembered of it."""


def read_only(source: ImageSource, size: tuple[int, int], max_pixels: int) -> Read:
    """The mask outside which the photograph stays. size: its (height, width). Raises as `read_mask`."""
    return read_mask(source, size, name="only", max_pixels=max_pixels), describe_input("only", source)


def keep_photograph(pastiche: Tensor, content: Tensor, carried: Carried, only: Tensor, feather: int) -> Tensor:
    """The pastiche where `only` is white, and elsewhere the photograph, bit for bit if the sizes are equal.

    pastiche: (1, 3, H, W) in [0, 1]. content, carried: the photograph as it was read. only: its mask. feather: pixels
    of the pastiche in which the one becomes the other, all of them inside the mask.
    """
    size = (pastiche.shape[-2], pastiche.shape[-1])
    is_exact = tuple(content.shape[-2:]) == size
    photograph = carried.color if is_exact and carried.color is not None else resize_image(content, size)
    share = feather_mask(resize_mask(only, size), feather)
    return photograph.lerp(pastiche, share)
