"""The map of colors at places: a painting's sky colors a sky; edges, noise and gradients stay; regions, any size."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from impasto.images.color.difference import palette_metric
from impasto.images.color.oklab import to_grey
from impasto.images.color.places import PlacedColorMap, fit_placed_map
from impasto.images.color.transport import contrast_kept_metric, fit_color_map

Paint = Callable[..., Tensor]

RED, BLUE, GREY = (0.8, 0.2, 0.1), (0.1, 0.2, 0.8), (0.5, 0.5, 0.5)


def plain(channels: tuple[float, float, float], height: int = 24, width: int = 48) -> Tensor:
    return torch.tensor(channels).view(1, 3, 1, 1).expand(1, 3, height, width).float()


def whole(colors: PlacedColorMap, image: Tensor, amount: float = 1.0) -> Tensor:
    return colors.start(image)(image, slice(None), amount)


def warmth(image: Tensor) -> Tensor:
    return image[:, 0] - image[:, 2]


@pytest.mark.parametrize(("upper", "lower"), [(RED, BLUE), (BLUE, RED)])
def test_a_plain_picture_takes_the_colors_of_the_same_places(
    upper: tuple[float, float, float], lower: tuple[float, float, float]
) -> None:
    painting = torch.cat([plain(upper), plain(lower)], dim=2)
    placed = whole(fit_placed_map(plain(GREY), [painting], [1], 1.0), plain(GREY))
    difference = float(warmth(placed)[:, :4].mean() - warmth(placed)[:, -4:].mean())
    assert (difference > 0.8) if upper == RED else (difference < -0.8)
    without = fit_color_map(plain(GREY), [painting], [1]).apply(plain(GREY))
    assert float(warmth(without).std()) < 1e-4


def test_colors_decide_more_the_lower_the_placement() -> None:
    """A photograph that is blue above and red below, under a painting that is red above and blue below."""
    photograph, painting = torch.cat([plain(BLUE), plain(RED)], dim=2), torch.cat([plain(RED), plain(BLUE)], dim=2)
    above = [
        float(warmth(whole(fit_placed_map(photograph, [painting], [1], p), photograph))[:, :12].mean())
        for p in (0.1, 0.5, 1.0, 2.0)
    ]
    assert above[0] < -0.6 and above == sorted(above) and above[-1] > 0.5


def test_the_photograph_gets_the_palette_of_the_painting(picture: Paint) -> None:
    photograph, painting = picture(160, 240, 1), picture(200, 160, 2)
    placed = whole(fit_placed_map(photograph, [painting], [1], 0.1), photograph)
    assert palette_metric(placed, painting) < 0.75 * palette_metric(photograph, painting)
    assert contrast_kept_metric(photograph, placed) > 0.3


def test_amount_goes_evenly_and_rows_are_recolored_as_the_whole(picture: Paint) -> None:
    photograph = picture(300, 200, 1)
    start = fit_placed_map(photograph, [picture(seed=2)], [1], 0.6).start(photograph)
    full = start(photograph, slice(None), 1.0)
    torch.testing.assert_close(start(photograph, slice(None), 0.5), (photograph + full) / 2, atol=0.03, rtol=0)
    rows = [start(photograph[:, :, top : top + 77], slice(top, top + 77), 1.0) for top in range(0, 300, 77)]
    torch.testing.assert_close(torch.cat(rows, dim=2), full, atol=1e-6, rtol=0)


def test_it_is_the_same_every_time_and_about_the_same_at_any_size(picture: Paint) -> None:
    photograph, painting = picture(300, 400, 1), picture(300, 200, 2)
    first, again = (whole(fit_placed_map(photograph, [painting], [1], 0.6), photograph) for _ in range(2))
    assert torch.equal(first, again)
    small, half = picture(150, 200, 1), torch.nn.functional.avg_pool2d(first, 2)
    placed = whole(fit_placed_map(small, [picture(150, 100, 2)], [1], 0.6), small)
    assert float((placed - half).abs().mean()) < 0.03


def test_poor_pictures_with_noise_get_no_speckle(poor_pair: tuple[Tensor, Tensor, Tensor]) -> None:
    clean, noise, painting = poor_pair
    noisy = (clean + noise).clamp(0, 1)
    colors = fit_placed_map(noisy, [painting], [1], 1.0)
    first, second = whole(colors, noisy), whole(colors, clean)
    assert first.isfinite().all() and float(first.min()) >= 0 and float(first.max()) <= 1
    change = first - second
    speckle = change - torch.nn.functional.avg_pool2d(change, 5, 1, 2, count_include_pad=False)
    assert speckle.square().mean().sqrt() < 3.5 * noise.square().mean().sqrt()


def test_a_painting_in_grey_leaves_no_color(picture: Paint) -> None:
    photograph = picture(40, 60, 1)
    placed = whole(fit_placed_map(photograph, [to_grey(picture(seed=2))], [1], 0.8), photograph)
    assert float((placed.amax(1) - placed.amin(1)).max()) < 1e-3


def test_hidden_pixels_change_nothing(picture: Paint) -> None:
    photograph, seen = picture(40, 60, 1), torch.zeros(1, 1, 40, 60)
    seen[..., :30] = 1
    found = []
    for behind in (photograph, 1 - photograph):
        image = photograph.where(seen > 0, behind)
        start = fit_placed_map(image, [picture(seed=2)], [1], 0.8, seen).start(image, seen)
        found.append(start(image, slice(None), 1.0)[..., :30])
    assert torch.equal(*found)


def test_gradients_of_16_bits_keep_more_than_256_levels(picture: Paint) -> None:
    levels = torch.linspace(0.2, 0.8, 5000).view(1, 1, 1, -1).expand(1, 3, 8, -1).contiguous()
    recolored = whole(fit_placed_map(levels, [picture(seed=2)], [1], 0.6), levels)
    assert min(len(channel.unique()) for channel in (65535 * recolored[0]).round()) > 2000
    assert float(recolored.diff(dim=3).abs().max()) < 20 * 0.6 / 5000


def test_transparent_pixels_and_styles_without_a_share_do_not_count(picture: Paint) -> None:
    photograph, painting, seen = picture(300, 40, 1), picture(40, 300, 2), torch.zeros(1, 1, 300, 40)
    seen[..., :150, :] = 1
    across = seen.transpose(2, 3).contiguous()
    others = [image.where(mask > 0, 1 - image) for image, mask in ((photograph, seen), (painting, across))]
    first, second = (
        fit_placed_map(a, [b, picture(seed=7)], [0.5, 0], 0.6, seen, [across, None])
        for a, b in ((photograph, painting), others)
    )
    assert torch.equal(first.paints, second.paints) and torch.equal(first.potential, second.potential)


def test_a_region_is_a_picture_of_its_own() -> None:
    """The left half of a photograph takes the left edge of its own region's painting, wherever it lies."""
    painting = torch.cat([plain(RED, 24, 12), plain(BLUE, 24, 12), plain(GREY, 24, 24)], dim=3)
    half = torch.zeros(1, 1, 24, 48)
    half[..., 24:] = 1
    own = half.flip(3)
    placed = whole(fit_placed_map(plain(GREY), [painting], [1], 1.0, half, [own]), plain(GREY))
    assert float(warmth(placed)[..., 24:28].mean()) > 0.3 > -0.3 > float(warmth(placed)[..., -4:].mean())
