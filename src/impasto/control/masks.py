"""Masks beside a photograph: outside `only` it stays as it is, inside `protect` its structure is kept."""

import hashlib

from torch import Tensor

from impasto.features.guides import resize_guide
from impasto.images.carried import Carried
from impasto.images.faces import find_faces, mask_faces
from impasto.images.io import ImageSource
from impasto.images.masks import feather_mask, read_mask, to_levels
from impasto.images.picture import Input, Role, describe_input
from impasto.images.resize import resize_image

FACES = "faces"
"""The word that finds what to protect by itself. It wins over a file of that name, which is "./faces"."""

Read = tuple[Tensor, Input]
"""A mask, (1, 1, H, W) float32 in [0, 1] at the photograph's size, and what is remembered of it."""


def read_only(source: ImageSource, picture: ImageSource, size: tuple[int, int], max_pixels: int) -> Read:
    """The mask outside which the photograph stays. picture, size: as `read_mask`, which says what is raised."""
    return _read("only", source, picture, size, max_pixels)


def read_protect(source: ImageSource, picture: ImageSource, content: Tensor, max_pixels: int) -> Read:
    """The mask in which structure is kept: "faces" finds them in the photograph.

    picture: the photograph as it was given. content: as it was read, (1, 3, H, W) in [0, 1], sRGB. Raises as
    `read_mask` and `find_faces`.
    """
    size = (content.shape[-2], content.shape[-1])
    if not (isinstance(source, str) and source == FACES):
        return _read("protect", source, picture, size, max_pixels)
    boxes = find_faces(content)
    mask = mask_faces(boxes, size)
    sha256 = hashlib.sha256(mask.numpy().tobytes()).hexdigest()
    return mask, Input(role="protect", name=FACES, sha256=sha256, boxes=boxes)


def keep_photograph(pastiche: Tensor, content: Tensor, carried: Carried, only: Tensor, feather: int) -> Tensor:
    """The pastiche where `only` is white, and elsewhere the photograph, bit for bit if the sizes are equal.

    pastiche: (1, 3, H, W) in [0, 1]. content, carried: the photograph as it was read. only: its mask. feather: pixels
    of the pastiche in which the one becomes the other, all of them inside the mask.
    """
    size = (pastiche.shape[-2], pastiche.shape[-1])
    is_exact = tuple(content.shape[-2:]) == size
    photograph = carried.color if is_exact and carried.color is not None else resize_image(content, size)
    share = feather_mask(resize_guide(only, size), feather)
    return photograph.lerp(pastiche, share)


def _read(role: Role, source: ImageSource, picture: ImageSource, size: tuple[int, int], max_pixels: int) -> Read:
    mask = read_mask(source, picture, size, name=role, max_pixels=max_pixels)
    return resize_guide(to_levels(mask), size), describe_input(role, source)
