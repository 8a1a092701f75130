"""The masks `only`, outside which the photograph stays, and `protect`, inside which its structure is preserved."""

from dataclasses import replace

from torch import Tensor

from impasto.errors import MaskError
from impasto.features.guides import resize_guide
from impasto.images.faces import find_faces, mask_faces
from impasto.images.io import ImageSource
from impasto.images.masks import feather_mask, read_mask, to_levels
from impasto.images.picture import Picture, hash_pixels
from impasto.images.resize import resize_image

FACES = "faces"
"""The word that protects the faces found in the photograph; a file of that name is "./faces"."""


def read_only(source: ImageSource, picture: Picture, max_pixels: int, *, may_be_empty: bool = False) -> Picture:
    """Read the mask outside which the photograph stays, as grey levels (1, 1, H, W) in [0, 1] at the photograph's size.

    picture: the photograph. may_be_empty: black everywhere. Raises what `read_mask` raises.
    """
    return _read("only", source, picture, max_pixels, may_be_empty)


def read_protect(source: ImageSource, picture: Picture, max_pixels: int, *, may_be_empty: bool = False) -> Picture:
    """Read the mask in which structure is kept, as `read_only`; "faces" draws it around those in the photograph.

    picture: the photograph. may_be_empty: a black mask, or no face. Raises what `read_mask` and `find_faces` raise.
    """
    if not (isinstance(source, str) and source == FACES):
        return _read("protect", source, picture, max_pixels, may_be_empty)
    try:
        boxes = find_faces(picture.image)
    except MaskError:
        if not may_be_empty:
            raise
        boxes = ()
    mask = mask_faces(boxes, picture.size)
    return Picture(image=mask, name=FACES, sha256=hash_pixels(mask), boxes=boxes)


def keep_photograph(pastiche: Tensor, content: Picture, only: Tensor, feather: int) -> Tensor:
    """Return the pastiche where `only` is white, and elsewhere the photograph, bit for bit if the sizes are equal.

    pastiche: (1, 3, H, W) in [0, 1]. content: the photograph. only: its mask, (1, 1, h, w). feather: pixels of the
    pastiche in the transition, all of them inside the mask.
    """
    size = (pastiche.shape[-2], pastiche.shape[-1])
    color = content.carried.color
    photograph = color if content.size == size and color is not None else resize_image(content.image, size)
    share = feather_mask(resize_guide(only, size), feather)
    return photograph.lerp(pastiche, share)


def _read(name: str, source: ImageSource, picture: Picture, max_pixels: int, may_be_empty: bool) -> Picture:
    mask = read_mask(source, picture, name=name, max_pixels=max_pixels, may_be_empty=may_be_empty)
    return replace(mask, image=resize_guide(to_levels(mask.image), picture.size))
