"""A folder of small photographs, a painting, and a recipe that trains on them in a moment."""

from collections.abc import Callable
from pathlib import Path
from typing import get_args

import pytest
from painter_network import random_network
from torch import Tensor

from impasto.fast.model import Model, to_icon
from impasto.fast.network import Design, Network
from impasto.fast.recipe import TrainingRecipe
from impasto.images.io import write_image
from impasto.recipe.recipe import Recipe


@pytest.fixture
def photos(tmp_path: Path, picture: Callable[..., Tensor]) -> Path:
    """Five photographs of 48 x 64."""
    (tmp_path / "photos").mkdir()
    for number in range(5):
        write_image(picture(48, 64, number), tmp_path / "photos" / f"{number}.png")
    return tmp_path / "photos"


@pytest.fixture
def painting(tmp_path: Path, picture: Callable[..., Tensor]) -> Path:
    write_image(picture(50, 40, 20), tmp_path / "painting.png")
    return tmp_path / "painting.png"


@pytest.fixture
def quick() -> TrainingRecipe:
    """A thin network and four steps of two windows of 32 pixels."""
    look = Recipe.preset("network").replace(weights="tiny", size=48, recolor=1.0)
    return TrainingRecipe(look=look, crop=32, steps=4, batch_size=2, width=4, blocks=1)


@pytest.fixture(params=get_args(Design))
def network(request: pytest.FixtureRequest) -> Network:
    """A network for two styles, of each design."""
    return random_network(design=request.param)


@pytest.fixture
def model(network: Network, picture: Callable[..., Tensor]) -> Model:
    """A model of two styles, "calm" and "rough"."""
    icons = to_icon(picture(50, 40, 20)), to_icon(picture(40, 200, 21))
    return Model(network=network, names=("calm", "rough"), icons=icons, look=Recipe(weights="tiny"))
