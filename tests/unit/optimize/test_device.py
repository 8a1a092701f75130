"""Devices and what a run changes and restores."""

import pytest
import torch

from impasto.errors import DeviceError, OutOfMemoryError
from impasto.optimize.device import available_devices, peak_bytes, resolve_device, running

CPU = torch.device("cpu")


def test_cpu_is_always_there_and_auto_is_the_first() -> None:
    assert available_devices()[-1] == "cpu"
    assert str(resolve_device("auto")) == available_devices()[0]


def test_missing_device_is_named_with_those_there_are() -> None:
    with pytest.raises(DeviceError, match=r"device 'cuda:77' .* cpu"):
        resolve_device("cuda:77")


def test_denormals_are_flushed_inside_and_threads_restored_after() -> None:
    denormal = torch.tensor([1e-30]) * 1e-10
    threads = torch.get_num_threads()
    with running(CPU, 1, ""):
        assert torch.get_num_threads() == 1
        assert float(torch.tensor([1e-30]) * 1e-10) == 0.0
    assert torch.get_num_threads() == threads
    assert float(torch.tensor([1e-30]) * 1e-10) == float(denormal) != 0.0


@pytest.mark.parametrize(
    "error", [MemoryError(), torch.OutOfMemoryError("CUDA"), RuntimeError("[enforce fail] not enough memory: 9 bytes")]
)
def test_out_of_memory_becomes_advice(error: Exception) -> None:
    with pytest.raises(OutOfMemoryError, match="lower --size"), running(CPU, None, "lower --size"):
        raise error


def test_other_errors_pass() -> None:
    with pytest.raises(RuntimeError, match="shapes"), running(CPU, None, ""):
        raise RuntimeError("shapes do not match")


def test_peak_is_at_least_what_is_held() -> None:
    held = torch.ones(50_000_000 // 4)
    assert peak_bytes(CPU) > held.numel() * 4
