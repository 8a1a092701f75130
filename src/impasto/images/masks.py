"""Masks: pictures that select regions, one by its grey levels, or several by the colors of a color-coded map."""

import logging
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional

from impasto.errors import ImageReadError, ImageSizeError, MaskError
from impasto.images.carried import NOTHING
from impasto.images.formats.exif import turn_upright
from impasto.images.io import MAX_PIXELS, ImageSource, read_picture
from impasto.images.picture import Picture
from impasto.system.disk import is_address

logger = logging.getLogger(__name__)

ASPECT_TOLERANCE = 0.02
"""Largest relative difference of a mask's aspect from its picture's: cropping or rounding, not another picture."""

ROUNDING = 8 / 255
"""Levels this close to black and white count as black and white: JPEG blurs them."""

COLORED = 0.15
"""A pixel has a color if its channels differ by more: a JPEG in grey stays well below."""

SAME_COLOR = 0.15
"""Distance in RGB up to which two colors are one code: JPEG blurs by less, codes that people choose differ by more."""

MATCHING_COLOR = 0.2
"""The same for the codes of two maps, which two programs may have written."""

SMALLEST = 0.001
"""Least share of a map's pixels that a region has: an owl's eyes have it, the blurred colors of a border do not."""

MOST_COLORS = 64
"""Candidate colors of a map, the most frequent ones."""

SEARCH_LONG_EDGE = 512
"""Long edge at which the colors of a map are searched; borders are then drawn at its own size."""

UNDECIDED = 0.5
"""Share of a mask between black and white from which on it may be no mask, if it is also as rough as a photograph."""

ROUGH = 0.2
"""Share of pixels whose second difference is above rounding: a gradient and flat areas have less."""

COLORFUL = 0.02
"""Share of a grey mask's pixels that may have a color."""

HINT = "A mask is a black and white picture of the photograph's shape: paint in white where it applies, in any program."

EXPECTED = "expected black and white: did you paint on the photograph itself?"

Color = tuple[float, float, float]


def read_mask(
    source: ImageSource,
    picture: Picture,
    *,
    name: str,
    of: str = "photograph",
    max_pixels: int = MAX_PIXELS,
    may_be_empty: bool = False,
) -> Picture:
    """Read a mask or map of a picture: (1, 3, h, w) float32 in [0, 1], upright, on the CPU; transparent is black.

    source: what `read_image` takes, of any size in its picture's aspect. picture: the one it belongs to. name, of:
    what messages call the two. A mask that fits only lying down was made of the pixels as they are stored: it is turned
    as the picture's EXIF says, with a warning.

    What looks like no mask, such as the photograph itself, gives a warning.

    may_be_empty: whether a mask that is no file may be black, as of a film's frame.

    Raises what `read_image` raises, ImageSizeError (another aspect), MaskError (black everywhere).
    """
    try:
        read = read_picture(source, name=name, max_pixels=max_pixels)
    except ImageReadError as error:
        if isinstance(source, (str, os.PathLike)) and not os.path.lexists(source) and not is_address(source):
            raise ImageReadError(error.error, HINT) from error
        raise
    mask = read.image.cpu() if read.alpha is None else read.image.cpu() * read.alpha
    label = f"{name} {str(Path(source))!r}" if isinstance(source, (str, os.PathLike)) else name
    mask = _turn_like(mask, picture, label)
    _check_mask(mask, picture.size, label, of, may_be_empty=may_be_empty and isinstance(source, Tensor))
    if problem := _doubt(mask, read.alpha, may_be_coded="_mask" in name):
        logger.warning("%s %s", label, problem)
    return replace(read, image=mask, carried=NOTHING)


def _turn_like(mask: Tensor, picture: Picture, label: str) -> Tensor:
    height, width = mask.shape[-2:]
    if _fits((height, width), picture.size) or not _fits((width, height), picture.size) or picture.orientation < 5:
        return mask
    logger.warning("%s lies on its side, as the picture is stored; it is turned as the picture's EXIF says.", label)
    return turn_upright(mask, picture.orientation)


