"""A painter of tiny pictures that remembers the recipes it painted, for the tests of grids."""

from collections.abc import Sequence
from typing import Any

import impasto


def tiny(**changes: Any) -> impasto.Recipe:
    return impasto.Recipe(weights="tiny", size=32, steps=2, first_scale=0).replace(**changes)


class Painter:
    """Paints cells, and remembers what it painted."""

    def __init__(self, sources: Sequence[Any]) -> None:
        self.sources = sources
        self.painted: list[impasto.Recipe] = []

    def __call__(self, recipe: impasto.Recipe, on_step: Any) -> impasto.Result:
        self.painted.append(recipe)
        return impasto.stylize(self.sources[0], self.sources[1], recipe, threads=1, on_step=on_step)
