"""The experiments of the paper, figure by figure: Gatys, Ecker and Bethge 2015 (arXiv 1508.06576)."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Unpack

from torch import Tensor

from impasto.errors import RecipeError
from impasto.experiments.grid_cell import Paint, Panel, check_panels, paint_panel
from impasto.experiments.page import Figure, write_page
from impasto.experiments.sheet import compose_sheet
from impasto.experiments.sweep import FIGURE_3, FIGURE_3_ROWS, compose_sweep, panel_path, sweep
from impasto.images.io import MAX_PIXELS, ImageSource, read_image, write_image
from impasto.images.resize import fit_long_edge, resize_image
from impasto.optimize.events import OnStep
from impasto.painting.options import How
from impasto.recipe.files import recipe_files
from impasto.recipe.recipe import Recipe
from impasto.recipe.words import STYLE_LAYERS
from impasto.runs.result import Result
from impasto.system.disk import check_folder, check_not_input
from impasto.transfer.pastiche import reconstruct, stylize
from impasto.transfer.preparation import prepare_pastiche

STEPS = {"figure1": 200, "figure2": 300, "figure3": 150}
"""Steps a panel, where the caller names none; the paper names none either."""

OnFigure = Callable[[str, int, int], object]
"""Told the figure, the number of the panel that begins, and how many the figure has."""


@dataclass(frozen=True, slots=True)
class Paper:
    """What was made: the page, the figures, every panel in the order of painting, and the recipe of figure 2.

    size: (height, width) of the panels that show the photograph.
    """

    page: Path
    figures: tuple[Path, ...]
    panels: tuple[Panel, ...]
    recipe: Recipe
    size: tuple[int, int]


def paint_paper(
    content_image: ImageSource,
    style_images: Sequence[ImageSource],
    folder: str | os.PathLike[str],
    *,
    size: int = 256,
    steps: int | None = None,
    weights: str = "oxford",
    seed: int = 0,
    on_step: OnStep | None = None,
    on_figure: OnFigure | None = None,
    **how: Unpack[How],
) -> Paper:
    """Figures 1, 2 and 3 of the paper for these pictures, and the page that shows them.

    Figure 1: what each layer keeps of the photograph, and what growing sets of layers keep of the first painting.
    Figure 2: the photograph in the style of every painting, alpha/beta = 1e-3. Figure 3: style layers by alpha/beta.
    size: long edge of every panel. steps: of every panel; STEPS if left out. The rest as for `stylize`.
    Panels that are in the folder already, from the same recipe and pictures, are kept. Raises what `stylize` raises
    before slow work, and OutputError where an input would be replaced.
    """
    if not style_images:
        raise RecipeError("no style image is given; expected at least one painting.", "Name a painting's file.")
    folder = Path(folder)
    maker = _Maker(folder, size, steps, weights, seed, on_step, on_figure, how)
    recipe = maker.recipe("paper", "figure2")
    _check_places(folder, [content_image, *style_images, *recipe_files(recipe)], len(style_images))
    content = maker.read(content_image, "content_image")
    # Figure 2's recipe has the deepest layers and all inputs: where it can be painted, so can every panel.
    for style_image in style_images:
        prepare_pastiche(content, style_image, recipe, **how)
    figures = [
        maker.figure_1(content_image, content, style_images[0]),
        maker.figure_2(content_image, content, style_images),
        maker.figure_3(content_image, style_images[0]),
    ]
    page = write_page(folder / "index.html", "A Neural Algorithm of Artistic Style, figure by figure", figures)
    pictures = tuple(folder / figure.picture for figure in figures)
    return Paper(page, pictures, tuple(maker.panels), recipe, fit_long_edge(content.shape[-2], content.shape[-1], size))


def _check_places(folder: Path, inputs: Sequence[object], paintings: int) -> None:
    """Accept a folder in which no figure or panel replaces an input. Raises OutputError."""
    for name in ("figure1.png", "figure2.png", "figure3.png", "index.html"):
        check_not_input(folder / name, f"output {str(folder / name)!r}", inputs, "Choose another -o.")
    panels = [_figure_1_path(folder, kind, layer) for kind in ("style", "content") for layer in STYLE_LAYERS]
    panels += [_figure_2_path(folder, index) for index in range(paintings)]
    rows, columns = (len(axis.values) for axis in FIGURE_3)
    panels += [panel_path(folder / "figure3", i, j) for i in range(1, rows + 1) for j in range(1, columns + 1)]
    check_panels(panels, inputs)
    for place in sorted({path.parent for path in panels if path.parent.exists()}):
        check_folder(place, f"panel {str(place / 'panel.png')!r}")


def _figure_1_path(folder: Path, kind: str, layer: str) -> Path:
    return folder / "figure1" / f"{kind}_{layer}.png"


def _figure_2_path(folder: Path, index: int) -> Path:
    return folder / "figure2" / f"style{index + 1}.png"


class _Maker:
    """What all figures share."""

    def __init__(
        self,
        folder: Path,
        size: int,
        steps: int | None,
        weights: str,
        seed: int,
        on_step: OnStep | None,
        on_figure: OnFigure | None,
        how: How,
    ) -> None:
        self.folder, self.size, self.steps, self.on_step, self.on_figure = folder, size, steps, on_step, on_figure
        self.fields = {"size": size, "weights": weights, "seed": seed}
        self.how = how
        self.panels: list[Panel] = []

    def recipe(self, preset: str, figure: str) -> Recipe:
        recipe = Recipe.preset(preset, **self.fields, steps=STEPS[figure] if self.steps is None else self.steps)
        # The rescaled network exists for Oxford's weights only; the others paint with what they have.
        return recipe if recipe.weights == "oxford" else recipe.replace(rescaled_network=False)

    def read(self, source: ImageSource, name: str) -> Tensor:
        return read_image(source, name=name, max_pixels=self.how.get("max_pixels", MAX_PIXELS))

    def figure_1(self, content_source: ImageSource, content: Tensor, style_source: ImageSource) -> Figure:
        """Content reconstructions from one layer each, style reconstructions from growing sets of layers."""
        recipe = self.recipe("reconstruct", "figure1")
        panels: list[list[Panel]] = [[], []]
        total = len(STYLE_LAYERS) + len(FIGURE_3_ROWS)
        for layers in FIGURE_3_ROWS:
            panels[0].append(self._reconstruct(style_source, recipe, total, style_layers=layers))
        for layer in STYLE_LAYERS:
            panels[1].append(self._reconstruct(content_source, recipe, total, content_layers=(layer,)))
        originals = [self._shrunk(self.read(style_source, "style_image")), self._shrunk(content)]
        rows = [[original, *(p.pastiche for p in row)] for original, row in zip(originals, panels, strict=True)]
        sheet = compose_sheet(
            rows,
            row_labels=["style,\nlayers up to", "content,\nthis layer"],
            column_labels=["original", *STYLE_LAYERS],
            panel_size=self.size,
        )
        write_image(sheet, self.folder / "figure1.png")
        curves = {f"style up to {layers[-1]}": p.trace for layers, p in zip(FIGURE_3_ROWS, panels[0], strict=True)}
        curves |= {f"content {layer}": p.trace for layer, p in zip(STYLE_LAYERS, panels[1], strict=True)}
        return Figure(
            "Figure 1. What the layers keep",
            "figure1.png",
            "Top: pictures with the same Gram matrices as the painting, from conv1_1 alone up to all five layers. "
            "Larger sets match texture at larger and larger scale; none knows where things are. Bottom: pictures with "
            "the same responses as the photograph in one layer. Shallow layers keep it to the pixel; deep ones keep "
            "what is shown and forget its exact look.",
            {name: [losses["total"] for losses in trace] for name, trace in curves.items()},
        )

    def figure_2(self, content_source: ImageSource, content: Tensor, style_sources: Sequence[ImageSource]) -> Figure:
        """One photograph in the style of every painting."""
        recipe = self.recipe("paper", "figure2")
        panels = []
        for index, style_source in enumerate(style_sources):
            self._begin("figure2", index + 1, len(style_sources))
            paint = self._stylizing(content_source, style_source)
            path = _figure_2_path(self.folder, index)
            panels.append(self._panel(path, recipe, [content_source, style_source], paint))
        paintings = [self.read(source, "style_image") for source in style_sources]
        originals = [self._shrunk(image) for image in (content, *paintings)]
        sheet = compose_sheet(
            [originals, [None, *(panel.pastiche for panel in panels)]],
            row_labels=["", "pastiche"],
            column_labels=["photograph", *(f"painting {index + 1}" for index in range(len(panels)))],
            panel_size=self.size,
        )
        write_image(sheet, self.folder / "figure2.png")
        curves = {
            f"painting {index + 1}, {term}": [losses[term] for losses in panel.trace]
            for index, panel in enumerate(panels)
            for term in ("content", "style")
        }
        return Figure(
            "Figure 2. One photograph, several painters",
            "figure2.png",
            "White noise, changed until its responses in conv4_2 are the photograph's and its Gram matrices in conv1_1 "
            "to conv5_1 the painting's, with alpha/beta = 1e-3.",
            curves,
        )

    def figure_3(self, content_source: ImageSource, style_source: ImageSource) -> Figure:
        """Style layers by the ratio of content to style."""
        rows, columns = FIGURE_3
        grid = sweep(
            rows,
            columns,
            self.recipe("paper", "figure3"),
            self.folder / "figure3",
            [content_source, style_source],
            self._stylizing(content_source, style_source),
            on_step=self.on_step,
            on_panel=partial(self._begin, "figure3"),
        )
        write_image(compose_sweep(grid, rows, columns), self.folder / "figure3.png")
        panels = [panel for row in grid for panel in row]
        self.panels += panels
        ratios = columns.labels([panel.recipe for panel in panels])
        curves = {
            f"up to {layers[-1]}, {ratio}": [losses["total"] for losses in panel.trace]
            for layers, row in zip(FIGURE_3_ROWS, grid, strict=True)
            for ratio, panel in zip(ratios, row, strict=True)
        }
        return Figure(
            "Figure 3. Style layers and the balance of content and style",
            "figure3.png",
            "Down: more style layers, so that the strokes grow. Right: more weight on the content, from texture to "
            "photograph.",
            curves,
        )

    def _reconstruct(self, source: ImageSource, recipe: Recipe, total: int, **layers: tuple[str, ...]) -> Panel:
        ((kind, names),) = layers.items()
        number = len(names) if kind == "style_layers" else len(FIGURE_3_ROWS) + STYLE_LAYERS.index(names[0]) + 1
        self._begin("figure1", number, total)
        path = _figure_1_path(self.folder, kind.removesuffix("_layers"), names[-1])
        strength = 1.0 if kind == "style_layers" else 0.0
        wanted = recipe.replace(**{"content_layers": (), "style_layers": (), "strength": strength, **layers})

        def paint(chosen: Recipe, on_step: OnStep) -> Result:
            return reconstruct(source, recipe=recipe, on_step=on_step, **layers, **self.how)  # type: ignore[arg-type]

        return self._panel(path, wanted, [source], paint)

    def _stylizing(self, content_source: ImageSource, style_source: ImageSource) -> Paint:
        def paint(recipe: Recipe, on_step: OnStep) -> Result:
            return stylize(content_source, style_source, recipe, on_step=on_step, **self.how)

        return paint

    def _panel(self, path: Path, recipe: Recipe, sources: Sequence[ImageSource], paint: Paint) -> Panel:
        self.panels.append(paint_panel(path, recipe, sources, paint, self.on_step))
        return self.panels[-1]

    def _begin(self, figure: str, number: int, total: int) -> None:
        if self.on_figure is not None:
            self.on_figure(figure, number, total)

    def _shrunk(self, image: Tensor) -> Tensor:
        return resize_image(image, fit_long_edge(image.shape[-2], image.shape[-1], self.size))