def _fits(size: tuple[int, int], other: tuple[int, int]) -> bool:
    """Whether two sizes (height, width) have one aspect, within the tolerance or a pixel."""
    (height, width), (H, W) = size, other
    stretch = (width / height) / (W / H)
    return max(stretch, 1 / stretch) <= 1 + ASPECT_TOLERANCE or abs(width - height * W / H) <= 1


def _check_mask(mask: Tensor, size: tuple[int, int], name: str, of: str, *, may_be_empty: bool) -> None:
    (height, width), (H, W) = mask.shape[-2:], size
    if not _fits((height, width), size):
        raise ImageSizeError(
            f"{name} is {width}x{height}, {width / height:.3f} to 1, and the {of} {W}x{H}, {W / H:.3f} to 1; "
            f"expected one aspect, within {ASPECT_TOLERANCE:.0%}.",
            "Give the mask of this picture, whole and upright, at any size.",
        )
    if not may_be_empty and float(to_levels(mask).max()) == 0:
        raise MaskError(
            f"{name} is empty: black or transparent everywhere; expected white where it applies.",
            "Check that it is the right file, and not inverted.",
        )


def _doubt(mask: Tensor, alpha: Tensor | None, *, may_be_coded: bool) -> str:
    """Return why a mask, (1, 3, h, w), may be none; "" where it looks like one. alpha: (1, 1, h, w), or None."""
    visible = None if alpha is None else alpha.cpu() > 0.5
    if visible is not None and not bool(visible.all()) and bool(visible.any()):
        if float(mask.mean(1, keepdim=True)[visible].mean()) < 0.9:
            return "is transparent in part, which counts as black, but the rest is not white; expected white there."
        return ""
    if not may_be_coded and float((mask.amax(1) - mask.amin(1) > COLORED).float().mean()) > COLORFUL:
        return f"has colors, of which only the lightness counts; {EXPECTED}"
    if may_be_coded and is_coded(mask):
        return ""
    step = -(-max(mask.shape[-2:]) // SEARCH_LONG_EDGE)
    levels = mask.mean(1)[..., ::step, ::step]
    undecided = float(((levels > 0.1) & (levels < 0.9)).float().mean())
    if undecided > UNDECIDED and float((levels.diff(n=2).abs() > 2.5 / 255).float().mean()) > ROUGH:
        return f"is gray in {undecided:.0%} of its area; {EXPECTED}"
    return ""


def to_levels(mask: Tensor) -> Tensor:
    """Return the grey levels of a mask, (1, 1, h, w) in [0, 1]; black and white blurred by JPEG are 0 and 1 again."""
    levels = mask.mean(dim=1, keepdim=True)
    return torch.where(levels <= ROUNDING, 0.0, torch.where(levels >= 1 - ROUNDING, 1.0, levels))


def feather_mask(mask: Tensor, feather: int) -> Tensor:
    """Return the mask with a soft border of `feather` pixels inside it: nowhere more than the mask itself.

    mask: (1, 1, H, W) in [0, 1]. At the picture's own border nothing is feathered.
    """
    # Eroded by a square, the mean over the same square stays within the mask.
    radius = feather // 2
    if radius == 0:
        return mask
    side = 2 * radius + 1
    eroded = -_spread(-mask[0], side)[None]
    for window, padding in (((side, 1), (radius, 0)), ((1, side), (0, radius))):
        eroded = functional.avg_pool2d(eroded, window, 1, padding, count_include_pad=False)
    return eroded


def is_coded(mask: Tensor) -> bool:
    """Whether the colors of this mask are regions, rather than its grey levels one. mask: from `read_mask`."""
    chroma = mask.amax(dim=1) - mask.amin(dim=1)
    return float((chroma > COLORED).float().mean()) > SMALLEST


def split_codes(coded: Tensor) -> dict[Color, Tensor]:
    """Return the regions of a color-coded map, {color: (1, 1, h, w), 1 inside and 0 outside}, the largest first.

    coded: (1, 3, h, w) in [0, 1]. The regions partition it. A color is a code if it fills areas. Pixels between two
    areas, where a border is blurred or noisy, take the nearest color of an area close by, so that there is no purple
    between red and blue.
    """
    step = -(-max(coded.shape[-2:]) // SEARCH_LONG_EDGE)
    palette = _find_codes(coded[..., ::step, ::step])
    distance = _distances(coded, palette)
    areas = _areas(distance)
    near = _spread(areas.float(), _window(distance, 4)) > 0
    labels = distance.masked_fill(~near & near.any(0), torch.inf).argmin(0)
    regions = {}
    for k in labels.flatten().bincount(minlength=len(palette)).argsort(descending=True, stable=True).tolist():
        inside = areas[k] if bool(areas[k].any()) else labels == k
        red, green, blue = coded[0][:, inside].mean(1).tolist()
        regions[red, green, blue] = (labels == k)[None, None].to(coded.dtype)
    return regions


def _find_codes(coded: Tensor) -> Tensor:
    """Return the colors, (K, 3), that fill areas of the map."""
    palette = _frequent_colors(coded)
    while True:
        shares = _areas(_distances(coded, palette)).float().mean(dim=(1, 2))
        kept = shares >= SMALLEST / 4
        if bool(kept.all()) or not bool(kept.any()):
            return palette
        palette = palette[kept]


def _distances(coded: Tensor, palette: Tensor) -> Tensor:
    """Return the squared distance of each pixel from each color: (K, h, w)."""
    return torch.stack([(coded[0] - color[:, None, None]).square().sum(0) for color in palette])


def _window(distance: Tensor, times: int = 1) -> int:
    """Return an odd number of pixels: wider than the blur of a border, narrower than an area."""
    short, long = sorted(distance.shape[-2:])
    return 2 * times * min(max(2, round(0.006 * long)), short // 16) + 1


def _areas(distance: Tensor) -> Tensor:
    """Return where the surroundings are of one color too: (K, h, w) of bools. distance: from each color."""
    nearest = distance.argmin(0)
    own = torch.stack([(nearest == k) & (distance[k] < SAME_COLOR**2) for k in range(len(distance))])
    return _spread(-own.float(), _window(distance)) < 0


def _spread(maps: Tensor, side: int) -> Tensor:
    """Return the largest value within a square of an odd side around each pixel. maps: (K, h, w)."""
    down = functional.max_pool2d(maps[None], (side, 1), stride=1, padding=(side // 2, 0))
    return functional.max_pool2d(down, (1, side), stride=1, padding=(0, side // 2))[0]


def _frequent_colors(coded: Tensor) -> Tensor:
    """Return colors, (K, 3), the most frequent first, each further than SAME_COLOR from those before it."""
    levels = (coded[0] * 31).round().long().flatten(1)  # (3, pixels)
    codes = (levels[0] * 32 + levels[1]) * 32 + levels[2]
    counts = codes.bincount(minlength=32**3).view(1, 1, 32, 32, 32).to(coded.dtype)
    axis = torch.arange(32, dtype=coded.dtype, device=coded.device) / 31
    cube = torch.cartesian_prod(axis, axis, axis)  # (32**3, 3), as the counts
    palette: list[Tensor] = []
    while len(palette) < MOST_COLORS:
        # Noise spreads a color over its neighbors.
        around = 125 * functional.avg_pool3d(counts, 5, stride=1, padding=2).flatten()
        if palette and float(around.max()) < SMALLEST * levels.shape[1] / 2:
            break
        palette.append(cube[around.argmax()])
        near = (cube - palette[-1]).square().sum(1) < SAME_COLOR**2
        counts = counts.masked_fill(near.view(counts.shape), 0)
    return torch.stack(palette)


def match_color(color: Color, known: Sequence[Color]) -> Color | None:
    """Return the nearest known color, or None where none is within MATCHING_COLOR."""
    distances = [sum((a - b) ** 2 for a, b in zip(color, other, strict=True)) ** 0.5 for other in known]
    nearest = min(range(len(known)), key=distances.__getitem__, default=None)
    return None if nearest is None or distances[nearest] > MATCHING_COLOR else known[nearest]


def name_color(color: Color) -> str:
    """Return a color as people write it: #ff0000 for red."""
    return "#" + "".join(f"{round(255 * channel):02x}" for channel in color)
