"""List the jobs of a folder of photographs and a folder of paintings: every pair, or first with first."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from impasto.batch.jobs import Job
from impasto.batch.naming import NameTemplate
from impasto.errors import BatchError
from impasto.images.listing import list_pictures, natural_key
from impasto.recipe.recipe import Recipe


@dataclass(frozen=True, slots=True)
class Pairs:
    """Jobs, listed anew by each iteration, which raises BatchError and ImageReadError.

    contents, styles: folders, patterns and files. pairs: "all": every photograph in every style, style by style;
    "zip": the first with the first, and so on, of two sorted lists of equal length. folder: for the pictures.
    """

    contents: Sequence[str]
    styles: Sequence[str]
    pairs: str
    template: NameTemplate
    recipe: Recipe
    folder: Path

    def __post_init__(self) -> None:
        if self.pairs not in ("all", "zip"):
            raise BatchError(
                f"pairs is {self.pairs!r}; expected all or zip.", "Give --pairs all for every pair, zip for one each."
            )

    def __iter__(self) -> Iterator[Job]:
        for index, (content, style) in enumerate(self._pair(), start=1):
            name = self.template.fill(content, [style], index, self.recipe)
            yield Job(content, (style,), name, self.recipe)

    def _pair(self) -> Iterator[tuple[str, str]]:
        if self.pairs == "zip":
            contents, styles = (sorted(list_all(), key=natural_key) for list_all in (self._contents, self._styles))
            if len(contents) != len(styles):
                raise BatchError(
                    f"--pairs zip has {len(contents)} photographs and {len(styles)} paintings; expected as many of "
                    "both.",
                    "Leave --pairs out for every pair, or give a list with --from.",
                )
            yield from zip(contents, styles, strict=True)
            return
        for style in self._styles():
            for content in self._contents():
                yield content, style

    def _contents(self) -> Iterator[str]:
        return chain.from_iterable(list_pictures(source, self.folder, "CONTENTS") for source in self.contents)

    def _styles(self) -> Iterator[str]:
        return chain.from_iterable(list_pictures(source, self.folder, "STYLES") for source in self.styles)
