"""Recoloring before painting: where it acts and where not; regions, masks, alpha, shares; the same in tiles."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

import impasto
from impasto.control.color import fit_colors, prepare_colors
from impasto.control.recolor import recolor
from impasto.cost import workload
from impasto.features.guides import Region
from impasto.images.color.oklab import to_grey
from impasto.images.color.places import fit_placed_map
from impasto.images.color.transport import fit_color_map
from impasto.painting import job as job_module
from impasto.painting.targets import build_targets
from impasto.tiles import memory_guard
from impasto.transfer.pastiche import prepare_pastiche

Paint = Callable[..., Tensor]


def tiny(**changes: Any) -> impasto.Recipe:
    fixed: Any = {"weights": "tiny", "size": 32, "steps": 3, "first_scale": 0, "recolor": 1, "statistic": ("gram",)}
    return impasto.Recipe(**{**fixed, "placement": 0, **changes})


def plain(*channels: float) -> Tensor:
    return torch.tensor(channels).view(1, 3, 1, 1).expand(1, 3, 24, 24).contiguous()


def left(height: int, width: int) -> Tensor:
    mask = torch.zeros(1, 1, height, width)
    mask[..., : width // 2] = 1
    return mask


def warmth(image: Tensor) -> Tensor:
    return image[:, 0] - image[:, 2]


RED, BLUE = plain(0.8, 0.2, 0.1), plain(0.1, 0.2, 0.8)


@pytest.mark.parametrize("color", ["style", "oklab"])
def test_the_photograph_goes_by_a_share_to_the_colors_of_the_style(color: str, picture: Paint) -> None:
    content, style = picture(), picture(seed=1)
    prepared = {}
    for share in (0, 0.5, 1):
        prepared[share], styles = prepare_colors(tiny(color=color, recolor=share), content, [style])
        assert styles[0] is style
    assert prepared[0] is content and torch.equal(content, picture())
    placed = prepare_colors(tiny(color=color, placement=0.8), content, [style])[0]
    expected = fit_placed_map(content, [style], [1], 0.8).start(content)(content, slice(None), 1.0)
    torch.testing.assert_close(placed, expected, atol=1e-6, rtol=0)
    assert not torch.equal(expected, prepared[1])
    assert torch.equal(prepared[1], fit_color_map(content, [style], [1]).apply(content))
    torch.testing.assert_close(prepared[0.5], (content + prepared[1]) / 2)
    assert float((prepared[1] - content).abs().mean()) > 0.05


@pytest.mark.parametrize("color", ["content-luma", "match", "histogram"])
def test_where_the_photographs_colors_are_kept_it_has_no_effect(color: str, picture: Paint) -> None:
    first, second = (
        impasto.stylize(picture(), picture(seed=1), tiny(color=color, recolor=share)).pastiche for share in (0, 1)
    )
    assert torch.equal(first, second)


def test_without_a_photograph_or_a_style_image_it_has_no_effect(picture: Paint) -> None:
    changes: Any = {"weights": "tiny", "steps": 1, "size": 32}
    texture, inside = impasto.Recipe.preset("texture", **changes), impasto.Recipe.preset("reconstruct", **changes)
    for share in (0.0, 1.0):
        textures = [impasto.synthesize_texture(picture(), recipe=texture.replace(recolor=s)) for s in (0.0, share)]
        assert torch.equal(textures[0].pastiche, textures[1].pastiche)
        for layers in ({"content_layers": ("conv1_1",)}, {"style_layers": ("conv1_1",)}):
            shown: list[impasto.Result] = [
                impasto.reconstruct(picture(), recipe=inside.replace(recolor=s), **layers)  # type: ignore[arg-type]
                for s in (0.0, share)
            ]
            assert torch.equal(shown[0].pastiche, shown[1].pastiche)


def test_target_and_start_are_recolored_from_the_styles_as_they_are_painted(picture: Paint) -> None:
    content, style = picture(24, 32), picture(seed=1)
    job = prepare_pastiche(content, style, tiny())
    expected = fit_color_map(content, [style], [1]).apply(content)
    targets = build_targets(job, job.inputs.style_images)
    assert targets.content is not None and torch.equal(targets.content, expected)
    assert torch.equal(targets.build_start((24, 32)), expected)
    fine = build_targets(job, [RED])  # as after a fine style
    assert fine.content is not None and not torch.equal(fine.content, expected)
    assert bool((warmth(fine.content) > 0.3).all())


def test_below_half_strength_colors_move_less_and_at_none_not_at_all(picture: Paint) -> None:
    content, style = picture(24, 32), picture(seed=1)
    whole = fit_color_map(content, [style], [1]).apply(content)
    for strength, share in ((None, 1.0), (1.0, 1.0), (0.5, 1.0), (0.25, 0.5), (0.0, 0.0)):
        weights = {"content_weight": 1.0, "style_weight": 1.0} if strength is None else {}
        moved = recolor(tiny(strength=strength, **weights), content, [style])
        torch.testing.assert_close(moved, content.lerp(whole, share), atol=1e-5, rtol=0)


def test_styles_are_mixed_by_their_blend(picture: Paint) -> None:
    blends = ((1.0, 0.0), (0.75, 0.25), (0.25, 0.75), (0.0, 1.0))
    means = [float(warmth(recolor(tiny(style_blend=blend), picture(), [RED, BLUE])).mean()) for blend in blends]
    assert means == sorted(means, reverse=True) and means[0] > 0.4 and means[-1] < -0.4
    alone = recolor(tiny(style_blend=(1.0, 0.0)), picture(), [RED, BLUE])
    assert torch.equal(alone, recolor(tiny(), picture(), [RED]))


@pytest.mark.parametrize("placement", [0.0, 0.8])
def test_each_region_takes_the_colors_of_its_own_style(placement: float, picture: Paint) -> None:
    content, ramp = picture(24, 48), torch.linspace(1, 0, 48).view(1, 1, 1, -1).expand(1, 1, 24, -1)
    recipe = tiny(size=48, placement=placement)
    sides = [recolor(recipe, content, [style]) for style in (RED, BLUE)]
    for mask in (left(24, 48), ramp):
        job = prepare_pastiche(content, [RED, BLUE], recipe, content_masks=[mask, 1 - mask])
        found = build_targets(job, job.inputs.style_images).content
        assert found is not None
        assert bool((warmth(found[..., :8]) > 0.2).all()) and bool((warmth(found[..., -8:]) < -0.2).all())
        if mask is ramp:  # both see the whole photograph, with other weights
            middle = (sides[0] + sides[1])[..., 22:26] / 2
            torch.testing.assert_close(found[..., 22:26], middle, atol=0.1, rtol=0)
            assert float(found.diff(dim=3).abs().max()) < 3 * float(sides[0].diff(dim=3).abs().max()) + 0.05


@pytest.mark.parametrize("placement", [0.0, 0.8])
def test_a_region_takes_its_part_of_the_style(placement: float, picture: Paint) -> None:
    content, both = picture(24, 48), torch.cat([RED, BLUE], dim=3)
    masks = [left(24, 48), 1 - left(24, 48)]
    recipe = tiny(size=48, placement=placement)
    job = prepare_pastiche(content, both, recipe, content_masks=masks, style_masks=masks[::-1])
    found = build_targets(job, job.inputs.style_images).content
    assert found is not None
    assert bool((warmth(found[..., :24]) < -0.2).all()) and bool((warmth(found[..., 24:]) > 0.2).all())


def test_a_region_of_weight_0_keeps_its_colors_and_a_gap_is_shared(picture: Paint) -> None:
    content, nothing = picture(24, 48), torch.zeros(1, 1, 24, 48)
    ones, mask = torch.ones(1, 1, 24, 24), left(24, 48)
    painted = Region(name="1", content=mask, styles=(ones,))
    kept = Region(name="2", content=1 - mask, styles=(ones,), weight=0)
    found = recolor(tiny(), content, [RED], regions=[painted, kept])
    torch.testing.assert_close(found[..., 24:], content[..., 24:], atol=1e-5, rtol=0)
    assert bool((warmth(found[..., :24]) > 0.2).all())
    nothing[..., 30:] = 1
    other = Region(name="2", content=nothing, styles=(ones,))
    assert bool((warmth(recolor(tiny(), content, [RED], regions=[painted, other])) > 0.2).all())


def test_protected_places_keep_their_colors_and_so_does_all_outside_only(picture: Paint) -> None:
    content, mask = picture(24, 32), left(24, 32)
    whole = recolor(tiny(), content, [RED])
    for strength, kept in ((6, 1.0), (1, 1.0), (0.5, 0.5), (0, 0.0)):
        job = prepare_pastiche(content, RED, tiny(protect_strength=strength), protect=mask)
        found = build_targets(job, job.inputs.style_images).content
        assert found is not None and torch.equal(found[..., 16:], whole[..., 16:])
        torch.testing.assert_close(found[..., :16], whole.lerp(content, kept)[..., :16])
    result = impasto.stylize(content, RED, tiny(), only=mask).pastiche
    assert torch.equal(result[..., 16:], content[..., 16:])
    assert float(warmth(result[..., :8]).min()) > 0


@pytest.mark.parametrize("placement", [0.0, 0.8])
def test_transparent_pixels_do_not_count(placement: float, picture: Paint) -> None:
    def cut(image: Tensor, behind: float) -> Tensor:
        shown = left(*image.shape[-2:])
        return torch.cat([image.where(shown > 0, torch.tensor(behind)), shown], dim=1)

    found = []
    for behind in (0.0, 1.0):
        job = prepare_pastiche(cut(picture(24, 32), behind), cut(picture(seed=1), behind), tiny(placement=placement))
        targets = build_targets(job, job.inputs.style_images)
        assert targets.content is not None
        found.append(targets.content[..., :16])
    assert torch.equal(*found)
    alphas = left(24, 32), [left(32, 32)]
    by_alpha = recolor(tiny(placement=placement), picture(24, 32), [picture(seed=1)], *alphas)[..., :16]
    torch.testing.assert_close(by_alpha, found[0], atol=1e-6, rtol=0)


@pytest.mark.parametrize("placement", [0.0, 0.8])
def test_a_picture_in_grey_is_painted_in_grey_from_a_colored_photograph(placement: float, picture: Paint) -> None:
    job = prepare_pastiche(picture(), to_grey(picture(seed=1)), tiny(placement=placement))
    targets = build_targets(job, job.inputs.style_images)
    assert targets.is_grey


@pytest.mark.parametrize("placement", [0.0, 0.8])
def test_rows_are_recolored_as_the_whole(
    placement: float, picture: Paint, monkeypatch: pytest.MonkeyPatch
) -> None:
    content, mask = picture(30, 32), left(30, 32)
    style = torch.ones(1, 1, 24, 24)
    parts = [Region(name=name, content=one, styles=(style,)) for name, one in (("1", mask), ("2", 1 - mask))]
    recipe = tiny(placement=placement)
    whole = [recolor(recipe, content, [RED], regions=some, protect=mask) for some in ([], parts)]
    monkeypatch.setattr("impasto.control.recolor.ROWS", 7)
    for some, expected in zip(([], parts), whole, strict=True):
        in_rows = recolor(recipe, content, [RED], regions=some, protect=mask)
        torch.testing.assert_close(in_rows, expected, atol=1e-6 if placement else 0, rtol=0)


def test_tiles_have_the_same_target_and_paint_the_same(
    picture: Paint,
    whole_and_tiled: Callable[[Callable[[int | None], impasto.Result]], tuple[impasto.Result, impasto.Result]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for module in (job_module, memory_guard):
        monkeypatch.setattr(module, "used_bytes", lambda device: 0)
    monkeypatch.setattr(workload, "SLACK", 0)
    content, style = picture(187, 250), picture(120, 160, 1)
    layers: Any = {"content_layers": ("conv2_2",), "style_layers": ("conv1_1", "conv2_1", "conv3_1")}
    recipe = tiny(size=250, history=2, placement=0.8, **layers)
    whole, tiled = whole_and_tiled(
        lambda limit: impasto.stylize(content, style, recipe, max_memory=limit, precision="float32")
    )
    targets = []
    for plan in (whole.plan, tiled.plan):
        job = prepare_pastiche(content, style, recipe, plan=plan)
        targets.append(build_targets(job, job.inputs.style_images).content)
    assert targets[0] is not None and targets[1] is not None and torch.equal(targets[0], targets[1])
    torch.testing.assert_close(tiled.pastiche, whole.pastiche, atol=2e-3, rtol=0)


def test_colors_fitted_to_one_frame_stay_for_the_next(picture: Paint) -> None:
    first, later, style = picture(24, 32, seed=1), picture(24, 32, seed=2), picture(24, 32, seed=3)
    for color in ("style", "match", "histogram", "content-luma"):
        recipe = tiny(color=color, recolor=1.0)
        fitted = fit_colors(recipe, first, [style])
        alone, styles = prepare_colors(recipe, first, [style])
        again, same = prepare_colors(recipe, first, [style], fitted=fitted)
        assert torch.equal(alone, again) and torch.equal(styles[0], same[0])
        whole = torch.cat([first, later], dim=2)  # in one picture, each color has one place to go
        both, kept = prepare_colors(recipe, later, [style], fitted=fitted)
        assert torch.equal(kept[0], styles[0])
        assert torch.equal(prepare_colors(recipe, whole, [style], fitted=fitted)[0][..., 24:, :], both)
        assert not (color == "style" and torch.equal(prepare_colors(recipe, later, [style])[0], both))


def test_places_fitted_to_one_frame_stay_for_the_next(picture: Paint) -> None:
    first, later, style = picture(24, 32, seed=1), picture(24, 32, seed=2), picture(24, 32, seed=3)
    recipe = tiny(placement=0.8)
    fitted = fit_colors(recipe, first, [style])
    (colors,) = fitted.maps
    assert colors is not None
    expected = colors.start(later)(later, slice(None), 1.0)
    found = prepare_colors(recipe, later, [style], fitted=fitted)[0]
    assert found is not None
    torch.testing.assert_close(found, expected, atol=1e-6, rtol=0)
    assert not torch.equal(found, prepare_colors(recipe, later, [style])[0])
