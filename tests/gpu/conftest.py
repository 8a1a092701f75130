"""The device of the GPU tests, or a skip. IMPASTO_TEST_DEVICE=cpu runs them without a GPU."""

import os
from collections.abc import Iterator

import pytest
import torch

from impasto.system.torch_settings import torch_defaults

NAME = os.environ.get("IMPASTO_TEST_DEVICE", "cuda")


@pytest.fixture(autouse=True)
def device() -> Iterator[torch.device]:
    """The device to be tried, its float32 being float32: torch lets convolutions on CUDA round to ten bits of it."""
    if NAME.startswith("cuda") and not torch.cuda.is_available():
        pytest.skip("no GPU for CUDA here; IMPASTO_TEST_DEVICE=cpu tries these tests on the CPU")
    with torch_defaults():
        yield torch.device("cuda:0" if NAME == "cuda" else NAME)


@pytest.fixture(autouse=True)
def _deterministic() -> None:
    """Not on CUDA, which has no such variant of some operations."""
    torch.use_deterministic_algorithms(False)
    torch.manual_seed(0)
