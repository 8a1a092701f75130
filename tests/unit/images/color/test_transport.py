"""The map from a photograph's colors to a painting's: close, smooth, without folds, for pictures of any kind."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from impasto.images.color.difference import palette_metric
from impasto.images.color.oklab import to_oklab
from impasto.images.color.transport import ColorMap, contrast_kept_metric, fit_color_map, to_cells

Paint = Callable[..., Tensor]


def plain(*channels: float, side: int = 24) -> Tensor:
    return torch.tensor(channels).view(1, 3, 1, 1).expand(1, 3, side, side).float()


def test_the_photograph_gets_the_palette_of_the_painting(picture: Paint) -> None:
    photograph, painting = picture(40, 60, 1), picture(50, 40, 2)
    recolored = fit_color_map(photograph, [painting], [1]).apply(photograph)
    assert palette_metric(recolored, painting) < 0.5 * palette_metric(photograph, painting)


def test_its_own_colors_leave_a_photograph_nearly_as_it_is(picture: Paint) -> None:
    photograph = picture(40, 60, 1)
    recolored = fit_color_map(photograph, [photograph], [1]).apply(photograph)
    assert float((recolored - photograph).abs().mean()) < 0.04


def test_amount_goes_evenly_from_the_photograph_to_the_painting(picture: Paint) -> None:
    photograph = picture(seed=1)
    colors = fit_color_map(photograph, [picture(seed=2)], [1])
    assert colors.apply(photograph, 0) is photograph
    torch.testing.assert_close(colors.apply(photograph, 0.5), (photograph + colors.apply(photograph)) / 2)


def test_the_map_is_the_same_every_time_and_about_the_same_at_any_size(picture: Paint) -> None:
    photograph, painting = picture(300, 400, 1), picture(300, 200, 2)
    first, again = (fit_color_map(photograph, [painting], [1]).table for _ in range(2))
    assert torch.equal(first, again)
    small = fit_color_map(picture(75, 100, 1), [picture(150, 100, 2)], [1])
    both = [colors.apply(photograph) for colors in (ColorMap(first), small)]
    assert float((both[0] - both[1]).abs().mean()) < 0.02


def test_a_picture_is_mapped_in_parts_as_in_one(picture: Paint, monkeypatch: pytest.MonkeyPatch) -> None:
    photograph = picture(30, 41, 1)
    colors = fit_color_map(photograph, [picture(seed=2)], [1])
    whole = colors.apply(photograph)
    monkeypatch.setattr("impasto.images.color.transport.PART", 100)
    assert torch.equal(colors.apply(photograph), whole)
    assert torch.equal(colors.apply(photograph[..., 7:19, 5:23].contiguous()), whole[..., 7:19, 5:23])


def test_lightness_never_folds_and_keeps_its_contrast(picture: Paint) -> None:
    levels = torch.linspace(0, 1, 257).view(1, 1, 1, -1).expand(1, 3, 1, -1).contiguous()
    for seed in range(2):
        photograph = picture(40, 60, seed)
        for painting in (picture(seed=seed + 9), 0.4 + 0.1 * picture(seed=seed), plain(0.5, 0.4, 0.3)):
            colors = fit_color_map(photograph, [painting], [1])
            steps = to_oklab(colors.apply(levels).double())[0, 0, 0].diff()
            assert float(steps.min()) > -1e-6
            assert contrast_kept_metric(photograph, colors.apply(photograph)) > 0.45


def test_contrast_kept_is_the_slope_of_local_differences(picture: Paint) -> None:
    image = picture(30, 40)
    assert contrast_kept_metric(image, image) == pytest.approx(1)
    assert contrast_kept_metric(image, torch.full_like(image, 0.3)) == 0
    assert contrast_kept_metric(image, 1 - image) < -0.5
    assert contrast_kept_metric(plain(0.2, 0.4, 0.6), plain(0.9, 0.4, 0.1)) == 1


def test_poor_pictures_with_noise_get_no_speckle(poor_pair: tuple[Tensor, Tensor, Tensor]) -> None:
    clean, noise, painting = poor_pair
    noisy = (clean + noise).clamp(0, 1)
    colors = fit_color_map(noisy, [painting], [1])
    assert colors.table.isfinite().all() and float(colors.table.min()) >= 0 and float(colors.table.max()) <= 1
    speckle = (colors.apply(noisy) - colors.apply(clean)).square().mean().sqrt()
    assert speckle < 3.5 * noise.square().mean().sqrt()


def test_gradients_of_16_bits_keep_more_than_256_levels(picture: Paint) -> None:
    levels = torch.linspace(0.2, 0.8, 5000).view(1, 1, 1, -1).expand(1, 3, 1, -1).contiguous()
    recolored = fit_color_map(picture(seed=1), [picture(seed=2)], [1]).apply(levels)
    assert min(len(channel.unique()) for channel in (65535 * recolored[0]).round()) > 2000
    assert float(recolored.diff(dim=3).abs().max()) < 10 * 0.6 / 5000


def test_transparent_pixels_and_styles_without_a_share_do_not_count(picture: Paint) -> None:
    photograph, painting, seen = picture(300, 40, 1), picture(40, 300, 2), torch.zeros(1, 1, 300, 40)
    seen[..., :150, :] = 1
    across = seen.transpose(2, 3).contiguous()
    others = [image.where(mask > 0, 1 - image) for image, mask in ((photograph, seen), (painting, across))]
    tables = [
        fit_color_map(a, [b, picture(seed=7)], [0.5, 0], seen, [across, None]).table
        for a, b in ((photograph, painting), others)
    ]
    assert torch.equal(*tables)
    assert not torch.equal(tables[0], fit_color_map(photograph, [painting], [1]).table)


def test_several_styles_are_mixed_by_their_shares(picture: Paint) -> None:
    photograph, red, blue = picture(seed=1), plain(0.8, 0.1, 0.1), plain(0.1, 0.1, 0.8)
    mixed = [fit_color_map(photograph, [red, blue], [share, 1 - share]).apply(photograph) for share in (0.2, 0.8)]
    reds = [float(image[:, 0].mean() - image[:, 2].mean()) for image in mixed]
    assert reds[0] < -0.2 and reds[1] > 0.2


@pytest.mark.parametrize("axes", [3, 5])
def test_cells_hold_the_points_of_one_box(axes: int) -> None:
    """Points below 0 too, and cells in the order of their rows."""
    generator = torch.Generator().manual_seed(0)
    points = 4 * torch.randn(400, axes, generator=generator, dtype=torch.float64)
    weights, side = torch.rand(400, generator=generator, dtype=torch.float64), points.new_tensor([1.5] * axes)
    rows = [tuple(row) for row in torch.floor(points / side).long().tolist()]
    means, sums = to_cells(points, weights, side)
    for index, row in enumerate(sorted(set(rows))):
        own = torch.tensor([each == row for each in rows])
        assert sums[index] == pytest.approx(float(weights[own].sum()))
        expected = (points[own] * weights[own, None]).sum(0) / weights[own].sum()
        assert torch.allclose(means[index], expected)
    assert len(means) == len(set(rows)) > 100
