"""The painter that the tests of cells and sweeps share."""

from collections.abc import Callable

import pytest
from recording_painter import Painter
from torch import Tensor


@pytest.fixture
def painter(picture: Callable[..., Tensor]) -> Painter:
    return Painter([picture(32, 24, 1), picture(32, 32, 2)])
