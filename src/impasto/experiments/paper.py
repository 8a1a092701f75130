"""The figures of the paper with one's own pictures: Gatys, Ecker and Bethge 2015 (arXiv 1508.06576)."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Unpack

from torch import Tensor

from impasto.experiments.grid_cell import CellPainter, GridCell, Paint, check_cells
from impasto.experiments.page import Figure, write_page
from impasto.experiments.sheet import compose_sheet
from impasto.experiments.sweep import FIGURE_3, FIGURE_3_ROWS, cell_paths, compose_sweep, paint_sweep, plan_sweep
from impasto.images.io import MAX_PIXELS, ImageSource, read_image, write_image
from impasto.images.picture import hold_source
from impasto.images.resize import fit_long_edge
from impasto.optimize.events import OnStep
from impasto.painting.cache import Cache
from impasto.painting.inputs import check_given, to_list
from impasto.painting.options import CELL_FIELDS, ImageSources, RunFields, check_callback
from impasto.recipe.fields import check_names
from impasto.recipe.files import recipe_files
from impasto.recipe.recipe import Recipe
from impasto.recipe.words import STYLE_LAYERS
from impasto.runs.result import Result
from impasto.system.disk import check_folder, check_not_input, to_path
from impasto.transfer.pastiche import prepare_pastiche, stylize
from impasto.transfer.reconstruction import reconstruct

STEPS = {"figure1": 200, "figure2": 300, "figure3": 150}
"""Default steps of each picture of a figure; the paper names none."""

OnFigure = Callable[[str, int, int], object]
"""Called with the figure, the number of its picture that begins, and how many it has."""


@dataclass(frozen=True, slots=True)
class PaperFigures:
    """The files of all figures: page, figures, every cell in the order of painting; and the recipe of figure 2.

    size: (height, width) of the cells that show the photograph.
    """

    page: Path
    figures: tuple[Path, ...]
    cells: tuple[GridCell, ...]
    recipe: Recipe
    size: tuple[int, int]


def reproduce_paper(
    content_image: ImageSource,
    style_images: ImageSources,
    folder: str | os.PathLike[str],
    *,
    size: int = 256,
    steps: int | None = None,
    weights: str = "oxford",
    seed: int = 0,
    strip: bool = False,
    on_step: OnStep | None = None,
    on_figure: OnFigure | None = None,
    **options: Unpack[RunFields],
) -> PaperFigures:
    """Paint figures 1, 2 and 3 of the paper for these pictures, and write the page that shows them.

    Figure 1: reconstructions of the photograph from each layer, and of the first painting from growing sets of layers.
    Figure 2: the photograph in the style of every painting, alpha/beta = 1e-3. Figure 3: style layers by alpha/beta.
    size: long edge of every picture. steps: of every picture; STEPS if left out. strip: as in a `Recipe`. The rest
    as for `stylize`.
    Pictures that are in the folder already, from the same recipe and inputs, are read. Raises what `stylize` raises
    before slow work, and OutputError where an input would be replaced.
    """
    own = ("size", "steps", "weights", "seed", "strip", "on_step", "on_figure", *CELL_FIELDS)
    check_names(options, own, "reproduce_paper() has no keyword")
    for name, function in (("on_step", on_step), ("on_figure", on_figure)):
        check_callback(name, function)
    check_given("content image", content_image)
    check_given("style image", style_images)
    content_image, style_images = hold_source(content_image), [hold_source(each) for each in to_list(style_images)]
    options.setdefault("cache", Cache())
    figures = _Figures(
        folder=to_path(folder, "folder"),
        content=content_image,
        styles=style_images,
        size=size,
        steps=steps,
        changes={"size": size, "weights": weights, "seed": seed, "strip": strip},
        on_figure=on_figure,
        options=options,
        painter=CellPainter(on_step),
    )
    recipe = figures.recipe("paper", "figure2")
    _check_paths(figures, [content_image, *style_images, *recipe_files(recipe)])
    content = figures.read(content_image, "content_image")
    # Figure 2's recipe has the deepest layers and all inputs: where it can be painted, so can every other.
    for style_image in style_images:
        prepare_pastiche(content, style_image, recipe, **options)
    made = [figures.paint_figure_1(content), figures.paint_figure_2(content), figures.paint_figure_3()]
    page = write_page(figures.folder / "index.html", "A Neural Algorithm of Artistic Style, figure by figure", made)
    return PaperFigures(
        page=page,
        figures=tuple(figures.folder / figure.picture for figure in made),
        cells=tuple(figures.painter.cells),
        recipe=recipe,
        size=fit_long_edge(content.shape[-2], content.shape[-1], size),
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Figures:
    """The inputs that all figures share, and how each figure is painted."""

    folder: Path
    content: ImageSource
    styles: Sequence[ImageSource]
    size: int
    steps: int | None
    changes: Mapping[str, Any]
    on_figure: OnFigure | None
    options: RunFields
    painter: CellPainter

    def recipe(self, preset: str, figure: str) -> Recipe:
        recipe = Recipe.preset(preset, **self.changes, steps=STEPS[figure] if self.steps is None else self.steps)
        # The rescaled network is shipped for Oxford's weights only; others are painted with as they are.
        return recipe if recipe.weights == "oxford" else recipe.replace(rescaled_network=False)

    def read(self, source: ImageSource, name: str) -> Tensor:
        return read_image(source, name=name, max_pixels=self.options.get("max_pixels", MAX_PIXELS))

    def figure_1_path(self, kind: str, layer: str) -> Path:
        return self.folder / "figure1" / f"{kind}_{layer}.png"

    def figure_2_path(self, number: int) -> Path:
        return self.folder / "figure2" / f"style{number}.png"

    def paint_figure_1(self, content: Tensor) -> Figure:
        """Paint content reconstructions from one layer each, style reconstructions from growing sets of layers."""
        styles = [self._reconstruct("style", layers, number) for number, layers in enumerate(FIGURE_3_ROWS, 1)]
        contents = [
            self._reconstruct("content", (layer,), len(styles) + number) for number, layer in enumerate(STYLE_LAYERS, 1)
        ]
        sheet = compose_sheet(
            [[self.read(self.styles[0], "style_image"), *_pastiches(styles)], [content, *_pastiches(contents)]],
            row_labels=["style,\nlayers up to", "content,\nthis layer"],
            column_labels=["original", *STYLE_LAYERS],
            cell_size=self.size,
        )
        write_image(sheet, self.folder / "figure1.png")
        names = [f"style up to {layer}" for layer in STYLE_LAYERS] + [f"content {layer}" for layer in STYLE_LAYERS]
        return Figure(
            "Figure 1. What the layers keep",
            "figure1.png",
            "Top: pictures with the same Gram matrices as the painting, from conv1_1 alone up to all five layers. "
            "Larger sets match texture at larger and larger scale; none knows where things are. Bottom: pictures with "
            "the same responses as the photograph in one layer. Shallow layers keep it to the pixel; deep ones keep "
            "what is shown and forget its exact look.",
            {name: _curve(cell, "total") for name, cell in zip(names, [*styles, *contents], strict=True)},
        )

    def paint_figure_2(self, content: Tensor) -> Figure:
        """Paint one photograph in the style of every painting."""
        recipe = self.recipe("paper", "figure2")
        cells = []
        for number, style in enumerate(self.styles, 1):
            self._begin("figure2", number, len(self.styles))
            sources = [self.content, style]
            cells.append(self.painter.paint(self.figure_2_path(number), recipe, sources, self._stylizing(style)))
        originals = [content, *(self.read(style, "style_image") for style in self.styles)]
        sheet = compose_sheet(
            [originals, [None, *_pastiches(cells)]],
            row_labels=["", "pastiche"],
            column_labels=["photograph", *(f"painting {number}" for number in range(1, len(cells) + 1))],
            cell_size=self.size,
        )
        write_image(sheet, self.folder / "figure2.png")
        return Figure(
            "Figure 2. One photograph, several painters",
            "figure2.png",
            "White noise, changed until its responses in conv4_2 are the photograph's and its Gram matrices in conv1_1 "
            "to conv5_1 the painting's, with alpha/beta = 1e-3.",
            {
                f"painting {number}, {term}": _curve(cell, term)
                for number, cell in enumerate(cells, 1)
                for term in ("content", "style")
            },
        )

    def paint_figure_3(self) -> Figure:
        """Paint a grid of style layers by the ratio of content to style."""
        sweep = plan_sweep(*FIGURE_3, self.recipe("paper", "figure3"))
        grid = paint_sweep(
            sweep,
            self.folder / "figure3",
            [self.content, self.styles[0]],
            self._stylizing(self.styles[0]),
            painter=self.painter,
            on_cell=partial(self._begin, "figure3"),
        )
        write_image(compose_sweep(sweep, grid), self.folder / "figure3.png")
        ratios = sweep.columns.labels([cell.recipe for row in grid for cell in row])
        return Figure(
            "Figure 3. Style layers and the balance of content and style",
            "figure3.png",
            "Down: more style layers, so that the strokes grow. Right: more weight on the content, from texture to "
            "photograph.",
            {
                f"up to {layers[-1]}, {ratio}": _curve(cell, "total")
                for layers, row in zip(FIGURE_3_ROWS, grid, strict=True)
                for ratio, cell in zip(ratios, row, strict=True)
            },
        )

    def _reconstruct(self, kind: str, layers: tuple[str, ...], number: int) -> GridCell:
        self._begin("figure1", number, len(FIGURE_3_ROWS) + len(STYLE_LAYERS))
        source, strength = (self.styles[0], 1.0) if kind == "style" else (self.content, 0.0)
        recipe = self.recipe("reconstruct", "figure1")
        named = {"content_layers": (), "style_layers": (), f"{kind}_layers": layers}

        def paint(_: Recipe, on_step: OnStep) -> Result:
            return reconstruct(source, recipe=recipe, on_step=on_step, **named, **self.options)  # type: ignore[arg-type]

        painted = recipe.replace(**named, strength=strength)
        return self.painter.paint(self.figure_1_path(kind, layers[-1]), painted, [source], paint)

    def _stylizing(self, style: ImageSource) -> Paint:
        def paint(recipe: Recipe, on_step: OnStep) -> Result:
            return stylize(self.content, style, recipe, on_step=on_step, **self.options)

        return paint

    def _begin(self, figure: str, number: int, total: int) -> None:
        if self.on_figure is not None:
            self.on_figure(figure, number, total)


def _check_paths(figures: _Figures, inputs: Sequence[object]) -> None:
    """Accept a folder in which no figure or cell replaces an input. Raises OutputError."""
    folder = figures.folder
    for name in ("figure1.png", "figure2.png", "figure3.png", "index.html"):
        check_not_input(folder / name, f"output {str(folder / name)!r}", inputs, "Choose another -o.")
    paths = [figures.figure_1_path(kind, layer) for kind in ("style", "content") for layer in STYLE_LAYERS]
    paths += [figures.figure_2_path(number) for number in range(1, len(figures.styles) + 1)]
    paths += [path for row in cell_paths(*FIGURE_3, folder / "figure3") for path in row]
    check_cells(paths, inputs)
    for place in sorted({path.parent for path in paths if path.parent.exists()}):
        check_folder(place, f"panel {str(place / 'panel.png')!r}")


def _pastiches(cells: Sequence[GridCell]) -> list[Tensor]:
    return [cell.pastiche for cell in cells]


def _curve(cell: GridCell, term: str) -> list[float]:
    return [losses[term] for losses in cell.trace]
