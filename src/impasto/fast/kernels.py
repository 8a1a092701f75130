"""Kernels of a layer rearranged for a CPU: the same convolution of a padded map, in fewer operations.

Maps are channels-last, so that neighboring pixels of a row are also one pixel with more channels, without a copy.
"""

import torch
from torch import Tensor
from torch.nn import functional

from impasto.fast.network import Layer

COLUMNS = 4
"""Pixels of a row that the last layer computes at once: a CPU computes 16 outputs in the time of 3."""

FOLDS = torch.tensor([[[1, 0, 0], [0, 1, 1]], [[1, 1, 0], [0, 0, 1]]], dtype=torch.float32)
"""What two neighboring pixels count for an even and an odd pixel of the map enlarged, by those of a kernel of 3."""


class Convolution:
    """A layer's convolution of a map that is padded.

    margin: columns to pad at each side. reach: rows to pad above and below. is_mirrored: whether these repeat the
    pixels beside the border in reverse order, rather than the last one, as what is enlarged.
    """

    def __init__(self, layer: Layer, *, is_last: bool = False) -> None:
        kernels = [kernel.detach() for kernel in layer.convolutions.parameters()]
        self._inputs = max(kernels[0].shape[:2]) if kernels[0].shape[1] == 1 else kernels[0].shape[1]
        self._stride, self._is_enlarging = layer.stride, layer.is_enlarging
        self._columns = COLUMNS if is_last else 1
        self.reach = 1 if layer.is_enlarging else layer.reach
        self.margin = COLUMNS if is_last else self.reach
        self.is_mirrored = not layer.is_enlarging
        if layer.is_enlarging:
            kernels = [_pair_kernel(kernels[0], rows) for rows in FOLDS.to(kernels[0].device)]
        elif is_last:
            kernels = [_row_kernel(kernels[0])]
        self._kernels = [kernel.contiguous(memory_format=torch.channels_last) for kernel in kernels]

    def new_rows(self, rows: int, width: int) -> Tensor:
        """Return rows of an input, not filled yet."""
        return self._kernels[0].new_empty(1, rows, width, self._inputs)

    def __call__(self, padded: Tensor) -> Tensor:
        """Return rows of the output, (1, rows, W, C). padded: rows of the input, (1, rows, W, C)."""
        if self._is_enlarging:
            return self._enlarge(padded)
        _, rows, width, _ = padded.shape
        x = padded.view(1, rows, width // self._columns, -1).permute(0, 3, 1, 2)
        for index, kernel in enumerate(self._kernels):
            groups = x.shape[1] if kernel.shape[1] == 1 else 1
            x = functional.conv2d(x, kernel, stride=1 if index else self._stride, groups=groups)
        return _to_rows(x).view(1, x.shape[2], self._columns * x.shape[3], -1)

    def _enlarge(self, padded: Tensor) -> Tensor:
        _, rows, width, _ = padded.shape
        rows, width, doubled = rows - 2, width - 2, self._kernels[0].shape[0]
        enlarged = padded.new_empty(1, rows, 2, width, doubled)
        x = padded.permute(0, 3, 1, 2)
        for odd, kernel in enumerate(self._kernels):
            enlarged[:, :, odd] = _to_rows(functional.conv2d(x[:, :, odd : odd + rows + 1], kernel))
        return enlarged.view(1, 2 * rows, 2 * width, doubled // 2)


def _to_rows(x: Tensor) -> Tensor:
    """Return (B, C, H, W) as (B, H, W, C), contiguous."""
    return x.permute(0, 2, 3, 1).contiguous()


def enlarging_kernel(kernel: Tensor) -> Tensor:
    """Return the kernel, (4 O, I, 2, 2), of 2 x 2 pixels of the map enlarged, each row and column from odd to even.

    kernel: (O, I, 3, 3), of the map enlarged. The outputs are ordered as row, column, output.
    """
    folds = FOLDS.flip(0).to(kernel.device)
    return torch.einsum("oihw,pah,qbw->pqoiab", kernel, folds, folds).flatten(0, 2)


def joint_kernel(kernel: Tensor) -> Tensor:
    """Return the kernel, (4 O, I, k + 1, k + 1), of 2 x 2 pixels at once, for a stride of 2. kernel: (O, I, k, k)."""
    outputs, inputs, side, _ = kernel.shape
    wide = kernel.new_zeros(2, 2, outputs, inputs, side + 1, side + 1)
    for row in range(2):
        for column in range(2):
            wide[row, column, ..., row : row + side, column : column + side] = kernel
    return wide.flatten(0, 2)


def _pair_kernel(kernel: Tensor, rows: Tensor) -> Tensor:
    """Return the kernel, (2 O, I, 2, 3), of two pixels of a row of the map enlarged. rows: of FOLDS."""
    even, odd = FOLDS.to(kernel.device)
    columns = torch.stack([functional.pad(even, (0, 0, 0, 1)), functional.pad(odd, (0, 0, 1, 0))])
    return torch.einsum("oihw,ah,pbw->poiab", kernel, rows, columns).flatten(0, 1)


def _row_kernel(kernel: Tensor) -> Tensor:
    """Return the kernel of COLUMNS pixels of a row, from three times as many columns, COLUMNS of them one pixel."""
    outputs, inputs, side, _ = kernel.shape
    wide = kernel.new_zeros(COLUMNS, outputs, inputs, side, 3 * COLUMNS)
    for column in range(COLUMNS):
        start = column + COLUMNS - side // 2
        wide[column, ..., start : start + side] = kernel
    # (column, output, input, row, block, place in it) -> (column and output, place and input, row, block)
    parted = wide.view(COLUMNS, outputs, inputs, side, 3, COLUMNS).permute(0, 1, 5, 2, 3, 4)
    return parted.reshape(COLUMNS * outputs, COLUMNS * inputs, side, 3)
