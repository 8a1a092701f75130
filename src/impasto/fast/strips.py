"""A network run on a picture of any size, in strips of rows, with the means and deviations of the whole picture."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from impasto.fast.network import Layer, Network, channel_moments, enlarge, level_sizes, match_tones, to_input
from impasto.features.guides import resize_guide
from impasto.tiles.spill import Spill

STRIP = 2**21
"""Numbers of a feature map in a strip: few enough for the cache of a CPU."""

LEAST_ROWS = 8
"""Rows of a strip at least, beside which those that it shares with its neighbors are few."""

PICTURE = 16
"""Numbers of a pixel beside the maps: the photograph, the picture, and copies of it while its colors are finished."""

Rows = Callable[[int, int], Tensor]
"""Rows of a map, (1, C, rows, W), from the first to the last (exclusive)."""


@torch.inference_mode()
def paint_in_strips(
    network: Network, image: Tensor, shares: Tensor, *, strip: int = STRIP, on_disk: bool = False
) -> Tensor:
    """Return what the network paints, (1, 3, H, W) in [0, 1]; the same as `network(image, shares)` but for rounding.

    image: (1, 3, H, W) in [0, 1], sRGB, on the network's device. shares: (1, rows, 1, 1), or by place, (1, rows, h, w),
    on that device too. strip: numbers of a map in a strip. on_disk: whether the maps wait in a temporary file.

    Each convolution is finished for the whole picture before the next begins, so that its normalization has the
    moments of all strips; nothing is computed twice but a few rows between strips. Raises DiskError.
    """
    return _Pass(network, image, shares, strip, on_disk).paint()


def count_bytes(network: Network, size: tuple[int, int]) -> int:
    """Return the memory that painting a picture of (height, width) takes, its maps kept there."""
    # The first map and the second, of half the size and twice the channels; the picture some times.
    return 4 * size[0] * size[1] * (network.architecture.width * 3 // 2 + PICTURE)


class _Map:
    """A feature map, (1, C, H, W), stored in strips of rows, and the moments of its channels."""

    def __init__(self, rows: int, on_disk: bool, device: torch.device) -> None:
        self.rows, self.moments, self._device = rows, _Moments(), device
        self._strips: dict[int, Tensor] = {}
        self._spill = Spill() if on_disk else None

    def put(self, first: int, strip: Tensor) -> None:
        """Store the strip that begins with row `first`, a multiple of `rows`."""
        self.moments.add(strip)
        if self._spill is None:
            self._strips[first] = strip
        else:
            self._spill.put(first, strip)

    def read(self, first: int, last: int) -> Tensor:
        parts = []
        for start in range(first - first % self.rows, last, self.rows):
            strip = self._strips[start] if self._spill is None else self._spill.get(start, self._device)
            parts.append(strip[:, :, max(0, first - start) : last - start])
        return parts[0] if len(parts) == 1 else torch.cat(parts, dim=2)


@dataclass(slots=True)
class _Moments:
    """Count, mean and sum of squared deviations of each channel, in float64, so that the strips' size does not show."""

    count: int = 0
    mean: Tensor | float = 0.0
    squares: Tensor | float = 0.0

    def add(self, strip: Tensor) -> None:
        """Add the places of a strip: Chan et al. 1979, "Updating formulae", eq. 2.1."""
        mean, variance = channel_moments(strip)
        count = strip.shape[2] * strip.shape[3]
        apart, total = mean.double() - self.mean, self.count + count
        self.squares = self.squares + variance.double() * count + apart.square() * (self.count * count / total)
        self.mean = self.mean + apart * (count / total)
        self.count = total

    def result(self) -> tuple[Tensor, Tensor]:
        """Return mean and variance, each (1, C, 1, 1)."""
        assert isinstance(self.mean, Tensor) and isinstance(self.squares, Tensor)
        return self.mean.float(), (self.squares / self.count).float()


