"""Colors by name and by mean."""

import pytest
import torch

from impasto.errors import RecipeError
from impasto.images.color.named import mean_color, parse_color


@pytest.mark.parametrize(
    ("text", "expected"),
    [("#000000", (0, 0, 0)), ("#ffffff", (1, 1, 1)), ("#FF0033", (1, 0, 0.2)), ("#336699", (0.2, 0.4, 0.6))],
)
def test_parse_color(text, expected):
    assert parse_color(text) == pytest.approx(expected)


@pytest.mark.parametrize("text", ["", "red", "#fff", "ffffff", "#gggggg", "#ffffff\n", "#fffffff", "#１２３４５６"])
def test_what_is_no_color_is_refused(text):
    with pytest.raises(RecipeError) as caught:
        parse_color(text)
    assert repr(text) in caught.value.error and "#rrggbb" in caught.value.error and caught.value.hint
    assert "\n" not in str(caught.value)


def test_mean_color():
    image = torch.zeros(2, 3, 2, 2)
    image[0, 0] = 1
    image[1, 2, 0, 0] = 1
    mean = mean_color(image)
    assert mean.shape == (2, 3, 1, 1)
    assert mean.flatten().tolist() == [1, 0, 0, 0, 0, 0.25]


def test_mean_color_keeps_float64():
    assert mean_color(torch.ones(1, 3, 2, 2, dtype=torch.float64)).dtype == torch.float64
