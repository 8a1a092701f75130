"""A small data set, and a recipe that trains on it in a moment."""

from collections.abc import Callable
from pathlib import Path

import pytest
from torch import Tensor

from impasto.backbone.prepare import prepare
from impasto.backbone.recipes import TrainingRecipe
from impasto.images.io import write_image


@pytest.fixture
def pictures(tmp_path: Path, picture: Callable[..., Tensor]) -> Path:
    """Three folders of four PNG pictures of 50 x 40."""
    for index, name in enumerate(("ash", "birch", "cedar")):
        (tmp_path / "pictures" / name).mkdir(parents=True)
        for number in range(4):
            write_image(picture(40, 50, 10 * index + number), tmp_path / "pictures" / name / f"{number}.png")
    return tmp_path / "pictures"


@pytest.fixture
def data(pictures: Path, tmp_path: Path) -> Path:
    """The pictures prepared at 40 x 40: nine to train on, three held out."""
    prepare(pictures, tmp_path / "data", size=40, kind="raw", validation=0.25, workers=1)
    return tmp_path / "data"


@pytest.fixture
def quick() -> TrainingRecipe:
    """VGG-11, very narrow, dropout and weight decay as in the report; two steps an epoch."""
    changes = {"arch": "vgg11", "width": 0.03, "crop": 32, "epochs": 3, "batch_size": 4}
    return TrainingRecipe.named("report-2015", changes)
