"""The pictures and masks that one pastiche is painted from, each read once."""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from impasto.control.masks import read_only, read_protect
from impasto.errors import ImageReadError, RecipeError
from impasto.images.carried import NOTHING, Carried
from impasto.images.io import ImageSource, read_picture
from impasto.images.masks import read_mask
from impasto.images.picture import Picture
from impasto.painting.options import ImageSources, RunOptions
from impasto.recipe.files import begins_with_network, init_file
from impasto.recipe.recipe import Recipe
from impasto.runs.record import Role
from impasto.system.disk import file_sha256, to_path
from impasto.system.torch_settings import torch_defaults

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Inputs:
    """Everything that is read before a run, by role.

    init: the recipe's start image if that is a file. weights: path of the weights file if it was moved since the recipe
    was written, else "". of_film: a frame of a film, whose masks move and may leave it or fill it.
    """

    content: Picture | None = None
    styles: tuple[Picture, ...] = ()
    fine_style: Picture | None = None
    content_masks: tuple[Picture, ...] = ()
    style_masks: tuple[Picture, ...] = ()
    only: Picture | None = None
    protect: Picture | None = None
    init: Picture | None = None
    weights: str = ""
    of_film: bool = False

    def by_role(self) -> Iterator[tuple[Role, Picture]]:
        """Yield every picture with its role, in the order of the fields."""
        roles: tuple[tuple[Role, Sequence[Picture | None]], ...] = (
            ("content", [self.content]),
            ("style", self.styles),
            ("fine_style", [self.fine_style]),
            ("content_mask", self.content_masks),
            ("style_mask", self.style_masks),
            ("only", [self.only]),
            ("protect", [self.protect]),
            ("init", [self.init]),
        )
        for role, pictures in roles:
            yield from ((role, picture) for picture in pictures if picture is not None)

    @property
    def paths(self) -> list[Path]:
        """The paths of the inputs that are files."""
        return [Path(picture.path) for _, picture in self.by_role() if picture.path]

    @property
    def content_image(self) -> Tensor | None:
        """The photograph, (1, 3, H, W) in [0, 1], sRGB."""
        return None if self.content is None else self.content.image

    @property
    def content_alpha(self) -> Tensor | None:
        """The photograph's alpha, (1, 1, H, W) in [0, 1]; None where it is opaque."""
        return None if self.content is None else self.content.alpha

    @property
    def carried(self) -> Carried:
        """What the photograph carries beside its colors, for the pastiche's file."""
        return NOTHING if self.content is None else self.content.carried

    @property
    def style_images(self) -> list[Tensor]:
        """The style images, each (1, 3, h, w) in [0, 1], sRGB."""
        return [style.image for style in self.styles]

    @property
    def style_alphas(self) -> list[Tensor | None]:
        """The alpha of each style image, (1, 1, h, w) in [0, 1]; None where it is opaque."""
        return [style.alpha for style in self.styles]


@torch_defaults()
def read_inputs(
    recipe: Recipe,
    options: RunOptions,
    content_image: ImageSource | None = None,
    style_images: ImageSources = (),
    *,
    fine_style: ImageSource | None = None,
    content_masks: ImageSources = (),
    style_masks: ImageSources = (),
    only: ImageSource | None = None,
    protect: ImageSource | None = None,
    init: ImageSource | None = None,
    weights: str = "",
    of_film: bool = False,
) -> Inputs:
    """Read and check the inputs of a run. init, weights: instead of the files that the recipe names.

    of_film: of a frame of a film, whose masks may be black, and which may have no face.
    Raises ImageReadError, ImageSizeError, ImageRangeError, MaskError, MissingExtraError.
    """
    logger.info("reading the pictures")
    limit = options.max_pixels
    cache = options.cache

    def read(source: ImageSource, name: str) -> Picture:
        return read_picture(source, name=name, max_pixels=limit)

    def read_style(source: ImageSource) -> Picture:
        return read(source, "style_image") if cache is None else cache.read_style(source, limit)

    content = None if content_image is None else read(content_image, "content_image")
    styles = tuple(read_style(source) for source in to_list(style_images))
    fine = None if fine_style is None else read(fine_style, "fine_style")
    regions: dict[str, tuple[Picture, ...]] = {"content_masks": (), "style_masks": ()}
    if content is not None:
        regions["content_masks"] = tuple(
            read_mask(source, content, name=f"content_mask {number}", max_pixels=limit, may_be_empty=of_film)
            for number, source in enumerate(to_list(content_masks), start=1)
        )
        regions["style_masks"] = tuple(
            read_mask(
                # A single style image has all masks; `build_regions` refuses too many.
                *(source, styles[min(number, len(styles)) - 1]),
                name=f"style_mask {number}",
                of="style image",
                max_pixels=limit,
            )
            for number, source in enumerate(to_list(style_masks), start=1)
        )
    init = init if init is not None else init_file(recipe)
    return Inputs(
        content=content,
        styles=styles,
        fine_style=fine,
        **regions,
        only=None if only is None or content is None else read_only(only, content, limit, may_be_empty=of_film),
        protect=(
            None if protect is None or content is None else read_protect(protect, content, limit, may_be_empty=of_film)
        ),
        init=None if init is None else name_network(init) if begins_with_network(recipe) else read(init, "init"),
        weights=weights,
        of_film=of_film,
    )


def name_network(source: ImageSource) -> Picture:
    """Return name and hash of the network that is to paint the start image, with a black pixel in its place.

    Raises ImageReadError.
    """
    path = to_path(source, "init", ImageReadError)
    if not path.is_file():
        raise ImageReadError(
            f"init {str(path)!r} does not exist; expected a network that `impasto train` wrote.", "Check the path."
        )
    return Picture(
        image=torch.zeros(1, 3, 1, 1), name=path.name, path=str(path.absolute()), sha256=file_sha256(path)
    )


def check_given(name: str, sources: ImageSources | None) -> None:
    """Accept one picture or several; name: for the message. Raises RecipeError where there is none."""
    if sources is None or not to_list(sources):
        raise RecipeError(f"no {name} is given; expected at least one picture.", "Give its path, for example.")


def to_list(sources: ImageSources) -> list[ImageSource]:
    """Return one picture or several as a list."""
    return list(sources) if isinstance(sources, (list, tuple)) else [sources]
