"""The paper's experiments with Oxford's weights, small."""

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import torch
from torch import Tensor

import impasto
from impasto.sweep import FIGURE_3, Axis, sweep


def test_figure_3_falls_toward_style_and_toward_content(tmp_path: Path, data: Path) -> None:
    """Along a row from content to style, the style loss falls and the content loss rises, both without weights."""
    sources = [data / "content" / "tubingen.jpg", data / "paintings" / "composition_vii.jpg"]
    rows, columns = FIGURE_3
    full = Axis(rows.field, rows.values[-1:])

    def paint(recipe: impasto.Recipe, on_step: object) -> impasto.Result:
        return impasto.stylize(*sources, recipe, threads=1)

    recipe = impasto.Recipe.preset("paper", size=48, steps=120, gamut="keep")
    (row,) = sweep(full, columns, recipe, tmp_path, sources, paint)
    style = [panel.losses["style"] / panel.recipe.style_weight for panel in row]  # type: ignore[operator]
    content = [panel.losses["content"] / panel.recipe.content_weight for panel in row]  # type: ignore[operator]
    # From texture on the left to photograph on the right. Measured factors are 2 and 0.7 or farther
    # from 1; colors are kept in range, since clamping afterwards adds to the style loss.
    assert all(right > 1.5 * left for left, right in pairwise(style)), style
    assert all(right < 0.9 * left for left, right in pairwise(content)), content


def test_conv1_1_keeps_the_picture_and_deeper_layers_less(picture: Callable[..., Tensor]) -> None:
    noise = torch.rand(1, 3, 48, 64, generator=torch.Generator().manual_seed(0))
    image = 0.8 * picture(48, 64, 1) + 0.2 * noise
    errors = []
    for layer in ("conv1_1", "conv3_1", "conv5_1"):
        recipe = impasto.Recipe.preset("reconstruct", size=64, steps=60)
        result = impasto.reconstruct(image, content_layers=(layer,), recipe=recipe, threads=1)
        errors.append(float((result.pastiche - image).square().mean()))
    assert errors[0] < 0.01, errors  # 20 dB
    assert errors[0] < errors[1] < errors[2], errors
