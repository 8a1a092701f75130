"""A film to paint, and how: everything that shows in its frames."""

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from fractions import Fraction
from pathlib import Path
from typing import Any, Self

from PIL import Image

from impasto import __version__
from impasto.control.masks import FACES
from impasto.errors import RecipeError
from impasto.images.listing import SUFFIXES
from impasto.recipe.fields import shown
from impasto.recipe.files import recipe_in_picture
from impasto.recipe.recipe import Recipe
from impasto.runs.record import software_versions
from impasto.video.frames import Source
from impasto.video.source import open_source

OPTIMIZE, INSTANT = "optimize", "instant"
"""The two words of `with_`; any other is a trained network, by its name or its file."""

@dataclass(frozen=True, slots=True, kw_only=True)
class VideoJob:
    """A film to paint, and how. It can be pickled: its files are paths.

    source: a film, an animation or a folder of numbered pictures. method: OPTIMIZE, INSTANT, or a trained network.
    styles: paths of paintings; of a trained network, names of its styles. recipe: of every frame, whose `style_blend`
    a morph replaces. network: SHA-256 of the network's file; "" where a recipe is optimized.
    start_s, duration_s: the part of the source, in seconds. rate: frames a second of every folder that is read. every:
    paint every N-th frame. morph: from the first style through all to the last. steady: whether a network's frames are
    steadied along the motion. passes: over each scene where frames are optimized, the second one backwards, and so on.
    content_masks, style_masks, only, protect: paths, as for `stylize`; of the photograph's, a film or folder has a mask
    for each frame. protect: also "faces".
    """

    source: str
    method: str
    recipe: Recipe
    styles: tuple[str, ...]
    network: str = ""
    start_s: float = 0.0
    duration_s: float | None = None
    rate: Fraction | None = None
    every: int = 1
    morph: bool = False
    steady: bool = True
    passes: int = 1
    content_masks: tuple[str, ...] = ()
    style_masks: tuple[str, ...] = ()
    only: str | None = None
    protect: str | None = None

    def __post_init__(self) -> None:
        for name, kinds, expected in (
            ("start_s", int | float, "seconds"),
            ("duration_s", int | float | None, "seconds"),
            ("every", int, "a whole number"),
            ("passes", int, "a whole number"),
            ("morph", bool, "True or False"),
            ("steady", bool, "True or False"),
        ):
            if not isinstance(getattr(self, name), kinds):
                label = name.removesuffix("_s")
                raise RecipeError(f"{label} is {shown(getattr(self, name))}; expected {expected}.", "Or leave it out.")
        if not self.start_s >= 0:
            raise RecipeError(f"start is {shown(self.start_s)}; expected seconds from 0.", "Or leave it out.")
        if self.duration_s is not None and not self.duration_s > 0:
            raise RecipeError(f"duration is {shown(self.duration_s)}; expected seconds above 0.", "Or leave it out.")
        if self.every < 1:
            raise RecipeError(f"every is {self.every}; expected a whole number of at least 1.", "Or leave it out.")
        if not 1 <= self.passes <= (9 if self.is_optimized else 1):
            raise RecipeError(
                f"passes is {self.passes}; expected 1 to 9 with optimize, 1 with a network.", "Or leave it out."
            )
        if self.morph and len(self.styles) < 2:
            raise RecipeError(
                f"morph is given with {len(self.styles)} style; expected two or more to morph between.",
                "Give another style, or leave --morph out.",
            )
        if self.morph and self.recipe.style_blend:
            raise RecipeError(
                "style_blend is given with a morph, which goes through all blends; expected one of them.",
                "Leave --style-blend out.",
            )

    @property
    def is_optimized(self) -> bool:
        """Whether each frame is painted by optimization, not by a network in one pass."""
        return self.method == OPTIMIZE

    @property
    def end_s(self) -> float | None:
        """Where the painted part of the source ends, in seconds; None: where the source does."""
        return None if self.duration_s is None else self.start_s + self.duration_s

    @property
    def paths(self) -> tuple[str, ...]:
        """All files and folders that are read: the source, then masks, paintings, network, weights and start image."""
        networks = [self.method] if self.network and os.path.isfile(self.method) else []
        paintings = self.styles if self.method in (OPTIMIZE, INSTANT) else ()
        masks = [path for paths in self.masks().values() for path in paths]
        files = [name for name in (self.recipe.init, self.recipe.weights) if os.path.isfile(name)]
        return (self.source, *masks, *paintings, *networks, *files)

    def masks(self) -> dict[str, tuple[str, ...]]:
        """Return the paths of the masks by their field, without "faces"."""
        singles = {"only": self.only, "protect": None if self.protect == FACES else self.protect}
        found = {"content_masks": self.content_masks, "style_masks": self.style_masks}
        found |= {name: () if path is None else (path,) for name, path in singles.items()}
        return {name: paths for name, paths in found.items() if paths}

    def with_paths(self, paths: Sequence[str]) -> Self:
        """Return the film with other paths of the same files, in the order of `paths`."""
        new = dict(zip(self.paths, paths, strict=True))

        def moved(name: str) -> str:
            return new.get(name, name)

        return replace(
            self,
            source=moved(self.source),
            method=moved(self.method),
            recipe=self.recipe.replace(init=moved(self.recipe.init), weights=moved(self.recipe.weights)),
            styles=tuple(map(moved, self.styles)),
            content_masks=tuple(map(moved, self.content_masks)),
            style_masks=tuple(map(moved, self.style_masks)),
            only=None if self.only is None else moved(self.only),
            protect=None if self.protect is None else moved(self.protect),
        )

    def metadata(self) -> dict[str, Any]:
        """Return what is written into the film: version, method, styles and recipe; files by name, never by path."""
        names = {name: _base_names(getattr(self, name)) for name in ("method", "styles")}
        return {"impasto": __version__, **names, "recipe": recipe_in_picture(self.recipe).to_dict()}

    def key(self) -> str:
        """Return 16 hexadecimal digits of everything that shows in the frames.

        Files count by name, size and time of change, so that a folder may be moved.
        """
        names = [field.name for field in fields(self) if field.name not in ("recipe", "source")]
        values: dict[str, Any] = {name: _base_names(getattr(self, name)) for name in names}
        values |= {"recipe": self.recipe.to_dict(), "files": [_stamp(path) for path in self.paths]}
        values |= {"software": software_versions()}
        return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:16]


def is_film(path: str) -> bool:
    """Return whether a mask has a picture for each frame: it is a film, an animation or a folder."""
    if os.path.isdir(path) or not path.lower().endswith(SUFFIXES):
        return True
    try:
        with Image.open(path) as picture:
            return bool(getattr(picture, "is_animated", False))
    except OSError:  # whoever reads it as a picture says what is wrong
        return False


def open_film(path: str, rate: Fraction | None) -> Source:
    """Return a film of a job. rate: frames a second, if it is a folder. Raises what `open_source` raises."""
    return open_source(path, rate=rate if os.path.isdir(path) else None)


def _base_names(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_base_names(each) for each in value]
    if isinstance(value, Fraction):
        return str(value)
    return os.path.basename(value) if isinstance(value, str) else value


def _stamp(path: str) -> list[Any]:
    files = sorted(Path(path).iterdir()) if os.path.isdir(path) else [Path(path)]
    return [[file.name, status.st_size, status.st_mtime_ns] for file in files for status in [file.stat()]]
