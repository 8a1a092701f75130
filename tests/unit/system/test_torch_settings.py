"""What a run changes of torch's settings, and restores."""

import pytest
import torch

from impasto.errors import OutOfMemoryError
from impasto.system.torch_settings import running

CPU = torch.device("cpu")


def test_denormals_are_flushed_inside_and_threads_restored_after() -> None:
    denormal = torch.tensor([1e-30]) * 1e-10
    threads = torch.get_num_threads()
    with running(CPU, 1, ""):
        assert torch.backends.cudnn.conv.fp32_precision == "ieee"  # no ten bits on a GPU
        assert torch.get_num_threads() == 1
        assert float(torch.tensor([1e-30]) * 1e-10) == 0.0
    assert torch.get_num_threads() == threads
    assert float(torch.tensor([1e-30]) * 1e-10) == float(denormal) != 0.0


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        torch.OutOfMemoryError("CUDA"),
        RuntimeError("[enforce fail] not enough memory: 9 bytes"),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
    ],
)
def test_out_of_memory_becomes_advice(error: Exception) -> None:
    with pytest.raises(OutOfMemoryError, match="lower --size"), running(CPU, None, "lower --size"):
        raise error


def test_other_errors_pass() -> None:
    with pytest.raises(RuntimeError, match="shapes"), running(CPU, None, ""):
        raise RuntimeError("shapes do not match")
