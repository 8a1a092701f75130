"""CIELAB and CIEDE2000, against published pairs and scikit-image."""

import pytest
import torch
from skimage.color import deltaE_ciede2000, rgb2lab

from impasto.images.color.lab import ciede2000, to_lab, to_linear

# Sharma, Wu and Dalal 2005, table 1: all 34 pairs, each L, a, b, L, a, b and the difference.
SHARMA = torch.tensor(
    [
        (50.0000, 2.6772, -79.7751, 50.0000, 0.0000, -82.7485, 2.0425),
        (50.0000, 3.1571, -77.2803, 50.0000, 0.0000, -82.7485, 2.8615),
        (50.0000, 2.8361, -74.0200, 50.0000, 0.0000, -82.7485, 3.4412),
        (50.0000, -1.3802, -84.2814, 50.0000, 0.0000, -82.7485, 1.0000),
        (50.0000, -1.1848, -84.8006, 50.0000, 0.0000, -82.7485, 1.0000),
        (50.0000, -0.9009, -85.5211, 50.0000, 0.0000, -82.7485, 1.0000),
        (50.0000, 0.0000, 0.0000, 50.0000, -1.0000, 2.0000, 2.3669),
        (50.0000, -1.0000, 2.0000, 50.0000, 0.0000, 0.0000, 2.3669),
        (50.0000, 2.4900, -0.0010, 50.0000, -2.4900, 0.0009, 7.1792),
        (50.0000, 2.4900, -0.0010, 50.0000, -2.4900, 0.0010, 7.1792),
        (50.0000, 2.4900, -0.0010, 50.0000, -2.4900, 0.0011, 7.2195),
        (50.0000, 2.4900, -0.0010, 50.0000, -2.4900, 0.0012, 7.2195),
        (50.0000, -0.0010, 2.4900, 50.0000, 0.0009, -2.4900, 4.8045),
        (50.0000, -0.0010, 2.4900, 50.0000, 0.0010, -2.4900, 4.8045),
        (50.0000, -0.0010, 2.4900, 50.0000, 0.0011, -2.4900, 4.7461),
        (50.0000, 2.5000, 0.0000, 50.0000, 0.0000, -2.5000, 4.3065),
        (50.0000, 2.5000, 0.0000, 73.0000, 25.0000, -18.0000, 27.1492),
        (50.0000, 2.5000, 0.0000, 61.0000, -5.0000, 29.0000, 22.8977),
        (50.0000, 2.5000, 0.0000, 56.0000, -27.0000, -3.0000, 31.9030),
        (50.0000, 2.5000, 0.0000, 58.0000, 24.0000, 15.0000, 19.4535),
        (50.0000, 2.5000, 0.0000, 50.0000, 3.1736, 0.5854, 1.0000),
        (50.0000, 2.5000, 0.0000, 50.0000, 3.2972, 0.0000, 1.0000),
        (50.0000, 2.5000, 0.0000, 50.0000, 1.8634, 0.5757, 1.0000),
        (50.0000, 2.5000, 0.0000, 50.0000, 3.2592, 0.3350, 1.0000),
        (60.2574, -34.0099, 36.2677, 60.4626, -34.1751, 39.4387, 1.2644),
        (63.0109, -31.0961, -5.8663, 62.8187, -29.7946, -4.0864, 1.2630),
        (61.2901, 3.7196, -5.3901, 61.4292, 2.2480, -4.9620, 1.8731),
        (35.0831, -44.1164, 3.7933, 35.0232, -40.0716, 1.5901, 1.8645),
        (22.7233, 20.0904, -46.6940, 23.0331, 14.9730, -42.5619, 2.0373),
        (36.4612, 47.8580, 18.3852, 36.2715, 50.5065, 21.2231, 1.4146),
        (90.8027, -2.0831, 1.4410, 91.1528, -1.6435, 0.0447, 1.4441),
        (90.9257, -0.5406, -0.9208, 88.6381, -0.8985, -0.7239, 1.5381),
        (6.7747, -0.2908, -2.4247, 5.8714, -0.0985, -2.2286, 0.6377),
        (2.0776, 0.0795, -1.1350, 0.9033, -0.0636, -0.5514, 0.9082),
    ],
    dtype=torch.float64,
)


@pytest.mark.parametrize("pair", range(len(SHARMA)))
def test_published_pairs(pair: int) -> None:
    """To 1e-4, the digits of the table, both ways round."""
    first, second, expected = SHARMA[pair, :3], SHARMA[pair, 3:6], float(SHARMA[pair, 6])
    assert float(ciede2000(first, second)) == pytest.approx(expected, abs=1e-4)
    assert float(ciede2000(second, first)) == pytest.approx(expected, abs=1e-4)


def test_float32_agrees_with_scikit_image() -> None:
    """To 1e-3: what float32 loses in differences of values near 100."""
    a, b = (torch.rand(2, 500, 3) * torch.tensor([100.0, 200.0, 200.0]) - torch.tensor([0.0, 100.0, 100.0])).unbind()
    expected = torch.from_numpy(deltaE_ciede2000(a.double().numpy(), b.double().numpy()))
    torch.testing.assert_close(ciede2000(a, b).double(), expected, atol=1e-3, rtol=1e-4)


def test_equal_colors_have_no_difference_and_shapes_broadcast() -> None:
    colors = to_lab(torch.rand(1, 3, 4, 4))[0].flatten(1).T
    table = ciede2000(colors[:, None], colors[None])
    assert table.shape == (16, 16)
    assert table.diagonal().abs().max() == 0
    assert ciede2000(torch.zeros(3), torch.zeros(3)) == 0


def test_lab_agrees_with_scikit_image() -> None:
    """To 0.02 units: its matrix is rounded to six digits otherwise than ours to seven."""
    image = torch.rand(1, 3, 8, 8, dtype=torch.float64)
    expected = torch.from_numpy(rgb2lab(image[0].permute(1, 2, 0).numpy())).permute(2, 0, 1)
    torch.testing.assert_close(to_lab(image)[0], expected, atol=0.02, rtol=0)


def test_grey_has_no_color() -> None:
    lab = to_lab(torch.linspace(0, 1, 9).expand(1, 3, 1, 9))
    assert lab[0, 1:].abs().max() < 1e-3  # 500 times the rounding of float32
    assert lab[0, 0, 0, 0] == pytest.approx(0, abs=1e-5) and lab[0, 0, 0, 8] == pytest.approx(100, abs=1e-4)


def test_linear_values_at_known_points() -> None:
    linear = to_linear(torch.tensor([0.0, 0.04045, 0.5, 1.0]))
    assert linear.tolist() == pytest.approx([0, 0.0031308, 0.214041, 1], abs=1e-6)
