"""Optical flow: exact on a shift, the same everywhere, and honest about what is hidden."""

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from impasto.errors import MissingExtraError
from impasto.video import flow as module
from impasto.video.flow import (
    REACH,
    combine_around,
    compute_flow,
    find_lasting,
    find_similar,
    find_visible,
    mean_around,
)


def texture(height: int = 96, width: int = 128, seed: int = 0) -> Tensor:
    """A smooth random picture, (1, 3, H, W), with detail of about 6 pixels."""
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand(1, 3, height // 6 + 1, width // 6 + 1, generator=generator)
    return torch.nn.functional.interpolate(coarse, size=(height, width), mode="bicubic").clamp(0, 1)


def constant(dx: float, dy: float, height: int = 96, width: int = 128) -> Tensor:
    return torch.tensor([dx, dy]).view(1, 2, 1, 1).expand(1, 2, height, width)


def test_the_flow_of_a_shift_is_the_shift() -> None:
    whole = texture(106, 138)
    first, second = whole[..., 5:101, 5:133], whole[..., 8:104, 3:131]  # what was at (x, y) is now at (x + 2, y - 3)
    found = compute_flow(first, second)
    assert found.shape == (1, 2, 96, 128) and found.dtype == torch.float32
    inner = found[..., 12:-12, 12:-12]
    assert (inner - constant(2, -3)[..., 12:-12, 12:-12]).norm(dim=1).mean() < 0.1


def test_a_small_frame_has_a_flow_too() -> None:
    whole = texture(24, 34)
    assert (compute_flow(whole[..., :32], whole[..., 2:]) - constant(-2, 0, 24, 32)).norm(dim=1).median() < 0.3


def test_what_changes_faintly_is_not_the_same_and_noise_is() -> None:
    before, frame, still = 0.1 * texture() + 0.4, 0.1 * texture() + 0.4, constant(0, 0)
    frame[..., 40:60, 50:70] = 0.1 * texture(seed=1)[..., 40:60, 50:70] + 0.4
    similar, finely = (find_similar(frame, before, still, fine=fine)[..., 46:54, 56:64] for fine in (False, True))
    assert float(similar.mean()) > 0.7 and float(finely.mean()) < 0.4
    noisy = before + 0.02 * torch.randn(before.shape, generator=torch.Generator().manual_seed(1))
    assert float(find_similar(noisy, before, still, fine=True).mean()) > 0.75


def test_a_fine_flow_keeps_to_a_narrow_thing_that_moves() -> None:
    def picture(left: int) -> Tensor:
        bar, whole = texture(seed=1), texture()
        whole[..., 20:76, left : left + 8] = bar[..., 20:76, :8]
        return whole

    def errors(*, fine: bool) -> tuple[float, float]:
        flow = compute_flow(picture(50), picture(52), fine=fine)
        moved = constant(2, 0)[..., :48, :8]
        return float((flow[..., 24:72, 50:58] - moved).norm(dim=1).mean()), float(flow[..., 24:72, 40:47].abs().mean())

    (inside, beside), (fine_inside, fine_beside) = errors(fine=False), errors(fine=True)
    assert fine_inside < min(0.4, inside / 2) and fine_beside < beside / 2


@pytest.mark.parametrize("fine", [False, True])
def test_the_flow_is_the_same_on_any_number_of_threads(fine: bool) -> None:
    cv2 = pytest.importorskip("cv2")
    before, flows = cv2.getNumThreads(), []
    for threads in (1, 4):
        cv2.setNumThreads(threads)
        flows.append(compute_flow(texture(seed=1), texture(seed=2), fine=fine))
        assert cv2.getNumThreads() == threads
    cv2.setNumThreads(before)
    assert torch.equal(*flows)


def test_what_moves_evenly_is_visible_but_what_leaves_the_frame() -> None:
    visible = find_visible(constant(4.0, 0.0), constant(-4.0, 0.0))
    assert visible.shape == (1, 1, 96, 128)
    assert visible[..., :-4].min() == 1 and visible[..., -4:].max() == 0


def test_occlusions_and_motion_boundaries_are_masked() -> None:
    # A square moves 6 px to the right over a ground at rest: the frame's ground beside it was hidden before.
    flow, opposite = torch.zeros(1, 2, 64, 64), torch.zeros(1, 2, 64, 64)
    flow[:, 0, 20:40, 26:46] = -6  # to the frame before
    opposite[:, 0, 20:40, 20:40] = 6
    visible = find_visible(flow, opposite)
    assert visible[..., 24:36, 20:25].max() == 0  # newly seen ground
    assert visible[..., 24:36, 25:27].max() == 0  # the edge of the motion
    assert visible[..., 24:36, 30:42].min() == 1  # the square itself
    assert visible[..., :16, :].min() == 1


def test_without_opencv_the_install_line_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise ImportError(f"No module named {name!r}")

    monkeypatch.setattr(module.importlib, "import_module", missing)
    with pytest.raises(MissingExtraError, match="OpenCV") as caught:
        compute_flow(texture(), texture())
    assert 'pip install "impasto[video]"' in caught.value.hint


def test_what_changes_along_the_motion_does_not_last() -> None:
    before, frame = texture(), texture().clone()
    frame[..., 30:60, 40:80] = torch.tensor([0.9, 0.1, 0.1]).view(3, 1, 1)  # something has come into view
    _, lasting = find_lasting(frame, before)
    assert float(lasting[..., 38:52, 48:72].mean()) < 0.2
    assert float(lasting[..., 75:, :].mean()) > 0.95


def test_values_around_are_those_of_pooling() -> None:
    image, side = texture(23, 31), REACH // 2
    assert torch.equal(combine_around(image, torch.maximum), functional.max_pool2d(image, REACH, 1, side))
    wide = functional.pad(image, (side, side, side, side), mode="replicate")
    assert torch.allclose(mean_around(image), functional.avg_pool2d(wide, REACH, 1), atol=1e-6)
