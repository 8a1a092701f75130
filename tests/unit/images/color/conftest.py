"""Pictures that color transport has little to go by."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from impasto.images.color.oklab import to_grey


def plain(*channels: float, height: int = 24, width: int = 48) -> Tensor:
    """Return an image of one color, (1, 3, H, W) in [0, 1]."""
    return torch.tensor(channels).view(1, 3, 1, 1).expand(1, 3, height, width).float()


@pytest.fixture(
    params=[
        *((poor, "waves") for poor in ("grey", "one color", "black", "white", "one pixel")),
        *(("waves", poor) for poor in ("grey", "one color", "black", "two colors", "one pixel")),
        *(("one color", "two colors"), ("grey", "grey"), ("one pixel", "black"), ("black", "white")),
    ],
    ids="-".join,
)
def poor_pair(request: pytest.FixtureRequest, picture: Callable[..., Tensor]) -> tuple[Tensor, Tensor, Tensor]:
    """A photograph, noise of 1.5 levels for it, and a painting; one of the pictures, or both, poor in colors."""
    wide = {"height": 96, "width": 192}
    kinds = {
        "waves": picture(seed=3),
        "grey": to_grey(picture(seed=4)),
        "one color": plain(0.8, 0.3, 0.1, **wide),
        "black": plain(0, 0, 0, **wide),
        "white": plain(1, 1, 1, **wide),
        "one pixel": picture(1, 1, 5),
        "two colors": torch.cat([plain(0.9, 0.85, 0.7), plain(0.1, 0.1, 0.3)], dim=3),
    }
    clean, painting = (kinds[kind] for kind in request.param)
    noise = 1.5 / 255 * torch.randn(clean.shape, generator=torch.Generator().manual_seed(0))
    return clean, noise, painting
