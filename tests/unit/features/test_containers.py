"""Containers: round trips that keep every bit, and files as other programs write them."""

import struct
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import scipy.io
import torch
from torch import Tensor
from written_weights import (
    FOREIGN,
    ORDERS,
    delimited,
    hand_written,
    integer,
    narrow,
    new_blob,
    new_layer,
    suffixed,
    varint,
    write,
    write_keras,
    write_matconvnet,
)

from impasto.errors import MissingExtraError, OutputError, WeightsError
from impasto.features.architecture import DEPTHS, Layers, layers_of
from impasto.features.containers import stored as stored_module
from impasto.features.containers.kinds import CONTAINERS, choose_container, recognise_container
from impasto.features.preprocessing import OXFORD, OXFORD_RGB, TORCHVISION, Preprocessing, build_preprocessing
from impasto.features.vgg import Vgg
from impasto.features.weights import Weights, load_weights, read_weights

ODD = build_preprocessing("rgb", 1.0, (0.1, 0.2, 0.3), (0.7, 0.8, 0.9))


def assert_same(found: Layers, expected: Layers) -> None:
    assert list(found) == list(expected)
    for name, tensors in expected.items():
        for ours, theirs in zip(found[name], tensors, strict=True):
            assert ours.dtype == torch.float32
            assert torch.equal(ours, theirs), name


@pytest.mark.parametrize("preprocessing", [OXFORD, TORCHVISION, ODD], ids=["oxford", "torchvision", "odd"])
@pytest.mark.parametrize("architecture", DEPTHS)
@pytest.mark.parametrize("container", CONTAINERS)
def test_a_round_trip_keeps_every_bit(
    container: str, architecture: str, preprocessing: Preprocessing, tmp_path: Path, picture: Callable[..., Tensor]
) -> None:
    weights = narrow(architecture, preprocessing)
    path = write(weights, container, suffixed(tmp_path, container))
    again = read_weights(path, classifier=True)
    assert_same(again.layers, weights.layers)
    assert_same(again.classifier, weights.classifier)
    assert again.more == weights.more
    assert again.record == replace(weights.record, name=path.name, sha256=again.record.sha256)
    image, last = picture(40, 48), layers_of(architecture)[-1]
    ours = Vgg(again.layers, again.record.preprocessing)(image, [last])[last]
    theirs = Vgg(weights.layers, weights.record.preprocessing)(image, [last])[last]
    torch.testing.assert_close(ours, theirs, rtol=1e-6, atol=0)


def test_equal_networks_are_equal_files(tmp_path: Path) -> None:
    """safetensors by itself writes the metadata in another order each time."""
    files = {write(narrow(), "safetensors", tmp_path / f"{i}.safetensors").read_bytes() for i in range(4)}
    assert len(files) == 1


def test_a_tour_through_all_containers_ends_where_it_began(tmp_path: Path) -> None:
    weights = start = narrow("vgg13", OXFORD)
    for container in (*CONTAINERS, "safetensors"):
        weights = read_weights(write(weights, container, suffixed(tmp_path, container)), classifier=True)
    assert_same(weights.layers, start.layers)
    assert_same(weights.classifier, start.classifier)
    assert (weights.record.license, weights.record.classes) == (start.record.license, start.record.classes)


@pytest.mark.parametrize("container", CONTAINERS)
def test_a_file_is_known_by_its_beginning(container: str, tmp_path: Path) -> None:
    """Caffe's by its name: protobuf has no sign at its beginning."""
    path = write(narrow(), container, tmp_path / "weights.bin")
    expected = "torchvision" if container == "caffe" else container
    assert recognise_container(path).name == expected
    assert recognise_container(path.rename(tmp_path / "weights.caffemodel")).name == (
        "caffe" if container == "caffe" else container
    )


@pytest.mark.parametrize("container", CONTAINERS)
def test_the_classifier_is_left_out_unless_asked_for(container: str, tmp_path: Path) -> None:
    path = write(narrow(), container, suffixed(tmp_path, container))
    assert load_weights(str(path)).classifier == {}


@pytest.mark.parametrize("container", CONTAINERS)
def test_a_user_may_overrule_what_a_file_tells(container: str, tmp_path: Path) -> None:
    path = write(narrow(), container, suffixed(tmp_path, container))
    assert read_weights(path, preprocessing=ODD).record.preprocessing == ODD


