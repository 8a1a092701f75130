"""Regions from masks, maps and alpha: which mask belongs to which style, what is refused, and what a run does."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

import impasto
from impasto.control.regions import REST, Masks, build_regions
from impasto.errors import ImageSizeError, ImpastoError, MaskError, RecipeError
from impasto.features.guides import Region
from impasto.recipe.recipe import Recipe

Paint = Callable[..., Tensor]

SIZE = (40, 60)


def band(start: float, stop: float, size: tuple[int, int] = SIZE) -> Tensor:
    """A mask, white between two shares of the width."""
    mask = torch.zeros(1, 3, *size)
    mask[..., round(start * size[1]) : round(stop * size[1])] = 1
    return mask


def coded(*colors: str, size: tuple[int, int] = SIZE) -> Tensor:
    """Equal vertical bands of colors."""
    bands = [torch.tensor(list(bytes.fromhex(color))).view(1, 3, 1, 1) / 255 for color in colors]
    return torch.cat([band.expand(1, 3, size[0], size[1] // len(colors)) for band in bands], dim=3)


def build(
    contents: Sequence[Tensor], style_masks: Sequence[Tensor], styles: int = 1, **changes: Any
) -> tuple[Region, ...]:
    alphas = changes.pop("alphas", (None,) * (styles + 1))
    masks = Masks(
        size=SIZE,
        style_sizes=[SIZE] * styles,
        content_masks=contents,
        style_masks=style_masks,
        content_alpha=alphas[0],
        style_alphas=alphas[1:],
    )
    return build_regions(Recipe(**changes), masks)


def areas(region: Region) -> list[float | None]:
    """Of the content and of each style: the share of the picture, or None."""
    return [None if guide is None else round(float(guide.mean()), 3) for guide in (region.content, *region.styles)]


def named(regions: Sequence[Region]) -> dict[str, list[float | None]]:
    return {region.name: areas(region) for region in regions}


def test_one_style_has_all_the_masks() -> None:
    regions = build([band(0, 0.4), band(0.4, 1)], [band(0, 0.7), band(0.7, 1)])
    assert named(regions) == {"region 1": [0.4, 0.7], "region 2": [0.6, 0.3]}


def test_with_several_styles_mask_i_is_style_i() -> None:
    regions = build([band(0, 0.4), band(0.4, 1)], [band(0, 0.7), band(0.7, 1)], styles=2)
    assert named(regions) == {"region 1": [0.4, 0.7, None], "region 2": [0.6, None, 0.3]}


def test_without_style_masks_a_region_has_the_whole_of_its_style() -> None:
    regions = build([band(0, 0.4), band(0.4, 1)], [], styles=2)
    assert named(regions) == {"region 1": [0.4, 1, None], "region 2": [0.6, None, 1]}


def test_the_rest_has_what_the_first_styles_masks_leave() -> None:
    assert named(build([band(0, 0.4)], [band(0, 0.7)])) == {"region 1": [0.4, 0.7], REST: [0.6, 0.3]}
    assert named(build([band(0, 0.4)], [band(0, 1)]))[REST] == [0.6, 1]
    assert named(build([band(0, 0.4)], []))[REST] == [0.6, 1]


def test_the_rest_has_the_last_style_where_there_is_one_more() -> None:
    assert named(build([band(0, 0.4)], [], styles=2)) == {"region 1": [0.4, 1, None], REST: [0.6, None, 1]}
    with pytest.raises(MaskError, match="nothing is left for style image 2"):
        build([band(0, 1)], [], styles=2)


def test_a_gap_is_no_region_and_overlaps_share() -> None:
    regions = build([band(0, 0.5), band(0.5, 1) * 0.995], [], style_blend=())
    assert len(regions) == 2
    both = build([band(0, 0.5), band(0, 1)], [])
    assert named(both) == {"region 1": [0.25, 1], "region 2": [0.75, 1]}


def test_color_coded_maps_are_matched_by_color() -> None:
    regions = build(
        [coded("ff0000", "0000ff", "ffff00")], [coded("f00808", "0000ff"), coded("fafa00", "0000f0")], styles=2
    )
    assert sorted(map(str, named(regions).values())) == sorted(
        map(str, [[0.333, 0.5, None], [0.333, 0.5, 0.5], [0.333, None, 0.5]])
    )
    assert {region.name for region in regions} == {"#ff0000", "#0000ff", "#ffff00"}


def test_a_region_that_no_style_has_is_refused_by_its_color() -> None:
    with pytest.raises(MaskError, match="region #00ff00 of the photograph, 50.0% of it, has no style") as caught:
        build([coded("ff0000", "00ff00")], [coded("ff0000", "0000ff")])
    assert "#ff0000" in caught.value.error and "#0000ff" in caught.value.error and caught.value.exit_code == 2


@pytest.mark.parametrize(
    ("contents", "style_masks", "styles", "words"),
    [
        ([band(0, 0.5)] * 2, [band(0, 1)], 1, "2 content masks and 1 style mask"),
        ([band(0, 0.5)] * 2, [], 4, "4 style images for 2 content masks; expected 1 for all, 2, one a mask, or 3"),
        ([], [band(0, 1)] * 2, 1, "2 style masks without a content mask for 1 style image"),
        ([band(0, 1), coded("ff0000", "0000ff")], [], 1, "content mask 2 of 2 is color-coded"),
        ([coded("ff0000", "0000ff")], [], 1, "color-coded, 0 of them for 1 style image"),
    ],
)
def test_numbers_that_fit_nothing_are_refused(
    contents: list[Tensor], style_masks: list[Tensor], styles: int, words: str
) -> None:
    with pytest.raises(MaskError, match=words) as caught:
        build(contents, style_masks, styles)
    assert caught.value.hint


def test_weights_and_statistics_are_one_a_region() -> None:
    masks = [band(0, 0.4), band(0.4, 0.8)]
    regions = build(masks, [], region_weights=(2.0, 0.5), region_statistics=("moments", "nearest", "gram:2"))
    assert [region.weight for region in regions] == [2, 0.5, 1]
    assert [region.statistic for region in regions] == [("moments",), ("nearest",), ("gram:2",)]
    with pytest.raises(RecipeError, match="region_weights has 1 for 3 regions, region 1, region 2, the rest"):
        build(masks, [], region_weights=(2.0,))
    with pytest.raises(RecipeError, match="region_statistics is given without content masks"):
        build([], [], region_statistics=("gram",))
    with pytest.raises(RecipeError, match="region_statistics is 'grams'.*"):
        Recipe(region_statistics=("grams",))


def test_alpha_alone_is_one_region() -> None:
    assert build([], []) == ()
    assert build([], [], alphas=(torch.ones(1, 1, *SIZE), torch.zeros(1, 1, *SIZE))) == ()
    alpha = band(0, 0.25)[:, :1]
    assert named(build([], [], alphas=(alpha, None))) == {"the picture": [0.25, 1]}
    assert named(build([], [band(0, 0.5)])) == {"the picture": [1, 0.5]}


def test_alpha_weighs_the_regions() -> None:
    alphas = (band(0, 0.5)[:, :1], band(0.5, 1)[:, :1])
    regions = build([band(0, 0.4)], [band(0, 0.7)], alphas=alphas)
    assert named(regions) == {"region 1": [0.4, 0.2], REST: [0.1, 0.3]}
    with pytest.raises(MaskError, match="region 1 is where the photograph is transparent"):
        build([band(0.6, 1)], [], alphas=alphas)


def tiny(**changes: Any) -> Recipe:
    return Recipe(weights="tiny", size=48, steps=12, first_scale=0, strength=1.0, tv_weight=0.0).replace(**changes)


def flat(red: float, green: float, blue: float) -> Tensor:
    return torch.tensor([red, green, blue]).view(1, 3, 1, 1).expand(1, 3, 48, 48).contiguous()


@pytest.mark.parametrize("statistic", ["gram", "wasserstein", "histogram"])
def test_each_region_is_painted_in_its_own_style(statistic: str) -> None:
    left = band(0, 0.5, (48, 48))[0]
    recipe = tiny(statistic=(statistic,), style_layers=("conv1_1",), steps=40)
    result = impasto.stylize(
        flat(0.5, 0.5, 0.5), [flat(0.9, 0.2, 0.1), flat(0.1, 0.3, 0.9)], recipe, content_masks=[left, 1 - left]
    )
    means = [result.pastiche[..., side].mean(dim=(0, 2, 3)) for side in (slice(0, 22), slice(26, 48))]
    assert float(means[0][0] - means[0][2]) > 0.3 and float(means[1][2] - means[1][0]) > 0.3
    assert [item.role for item in result.inputs] == ["content", "style", "style", "content_mask", "content_mask"]
    assert len({item.sha256 for item in result.inputs}) == 5


def test_a_style_mask_says_what_of_the_painting_counts() -> None:
    style = torch.cat([flat(0.9, 0.2, 0.1)[..., :24], flat(0.1, 0.3, 0.9)[..., 24:]], dim=3)
    recipe = tiny(style_layers=("conv1_1",), steps=40)
    result = impasto.stylize(flat(0.5, 0.5, 0.5), style, recipe, style_masks=band(0, 0.45, (48, 48)))
    mean = result.pastiche.mean(dim=(0, 2, 3))
    assert float(mean[0] - mean[2]) > 0.3


def with_alpha(colors: Tensor, alpha: Tensor) -> Image.Image:
    pixels = torch.cat([colors[0], alpha[0]]).mul(255).round().byte().permute(1, 2, 0).numpy()
    return Image.fromarray(pixels)


def test_transparent_positions_do_not_count(picture: Paint) -> None:
    """Neither the painting's in its statistics nor the photograph's in the pastiche's: no style pulls at them."""
    alpha = band(0, 0.5, (48, 48))[:, :1]
    recipe = tiny(style_layers=("conv1_1",), fourier_exponent=0.0, steps=5, recolor=0.0)
    content, style = picture(48, 48, 1), flat(0.9, 0.2, 0.1)
    result = impasto.stylize(with_alpha(content, alpha), style, recipe)
    opaque = impasto.stylize(content, style, recipe)
    start = impasto.prepare_pastiche(with_alpha(content, alpha), style, recipe).inputs.content_image
    assert start is not None
    moved = (result.pastiche - start).abs().mean(dim=(0, 1, 2))
    assert float(moved[:24].mean()) > 0.01 and float(moved[25:].max()) == 0  # conv1_1 sees one pixel further
    assert float((opaque.pastiche - content)[..., 25:].abs().mean()) > 0.01


