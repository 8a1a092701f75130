"""Devices by name, and what they report."""

import sys
from types import SimpleNamespace

import pytest
import torch

from impasto.errors import DeviceError
from impasto.system import device
from impasto.system.device import (
    available_devices,
    name_devices,
    peak_bytes,
    resolve_device,
    resolve_devices,
    share_devices,
)

CPU = torch.device("cpu")


def test_cpu_is_always_there_and_auto_is_the_first() -> None:
    assert available_devices()[-1] == "cpu"
    assert str(resolve_device("auto")) == available_devices()[0]


def test_missing_device_is_named_with_those_there_are() -> None:
    with pytest.raises(DeviceError, match=r"device 'cuda:77' .* cpu"):
        resolve_device("cuda:77")


@pytest.fixture
def three_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device, "available_devices", lambda: ("cuda:0", "cuda:1", "cuda:2", "cpu"))


@pytest.mark.usefixtures("three_gpus")
@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("auto", "cuda:0,cuda:1,cuda:2"),
        ("cuda", "cuda:0,cuda:1,cuda:2"),
        ("cuda:1", "cuda:1"),
        ("cuda:2, cuda:0", "cuda:2,cuda:0"),
        ("cpu", "cpu"),
    ],
)
def test_devices_by_text(text: str, named: str) -> None:
    assert name_devices(resolve_devices(text)) == named
    assert resolve_devices(named) == resolve_devices(text)


@pytest.mark.usefixtures("three_gpus")
@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("cuda:0,cuda:0", "'cuda:0,cuda:0' names a GPU more than once; expected"),
        ("cuda:0,cpu", "'cuda:0,cpu' lists more than GPUs by number; expected"),
        ("cuda,cuda:1", "'cuda,cuda:1' lists more than GPUs"),
        ("cpu,cpu", "'cpu,cpu' lists more than GPUs"),
        ("cuda:0,", "'cuda:0,' lists more than GPUs"),
        ("cuda:0,cuda:3", "'cuda:3' is not on this machine; expected auto or one of cuda:0, cuda:1"),
    ],
)
def test_lists_that_cannot_share_are_refused(text: str, message: str) -> None:
    with pytest.raises(DeviceError, match=message) as caught:
        resolve_devices(text)
    assert "--device" in caught.value.hint


def test_without_gpus_there_is_one_device(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device, "available_devices", lambda: ("mps", "cpu"))
    assert resolve_devices("auto") == (torch.device("mps"),)
    with pytest.raises(DeviceError, match="device 'cuda' is not on this machine"):
        resolve_devices("cuda")


@pytest.mark.usefixtures("three_gpus")
def test_workers_share_the_gpus_out() -> None:
    assert [share_devices("auto", number, 2) for number in range(2)] == ["cuda:0,cuda:2", "cuda:1"]
    assert [share_devices("auto", number, 4) for number in range(4)] == ["cuda:0", "cuda:1", "cuda:2", "cuda:0"]
    assert share_devices("auto", 0, 1) == "cuda:0,cuda:1,cuda:2"
    assert [share_devices("cpu", number, 2) for number in range(2)] == ["cpu", "cpu"]


def test_peak_is_at_least_what_is_held() -> None:
    held = torch.ones(50_000_000 // 4)
    assert peak_bytes(CPU) > held.numel() * 4


def test_peak_has_each_systems_unit(monkeypatch: pytest.MonkeyPatch) -> None:
    fake = SimpleNamespace(RUSAGE_SELF=0, getrusage=lambda who: SimpleNamespace(ru_maxrss=2**20))
    monkeypatch.setitem(sys.modules, "resource", fake)
    for system, expected in {"linux": 2**30, "darwin": 2**20}.items():
        monkeypatch.setattr(sys, "platform", system)
        assert peak_bytes(CPU) == expected
    monkeypatch.setitem(sys.modules, "resource", None)  # Windows
    assert peak_bytes(CPU) == 0
