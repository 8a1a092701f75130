"""Images carried along a flow."""

import torch

from impasto.images.warp import inside, warp


def shift(dx: float, dy: float, size: tuple[int, int] = (6, 8)) -> torch.Tensor:
    return torch.tensor([dx, dy]).view(1, 2, 1, 1).expand(1, 2, *size).contiguous()


def test_a_shifted_image_is_carried_back() -> None:
    image = torch.rand(1, 3, 6, 8, generator=torch.Generator().manual_seed(0))
    carried = warp(image, shift(2, -1))
    assert torch.allclose(carried[..., 1:, :6], image[..., :5, 2:], atol=1e-6)
    assert torch.allclose(carried[..., :, 6:], carried[..., :, 5:6].expand(-1, -1, -1, 2), atol=1e-6)  # the border
    assert torch.allclose(warp(image, shift(0, 0)), image, atol=1e-6)
    halves = warp(image, shift(0.5, 0))
    assert torch.allclose(halves[..., :7], (image[..., :7] + image[..., 1:]) / 2, atol=1e-6)


def test_only_places_inside_the_picture_count() -> None:
    seen = inside(shift(2, -1))
    assert seen.shape == (1, 1, 6, 8)
    assert bool(seen[..., 1:, :6].all()) and seen.sum() == 5 * 6
    assert bool(inside(shift(0.4, -0.4)).all())  # within the outermost pixels


def test_bicubic_keeps_more_detail_than_bilinear() -> None:
    bilinear = bicubic = torch.rand(1, 3, 40, 40, generator=torch.Generator().manual_seed(0))
    for _ in range(8):
        flow = shift(0.5, 0.5, (40, 40))
        bilinear, bicubic = warp(bilinear, flow), warp(bicubic, flow, "bicubic")
    assert bicubic[..., :25, :25].var() > 1.5 * bilinear[..., :25, :25].var()


def test_the_derivative_by_image_and_flow() -> None:
    generator = torch.Generator().manual_seed(0)
    image = torch.rand(1, 2, 4, 5, generator=generator, dtype=torch.float64, requires_grad=True)
    flow = (0.4 * torch.rand(1, 2, 4, 5, generator=generator, dtype=torch.float64) + 0.1).requires_grad_()
    assert torch.autograd.gradcheck(warp, (image, flow))
