"""Images carried along a flow, and where the flow stays inside the picture."""

from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional


def warp(image: Tensor, flow: Tensor, interpolation: Literal["bilinear", "bicubic"] = "bilinear") -> Tensor:
    """Return the image of frame t-1 on the grid of frame t: at each pixel p, the image at p + flow(p).

    image: (B, C, H, W). flow: (B, 2, H, W), pixels, (dx, dy); maps frame t to t-1. Returns the image's shape and dtype;
    outside the picture its border is repeated. Differentiable by both. interpolation: "bicubic" keeps the detail of a
    picture that is carried along many times, and overshoots at edges.
    """
    where = _places(flow)
    size = where.new_tensor([image.shape[-1], image.shape[-2]])
    # grid_sample counts from -1 to 1, from edge to edge of the picture.
    grid = (2 * where + 1) / size - 1
    grid = grid.to(image.dtype)
    return functional.grid_sample(image, grid, mode=interpolation, padding_mode="border", align_corners=False)


def inside(flow: Tensor) -> Tensor:
    """Return 1 where a flow, as of `warp`, points inside the picture, else 0: (B, 1, H, W), the flow's dtype."""
    where = _places(flow)
    # The outermost pixels end half a pixel beyond their middle.
    end = where.new_tensor([flow.shape[-1] - 0.5, flow.shape[-2] - 0.5])
    return ((where >= -0.5) & (where <= end)).all(-1)[:, None].to(flow.dtype)


def _places(flow: Tensor) -> Tensor:
    """Return where each pixel comes from, (B, H, W, 2), in pixels, (x, y)."""
    rows, columns = torch.meshgrid(
        *(torch.arange(side, dtype=flow.dtype, device=flow.device) for side in flow.shape[-2:]), indexing="ij"
    )
    return torch.stack([columns, rows], -1) + flow.permute(0, 2, 3, 1)