class _Pass:
    """One picture on its way through the network."""

    def __init__(self, network: Network, image: Tensor, shares: Tensor, strip: int, on_disk: bool) -> None:
        self.network, self.image, self.strip, self.on_disk = network, image, strip, on_disk
        self.sizes = level_sizes((image.shape[-2], image.shape[-1]))
        by_place = shares.shape[-2:] != (1, 1)
        self.shares = {size: resize_guide(shares, size) if by_place else shares for size in self.sizes}

    def paint(self) -> Tensor:
        """Return the picture."""
        (encoder, blocks, decoder), (full, half, quarter) = self.network.parts(), self.sizes
        rows: Rows = self._input
        for layer, size in zip(encoder, (full, full, half), strict=True):
            rows = _relu(self._run(layer, rows, size))
        channels = 4 * self.network.architecture.width
        rows = self._store(rows, quarter, channels).read
        for first, second in blocks:
            change = self._run(second, _relu(self._run(first, rows, quarter)), quarter)
            rows = self._store(_sum(rows, change), quarter, channels).read
        for layer, size in zip(decoder[:-1], (half, full), strict=True):
            rows = _relu(self._run(layer, rows, size))
        painted = self._run(decoder[-1], rows, full)
        return self._finish(lambda first, last: painted(first, last).sigmoid_())

    def _input(self, first: int, last: int) -> Tensor:
        return to_input(self.image[:, :, first:last])

    def _run(self, layer: Layer, rows: Rows, size: tuple[int, int]) -> Rows:
        """Convolve the whole map, and return its rows, normalized. size: of the input, enlarged."""
        source = _enlarged(rows, size) if layer.is_enlarging else rows
        out = (-(-size[0] // layer.stride), -(-size[1] // layer.stride))

        def convolved(first: int, last: int) -> Tensor:
            top, bottom, above, below = layer.input_rows(size[0], first, last)
            return layer.convolve(source(top, bottom), above, below)

        made = self._store(convolved, out, layer.scales.shape[1])
        moments, shares = made.moments.result(), self.shares[out]

        def normalized(first: int, last: int) -> Tensor:
            here = shares if shares.shape[-2:] == (1, 1) else shares[:, :, first:last]
            return layer.normalize(made.read(first, last), moments, here)

        return normalized

    def _store(self, rows: Rows, size: tuple[int, int], channels: int) -> _Map:
        """Compute a map of (height, width), strip by strip."""
        height, width = size
        made = _Map(max(LEAST_ROWS, self.strip // (width * channels)), self.on_disk, self.image.device)
        for first in range(0, height, made.rows):
            made.put(first, rows(first, min(height, first + made.rows)))
        return made

    def _finish(self, rows: Rows) -> Tensor:
        """Return the picture in its tones."""
        size = self.sizes[0]
        shares, made = self.shares[size], self._store(rows, size, 3)
        own = _Moments()
        for first in range(0, size[0], made.rows):
            own.add(self.image[:, :, first : first + made.rows])
        pastiche = torch.empty_like(self.image)
        for first in range(0, size[0], made.rows):
            last = min(size[0], first + made.rows)
            here = shares if shares.shape[-2:] == (1, 1) else shares[:, :, first:last]
            pastiche[:, :, first:last] = match_tones(
                made.read(first, last), made.moments.result(), own.result(), here
            )
        return pastiche


def _relu(rows: Rows) -> Rows:
    return lambda first, last: rows(first, last).relu_()


def _sum(rows: Rows, others: Rows) -> Rows:
    return lambda first, last: rows(first, last) + others(first, last)


def _enlarged(rows: Rows, size: tuple[int, int]) -> Rows:
    """Return the rows of a map enlarged to (height, width)."""

    def enlarged(first: int, last: int) -> Tensor:
        top = first // 2
        strip = enlarge(rows(top, (last + 1) // 2), (2 * size[0], size[1]))
        return strip[:, :, first - 2 * top : last - 2 * top]

    return enlarged
