"""Transparent pixels filled from around them."""

import torch

from impasto.images.fill import fill_transparent

GAP = 0.1  # measured 0.08 in the middle of a gap over which the ramp rises by 0.36; steps 0.05


def test_what_is_seen_stays_exact_and_gaps_continue_it():
    rows, columns = torch.meshgrid(torch.linspace(0, 1, 37), torch.linspace(0, 1, 50), indexing="ij")
    image, alpha = torch.stack([rows, columns, (rows + columns) / 2])[None], torch.ones(1, 1, 37, 50)
    alpha[..., 10:20, 12:30] = 0.0
    filled = fill_transparent(image * alpha, alpha)
    assert torch.equal(filled * alpha, image * alpha)
    assert (filled - image).abs().max() < GAP
    # Smooth: no jump at the edge of the gap, nor inside it, that is much larger than the ramp's own steps.
    assert max(filled.diff(dim=2).abs().max(), filled.diff(dim=3).abs().max()) < GAP


def test_hidden_colors_do_not_matter(picture):
    image, alpha = picture(16, 16), torch.ones(1, 1, 16, 16)
    alpha[..., 8:] = 0
    other = image * alpha + (1 - alpha) * torch.rand_like(image)
    assert torch.equal(fill_transparent(image, alpha), fill_transparent(other, alpha))


def test_a_flat_picture_is_filled_flat():
    alpha = torch.zeros(1, 1, 33, 20)
    alpha[..., 3, 4] = 1
    image = torch.full((1, 3, 33, 20), 0.3) * alpha
    assert torch.allclose(fill_transparent(image, alpha), torch.tensor(0.3), atol=1e-5)


def test_nothing_to_fill_and_nothing_to_fill_from(picture):
    image = picture(8, 8)
    for alpha in (torch.ones(1, 1, 8, 8), torch.zeros(1, 1, 8, 8)):
        assert fill_transparent(image, alpha) is image
