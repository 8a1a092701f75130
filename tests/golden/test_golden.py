"""Golden pictures: each a PNG with its recipe and tolerance in a JSON file beside it.

After a change that is meant to change pictures, look at the new ones and regenerate them:

    python tests/golden/test_golden.py
"""

import json
import sys
from pathlib import Path

import pytest
import torch
from torch import Tensor

import impasto

HERE = Path(__file__).parent
NAMES = sorted(path.stem for path in HERE.glob("*.json"))


def draw_inputs() -> tuple[Tensor, Tensor]:
    """A photograph of a disk before a sky, and a painting of slanted stripes: each (1, 3, 64, 64)."""
    y, x = torch.meshgrid(torch.linspace(-1, 1, 64), torch.linspace(-1, 1, 64), indexing="ij")
    disk = torch.sigmoid(20 * (0.6 - (x * x + y * y).sqrt()))
    photograph = torch.stack([0.9 * disk, 0.4 + 0.3 * y * (1 - disk), 0.8 - 0.6 * disk])
    stripes = 0.5 + 0.5 * torch.sin(14 * x + 9 * y)
    painting = torch.stack([0.2 + 0.7 * stripes, 0.8 - 0.6 * stripes, 0.5 + 0.4 * torch.cos(5 * x)])
    return photograph.clamp(0, 1).unsqueeze(0), painting.clamp(0, 1).unsqueeze(0)


def paint(recipe: impasto.Recipe, *, turned: bool = False) -> Tensor:
    """The pastiche of the two inputs as 8 bits hold it. turned: with the stripes the other way, another style."""
    photograph, painting = draw_inputs()
    pastiche = impasto.stylize(
        photograph, painting.flip(-1) if turned else painting, recipe, device="cpu", threads=1, precision="float32"
    ).pastiche
    return (pastiche * 255).round() / 255


def read_golden(name: str) -> tuple[impasto.Recipe, float, Tensor]:
    """Recipe, tolerance (a mean absolute difference in 255ths) and picture."""
    about = json.loads((HERE / f"{name}.json").read_text("utf-8"))
    return impasto.Recipe.from_dict(about["recipe"]), about["tolerance"], impasto.read_image(HERE / f"{name}.png")


def measure(actual: Tensor, expected: Tensor) -> float:
    """Mean absolute difference in 255ths."""
    return float((actual - expected).abs().mean()) * 255


@pytest.mark.parametrize("name", NAMES)
def test_the_pastiche_has_not_changed(name: str, tmp_path: Path) -> None:
    recipe, tolerance, expected = read_golden(name)
    actual = paint(recipe)
    difference = measure(actual, expected)
    message = f"{name}: mean difference {difference:.3f} of 255, tolerance {tolerance:g}"
    sys.stdout.write(message + "\n")
    if difference > tolerance:
        pictures = {"actual": actual, "expected": expected, "difference": (actual - expected).abs()}
        for kind, image in pictures.items():
            impasto.write_image(image, tmp_path / f"{name}_{kind}.png")
        pytest.fail(f"{message}; see actual, expected and difference in {tmp_path}")


@pytest.mark.parametrize("name", NAMES)
def test_another_style_or_recipe_exceeds_the_tolerance(name: str) -> None:
    recipe, tolerance, expected = read_golden(name)
    others = {
        "another style": paint(recipe, turned=True),
        "another strength": paint(recipe.replace(strength=0.3)),
        "other layers": paint(recipe.replace(style_layers=("conv1_1",))),
        "another pooling": paint(recipe.replace(pooling="average")),
        "the photograph": draw_inputs()[0],
    }
    differences = {what: measure(image, expected) for what, image in others.items()}
    assert min(differences.values()) > 2 * tolerance, differences


def regenerate() -> None:
    """Paint every golden picture from the recipe in its JSON."""
    for name in NAMES:
        recipe, _, expected = read_golden(name)
        actual = paint(recipe)
        impasto.write_image(actual, HERE / f"{name}.png")
        sys.stdout.write(f"{name}: mean difference to the old one {measure(actual, expected):.3f} of 255\n")


if __name__ == "__main__":
    regenerate()
