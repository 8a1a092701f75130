"""The shipped styles: each is painted by its name, which wins over that of a file, and comes with all that is told."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor

from impasto.errors import WeightsError
from impasto.fast.model import Model, read_model, read_style_or_model
from impasto.images.io import read_image
from impasto.recipe import shipped
from impasto.recipe.shipped import shipped_styles

STYLES = shipped_styles()


@pytest.mark.parametrize("name", STYLES)
def test_each_has_its_network_and_its_picture(name: str) -> None:
    style = STYLES[name]
    model = read_style_or_model(name)
    assert model.names[0] == model.name == name
    assert max(read_image(style.picture).shape[-2:]) <= 512
    assert {"name", "title", "painting", "artist", "year"} <= style.to_dict().keys()


def test_they_take_little_room_and_were_trained_on_free_pictures() -> None:
    assert sum(path.stat().st_size for path in shipped.FOLDER.iterdir() if path.is_file()) <= 6e6
    for path in {style.path for style in STYLES.values()}:
        names = json.loads(read_model(path).metadata["data"])["photos"]["names"]
        assert len(names) >= 40 and not any(name.startswith(("test_", "train_", "val_")) for name in names)


def test_a_name_wins_over_a_file_and_leads_its_network(
    model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, picture: Callable[..., Tensor]
) -> None:
    monkeypatch.chdir(tmp_path)
    image = picture(40, 40)
    monkeypatch.setattr(shipped, "FOLDER", tmp_path / "shipped")
    shipped.FOLDER.mkdir()
    (shipped.FOLDER / "styles.toml").write_text(
        '[rough]\ntitle = "Rough"\nartist = "A. B."\nyear = 1900\nnetwork = "two"\n'
    )
    model.write(shipped.FOLDER / "two.safetensors", half=True)
    model.write(tmp_path / "rough")
    named, file = read_style_or_model("rough"), read_style_or_model("./rough")
    assert (named.names, named.name) == (("rough", "calm"), "rough")
    assert file.names == read_style_or_model(Path("rough")).names == ("calm", "rough")
    shares = torch.tensor([0.1, 0.7, 0.2])[None, :, None, None]
    with torch.no_grad():
        whole, half = file.network(image, shares), named.network(image, shares[:, [0, 2, 1]])
    assert 0 < (whole - half).abs().max() < 1 / 255  # of float16
    with pytest.raises(WeightsError, match=r"'rouhg' does not exist; .* Did you mean 'rough'\?"):
        read_style_or_model("rouhg")