# An asymmetric kernel: every place of every channel has a value of its own, 100 for blue, 200 green, 300 red.
BLUE_GREEN_RED = np.arange(1, 10, dtype=np.float32).reshape(3, 3) + np.array([100, 200, 300]).reshape(3, 1, 1)
BGR_KERNEL = np.stack([BLUE_GREEN_RED, -2 * BLUE_GREEN_RED, 0 * BLUE_GREEN_RED, BLUE_GREEN_RED]).astype(np.float32)


def asymmetric(order: str) -> Weights:
    """The narrow network with that kernel, for input in this order."""
    weights = narrow("vgg11", OXFORD if order == "bgr" else OXFORD_RGB, classifier=False)
    kernel = torch.from_numpy(BGR_KERNEL if order == "bgr" else BGR_KERNEL[:, ::-1].copy())
    return replace(weights, layers={**weights.layers, "conv1_1": (kernel, torch.zeros(4))})


def response(weights: Weights) -> Tensor:
    """What conv1_1 says of one red pixel left above, which no other order of axes or channels gives."""
    image = torch.tensor(weights.record.preprocessing.mean).view(1, 3, 1, 1) / weights.record.preprocessing.scale
    image = (image if weights.record.preprocessing.order == "rgb" else image.flip(1)).repeat(1, 1, 6, 6)
    image[0, 0, 2, 1] += 1 / weights.record.preprocessing.scale
    return Vgg(weights.layers, weights.record.preprocessing)(image, ["conv1_1"])["conv1_1"][0, 0]


@pytest.mark.parametrize("order", ["bgr", "rgb"])
@pytest.mark.parametrize("container", ["safetensors", "torchvision"])
def test_axes_and_channels_are_where_the_container_has_them(container: str, order: str, tmp_path: Path) -> None:
    """As seen by the libraries that other programs read these files with."""
    weights = asymmetric(order)
    path = write(weights, container, suffixed(tmp_path, container))
    seen = RAW[container](path)
    assert np.array_equal(seen, BGR_KERNEL if order == "bgr" else BGR_KERNEL[:, ::-1])
    assert_sees_red(load_weights(str(path)))


@pytest.mark.parametrize("container", ["matconvnet", "keras", "caffe"])
def test_channels_of_other_programs_are_in_their_order(container: str, tmp_path: Path) -> None:
    path = suffixed(tmp_path, container)
    FOREIGN[container](asymmetric(ORDERS[container]), path, "")
    assert_sees_red(load_weights(str(path)))


def assert_sees_red(weights: Weights) -> None:
    expected = torch.zeros(6, 6)
    expected[1:4, 0:3] = torch.from_numpy(BLUE_GREEN_RED[2].copy()).float().flip(0, 1)
    torch.testing.assert_close(response(weights), expected, rtol=1e-4, atol=0.02)


def raw_own(path: Path) -> np.ndarray:
    from safetensors.numpy import load_file

    return load_file(path)["conv1_1.weight"]


RAW: dict[str, Callable[[Path], np.ndarray]] = {
    "safetensors": raw_own,
    "torchvision": lambda path: torch.load(path, weights_only=True)["features.0.weight"].numpy(),
}


# A serializer of protobuf by hand, which shares nothing with ours.


def old_blob(array: np.ndarray) -> bytes:
    """num, channels, height, width (1 to 4), then the numbers (5), packed, with diff (6) beside them."""
    four = (1,) * (4 - array.ndim) + array.shape
    sizes = b"".join(integer(field, side) for field, side in enumerate(four, start=1))
    numbers = array.astype("<f4").tobytes()
    return sizes + delimited(5, numbers) + delimited(6, bytes(len(numbers)))


def unpacked_blob(array: np.ndarray) -> bytes:
    """A tag before every number, as an encoder without packing writes them."""
    raw = array.astype("<f4").tobytes()
    numbers = b"".join(varint(5 << 3 | 5) + raw[at : at + 4] for at in range(0, len(raw), 4))
    return delimited(7, delimited(1, b"".join(varint(side) for side in array.shape))) + numbers


def double_blob(array: np.ndarray) -> bytes:
    return delimited(7, delimited(1, b"".join(map(varint, array.shape)))) + delimited(8, array.astype("<f8").tobytes())