def test_bad_masks_are_refused_before_painting(picture: Paint, tmp_path: Path) -> None:
    black = np.zeros((48, 48), np.uint8)
    wide = np.full((48, 60), 255, np.uint8)
    cases: list[tuple[dict[str, Any], type[ImpastoError], str]] = [
        ({"content_masks": [black]}, MaskError, "content_mask 1 is empty"),
        ({"content_masks": [wide]}, ImageSizeError, "content_mask 1 is 60x48, .* photograph 48x48"),
        ({"style_masks": [wide]}, ImageSizeError, "style_mask 1 is 60x48, .* style image 48x48"),
        ({"content_masks": [tmp_path / "none.png"]}, ImpastoError, "none.png"),
    ]
    for masks, error, words in cases:
        with pytest.raises(error, match=words):
            impasto.stylize(
                picture(48, 48), picture(48, 48, 1), tiny(), on_step=lambda event: pytest.fail("painted"), **masks
            )


def test_masks_are_planned_for(picture: Paint) -> None:
    masks = [band(0, 0.5, (48, 48))[0], band(0.5, 1, (48, 48))[0]]
    plain = impasto.estimate(picture(48, 48), picture(48, 48, 1), tiny())
    guided = impasto.estimate(picture(48, 48), picture(48, 48, 1), tiny(), content_masks=masks)
    assert guided.plan.needed_bytes > plain.plan.needed_bytes
