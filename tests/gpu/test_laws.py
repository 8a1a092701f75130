"""On a GPU: the gradient of the CPU, the same in tiles, a picture as good, and no run lost for want of memory."""

import pytest
import torch
from gpu_laws import LAWS, Law


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.name)
def test_a_law_holds(law: Law, device: torch.device) -> None:
    off_by = law.measure(device, "oxford")
    if off_by is None:
        pytest.skip("needs two GPUs, or bfloat16, and this device has not")
    assert off_by <= law.tolerance