def old_layer(name: str, kind: str, blobs: list[bytes]) -> bytes:
    number = {"Convolution": 4, "InnerProduct": 14, "ReLU": 18}[kind]
    body = delimited(2, b"bottom") + delimited(4, name.encode()) + integer(5, number)
    return delimited(2, body + b"".join(delimited(6, blob) for blob in blobs))


@pytest.mark.parametrize(
    ("layer", "blob"),
    [
        (new_layer, new_blob),
        (old_layer, old_blob),
        (new_layer, old_blob),
        (new_layer, unpacked_blob),
        (old_layer, double_blob),
    ],
)
def test_a_caffemodel_by_an_independent_serializer(
    layer: Callable[..., bytes], blob: Callable[[np.ndarray], bytes], tmp_path: Path
) -> None:
    weights = narrow()
    path = tmp_path / "foreign.caffemodel"
    path.write_bytes(hand_written(weights, layer, blob))
    found = read_weights(path, classifier=True, preprocessing="oxford")
    assert_same(found.layers, weights.layers)
    assert_same(found.classifier, weights.classifier)
    assert found.record.architecture == "vgg11"


def test_a_caffemodel_that_tells_no_input_is_taken_as_oxfords(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "foreign.caffemodel"
    path.write_bytes(hand_written(asymmetric("bgr"), new_layer, new_blob))
    weights = load_weights(str(path))
    assert weights.record.preprocessing is OXFORD
    assert "does not say which input" in caplog.text
    assert torch.equal(weights.layers["conv1_1"][0], torch.from_numpy(BGR_KERNEL))


def test_a_caffemodel_of_a_training_tells_its_input(tmp_path: Path) -> None:
    """transform_param of the data layer: (x - mean_value) * scale."""
    values = [104.0, 117.0, 123.0]
    transform = varint(1 << 3 | 5) + np.float32(0.017).tobytes()
    transform += b"".join(varint(5 << 3 | 5) + np.float32(value).tobytes() for value in values)
    data = delimited(100, delimited(1, b"data") + delimited(2, b"Data") + delimited(100, transform))
    path = tmp_path / "snapshot.caffemodel"
    path.write_bytes(data + hand_written(narrow(), new_layer, new_blob))
    found = load_weights(str(path)).record.preprocessing
    assert (found.order, found.scale, found.mean) == ("bgr", 255.0, (104.0, 117.0, 123.0))
    assert found.std == pytest.approx((1 / 0.017,) * 3)


@pytest.mark.parametrize("oldest", [False, True])
def test_a_mat_file_of_matconvnet(oldest: bool, tmp_path: Path) -> None:
    weights = narrow("vgg11", OXFORD_RGB, classifier=False)
    path = tmp_path / "imagenet-vgg.mat"
    write_matconvnet(weights, path, oldest=oldest)
    found = load_weights(str(path))
    assert found.record.preprocessing is OXFORD_RGB
    assert_same(found.layers, weights.layers)


@pytest.mark.parametrize("layout", ["old", "new", "whole model"])
def test_an_h5_file_of_keras(layout: str, tmp_path: Path) -> None:
    weights = narrow("vgg16", OXFORD)
    path = tmp_path / "vgg16_weights_tf_dim_ordering_tf_kernels.h5"
    write_keras(weights, path, layout=layout)
    found = read_weights(path, preprocessing="oxford", classifier=True)
    assert_same(found.layers, weights.layers)
    assert_same(found.classifier, weights.classifier)


@pytest.mark.parametrize("architecture", DEPTHS)
def test_batch_norms_of_torchvision_are_folded(
    architecture: str, tmp_path: Path, picture: Callable[..., Tensor]
) -> None:
    weights = narrow(architecture, TORCHVISION)
    modules: list[torch.nn.Module] = []
    channels = 3
    for name, following in zip(layers_of(architecture), [*layers_of(architecture)[1:], "conv6_1"], strict=True):
        filters = len(weights.layers[name][1])
        norm = torch.nn.BatchNorm2d(filters)
        torch.nn.init.uniform_(norm.weight, 0.5, 1.5)
        torch.nn.init.normal_(norm.bias)
        norm.running_mean.normal_()
        norm.running_var.uniform_(0.5, 2)
        modules += [torch.nn.Conv2d(channels, filters, 3, padding=1), norm, torch.nn.ReLU()]
        if following[4] != name[4]:
            modules.append(torch.nn.MaxPool2d(2))
        channels = filters
    network = torch.nn.Sequential(*modules).eval()
    torch.save({f"features.{key}": value for key, value in network.state_dict().items()}, tmp_path / "bn.pth")
    found = load_weights(str(tmp_path / "bn.pth"), preprocessing="torchvision")
    assert found.record.architecture == architecture
    image, last = picture(40, 48), layers_of(architecture)[-1]
    with torch.no_grad():
        expected = network[:-1](TORCHVISION.apply(image))
    torch.testing.assert_close(Vgg(found.layers, TORCHVISION)(image, [last])[last], expected, rtol=1e-4, atol=1e-5)


def test_a_network_under_the_papers_names_is_read(tmp_path: Path) -> None:
    weights = narrow("vgg11", TORCHVISION, classifier=False)
    parts = ("weight", "bias")
    state = {f"{n}.{part}": t for n, pair in weights.layers.items() for part, t in zip(parts, pair, strict=True)}
    torch.save(state, tmp_path / "named.pth")
    assert_same(load_weights(str(tmp_path / "named.pth"), preprocessing="torchvision").layers, weights.layers)


@pytest.mark.parametrize("container", CONTAINERS)
def test_missing_layers_are_named(container: str, tmp_path: Path) -> None:
    weights = narrow("vgg16", classifier=False)
    path = suffixed(tmp_path, container)
    if container == "torchvision":
        state = torch.load(write(weights, container, path), weights_only=True)
        torch.save({k: v for k, v in state.items() if not k.startswith(("features.7.", "features.24."))}, path)
    else:
        kept = {name: layer for name, layer in weights.layers.items() if name not in ("conv2_2", "conv5_1")}
        write(replace(weights, layers=kept), container, path)
    with pytest.raises(WeightsError, match=r"lacks conv2_2, conv5_1; expected the 13 convolutions of vgg16"):
        load_weights(str(path))


def test_layers_of_another_architecture_are_named(tmp_path: Path) -> None:
    weights = narrow("vgg16", classifier=False)
    mislabelled = replace(weights, record=replace(weights.record, architecture="vgg13"))
    path = write(mislabelled, "caffe", tmp_path / "a.caffemodel")
    with pytest.raises(WeightsError, match=r"has conv3_3, conv4_3, conv5_3 too; expected the 10 convolutions of vgg13"):
        load_weights(str(path))


@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize("damage", ["cut", "empty", "text", "zeros"])
def test_a_damaged_file_is_named(container: str, damage: str, tmp_path: Path) -> None:
    path = write(narrow(), container, suffixed(tmp_path, container))
    raw = path.read_bytes()
    damaged = {"cut": raw[: len(raw) // 2], "empty": b"", "text": b"<html>404</html>", "zeros": bytes(999)}
    path.write_bytes(damaged[damage])
    with pytest.raises(WeightsError) as caught:
        load_weights(str(path))
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("change", [{"mean": "1,2"}, {"channel_order": "GRB"}, {"std": "0,1,1"}, {"arch": "vgg12"}])
def test_malformed_metadata_is_refused(change: dict[str, str], tmp_path: Path) -> None:
    from safetensors import safe_open
    from safetensors.torch import load_file, save_file

    path = write(narrow(), "safetensors", tmp_path / "a.safetensors")
    with safe_open(str(path), framework="pt") as file:
        note = file.metadata()
    save_file(load_file(path), path, metadata={**note, **change})
    with pytest.raises(WeightsError, match="malformed metadata|is no VGG"):
        load_weights(str(path))
    save_file(load_file(path), path)
    with pytest.raises(WeightsError, match=r"format None; expected 'impasto-backbone-1'"):
        load_weights(str(path))


def test_batch_norms_elsewhere_are_refused(tmp_path: Path) -> None:
    blob = new_blob(np.ones(4, dtype=np.float32))
    path = tmp_path / "bn.caffemodel"
    path.write_bytes(hand_written(narrow(), new_layer, new_blob) + new_layer("bn1", "BatchNorm", [blob, blob, blob]))
    with pytest.raises(WeightsError, match=r"batch normalization \(bn1\)"):
        load_weights(str(path))


@pytest.mark.parametrize(("container", "package"), [("keras", "h5py"), ("matconvnet", "scipy")])
def test_a_missing_extra_is_named(
    container: str, package: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(narrow(), container, suffixed(tmp_path, container))

    def without(name: str) -> None:
        raise ImportError(name)

    monkeypatch.setattr(stored_module, "import_module", without)
    with pytest.raises(MissingExtraError, match=rf"needs the package {package}.*pip install .impasto\[convert\]"):
        load_weights(str(path))


def test_the_container_to_write_is_chosen_by_suffix_or_name(tmp_path: Path) -> None:
    assert choose_container(tmp_path / "a.pt", None)[0] == "torchvision"
    assert choose_container(tmp_path / "a.bin", "safetensors")[0] == "safetensors"
    with pytest.raises(OutputError, match=r"suffix '\.bin'.*--to"):
        choose_container(tmp_path / "a.bin", None)
    with pytest.raises(OutputError, match=r"'torchvison' is unknown.*Did you mean 'torchvision'"):
        choose_container(tmp_path / "a.pth", "torchvison")


@pytest.mark.parametrize(("name", "to"), [("a.mat", None), ("a.h5", None), ("a.caffemodel", None), ("a.pth", "keras")])
def test_files_of_other_programs_are_only_read(name: str, to: str | None, tmp_path: Path) -> None:
    with pytest.raises(
        OutputError, match=r"only read; written are safetensors \(\.safetensors\) or torchvision \(\.pth\)"
    ):
        choose_container(tmp_path / name, to)


@pytest.mark.parametrize(
    "damage",
    [b"\x80" * 10_000_000, delimited(100, delimited(1, b"conv1_1") + integer(7, 5) * 2)],
    ids=["an endless number", "a number in place of a layer"],
)
def test_a_damaged_caffemodel(damage: bytes, tmp_path: Path) -> None:
    path = tmp_path / "damaged.caffemodel"
    path.write_bytes(hand_written(narrow(), new_layer, new_blob) + damage)
    with pytest.raises(WeightsError, match="is damaged or no .caffemodel .(no number ends|memoryview)"):
        read_weights(path)


@pytest.mark.parametrize("compressed", [False, True])
def test_a_mat_file_takes_no_room_for_members_that_it_cannot_hold(compressed: bool, tmp_path: Path) -> None:
    """scipy makes room for 2^31 cells where a damaged file says so, 17 GB."""
    path = tmp_path / "damaged.mat"
    cells = np.empty((1, 77), dtype=object)
    cells[:] = 0.0
    scipy.io.savemat(path, {"layers": cells})
    data = path.read_bytes()
    dimensions = struct.pack("<2i", 1, 77)
    assert data.count(dimensions) == 1
    data = data.replace(dimensions, struct.pack("<2i", 1, 2**31 - 1))
    if compressed:
        element = zlib.compress(data[128:])
        data = data[:128] + struct.pack("<2I", 15, len(element)) + element
    path.write_bytes(data)
    with pytest.raises(WeightsError, match=r"damaged or no MatConvNet network .*2147483647 members"):
        read_weights(path)


@pytest.mark.parametrize("byte", [16, 77, 200])
def test_a_mat_file_of_unknown_elements_is_not_given_to_scipy(byte: int, tmp_path: Path) -> None:
    """scipy's table of kinds has no bounds: the process ended with a segmentation fault."""
    path = tmp_path / "damaged.mat"
    scipy.io.savemat(path, {"layers": np.zeros((3, 5))})
    data = path.read_bytes()
    place = data.index(struct.pack("<2I", 9, 120))  # the numbers: 15 doubles
    path.write_bytes(data[:place] + struct.pack("<2I", byte << 8 | 9, 120) + data[place + 8 :])
    with pytest.raises(WeightsError, match=r"damaged or no MatConvNet network .*no element of kind"):
        read_weights(path)


def test_a_state_dict_whose_kernel_has_another_name(tmp_path: Path) -> None:
    path = write(narrow(), "torchvision", suffixed(tmp_path, "torchvision"))
    state = torch.load(path, weights_only=True)
    state["features.0.weighs"] = state.pop("features.0.weight")
    torch.save(state, path)
    with pytest.raises(WeightsError, match="conv1_1"):
        read_weights(path)
