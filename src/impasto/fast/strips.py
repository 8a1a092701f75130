"""A network run on a picture of any size, in strips of rows, with the means and deviations of the whole picture."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from impasto.fast.kernels import Convolution
from impasto.fast.network import MULTIPLE, PHOTOGRAPH, Layer, Network, channel_moments, match_tones, pad, to_input
from impasto.features.guides import resize_guide
from impasto.tiles.spill import Spill

STRIP = {"cpu": 2**19}
"""Numbers of a feature map in a strip by device: few enough for the cache of a CPU; elsewhere LARGE_STRIP."""

LARGE_STRIP = 2**25

LEAST_ROWS = 16
"""Rows of a strip at least, beside which those that it shares with its neighbors are few."""

PICTURE = 24
"""Numbers of a pixel beside the maps: the photograph, the picture, and copies of it while its colors are finished."""

Fill = Callable[[Tensor, int], None]
"""Writes rows of a map, from this one on, into a tensor, (1, rows, W, C)."""


class StripPainter:
    """A network that paints in strips of rows. network: on its device; its numbers are not changed any more."""

    def __init__(self, network: Network) -> None:
        self.network = network
        last = network.layers[-1]
        self._convolutions = {layer: Convolution(layer, is_last=layer is last) for layer in network.layers}

    @torch.inference_mode()
    def paint(self, image: Tensor, shares: Tensor, *, strip: int | None = None, on_disk: bool = False) -> Tensor:
        """Return what the network paints, (1, 3, H, W) in [0, 1]: `network(image, shares)` but for rounding.

        image: (1, 3, H, W) in [0, 1], sRGB, on the network's device. shares: (1, rows, 1, 1), or by place,
        (1, rows, H, W), on that device too. strip: numbers of a map in a strip. on_disk: whether the maps wait in a
        temporary file.

        Each convolution is finished for the whole picture before the next begins, so that its normalization has the
        moments of all strips; nothing is computed twice but a few rows between strips. Raises DiskError.
        """
        if strip is None:
            strip = STRIP.get(image.device.type, LARGE_STRIP)
        painted = _Pass(self.network, self._convolutions, pad(image), shares, strip, on_disk).paint()
        return painted[..., : image.shape[-2], : image.shape[-1]]


def count_bytes(network: Network, size: tuple[int, int]) -> int:
    """Return the memory that painting a picture of (height, width) takes, its maps kept there."""
    # The first map and the second, of half the size and twice the channels; the picture some times.
    return 4 * size[0] * size[1] * (network.architecture.width * 3 // 2 + PICTURE)


class _Map:
    """A feature map in strips of rows, (1, rows, W, C), and the moments of its channels."""

    def __init__(self, rows: int, on_disk: bool, device: torch.device) -> None:
        self.rows, self.moments, self._device = rows, _Moments(), device
        self._strips: dict[int, Tensor] = {}
        self._spill = Spill() if on_disk else None

    def put(self, first: int, strip: Tensor) -> None:
        """Store the strip that begins with row `first`, a multiple of `rows`."""
        if self._spill is None:
            self._strips[first] = strip
        else:
            self._spill.put(first, strip)

    def parts(self, first: int, count: int) -> Iterator[tuple[slice, Tensor]]:
        """Yield the strips that hold these rows, cut to them, each with its place among them."""
        for start in range(first - first % self.rows, first + count, self.rows):
            strip = self._strips[start] if self._spill is None else self._spill.get(start, self._device)
            part = strip[:, max(0, first - start) : first + count - start]
            place = max(0, start - first)
            yield slice(place, place + part.shape[1]), part


@dataclass(slots=True)
class _Moments:
    """Count, sum and sum of squares of each channel, in float64 over the strips."""

    count: int = 0
    sum: Tensor | float = 0.0
    squares: Tensor | float = 0.0

    def add(self, strip: Tensor) -> None:
        """Add the places of a strip, (1, rows, W, C)."""
        self.count += strip.shape[1] * strip.shape[2]
        self.sum = self.sum + strip.sum((1, 2)).double()
        self.squares = self.squares + strip.square().sum((1, 2)).double()

    def result(self) -> tuple[Tensor, Tensor]:
        """Return mean and variance, each (1, C, 1, 1)."""
        assert isinstance(self.sum, Tensor) and isinstance(self.squares, Tensor)
        mean = self.sum / self.count
        variance = (self.squares / self.count - mean.square()).clamp_min(0)
        return mean.float()[..., None, None], variance.float()[..., None, None]


class _Pass:
    """One picture on its way through the network. image: its sides are multiples of MULTIPLE."""

    def __init__(
        self,
        network: Network,
        convolutions: Mapping[Layer, Convolution],
        image: Tensor,
        shares: Tensor,
        strip: int,
        on_disk: bool,
    ) -> None:
        self.network, self.convolutions = network, convolutions
        self.image, self.strip, self.on_disk = image, strip, on_disk
        self.shares = shares if shares.shape[-2:] == (1, 1) else pad(shares)

    def paint(self) -> Tensor:
        """Return the picture."""
        encoder, blocks, decoder = self.network.parts()
        full = (self.image.shape[-2], self.image.shape[-1])
        fill: Fill = self._input
        size = full
        for layer in encoder:
            fill, size = self._run(layer, fill, size)
            fill = _relu(fill)
        for first, second in blocks:
            x = self._store(fill, size, second.scales.shape[1])
            changed, _ = self._run(first, _read(x), size)
            change, _ = self._run(second, _relu(changed), size)
            fill = _sum(_read(x), change)
        for layer in decoder[:-1]:
            fill, size = self._run(layer, fill, size)
            fill = _relu(fill)
        return self._finish(_sigmoid(self._run(decoder[-1], fill, size)[0]))

    def _input(self, rows: Tensor, first: int) -> None:
        rows.copy_(to_input(self.image[:, :, first : first + rows.shape[1]].permute(0, 2, 3, 1)))

    def _run(self, layer: Layer, fill: Fill, size: tuple[int, int]) -> tuple[Fill, tuple[int, int]]:
        """Convolve the whole map; return what fills in its rows, normalized, and its (height, width).

        fill, size: of the input.
        """
        convolution = self.convolutions[layer]
        out = (2 * size[0], 2 * size[1]) if layer.is_enlarging else (size[0] // layer.stride, size[1] // layer.stride)
        made = self._new_map(out, layer.scales.shape[1])
        for first in range(0, out[0], made.rows):
            count = min(made.rows, out[0] - first)
            top, rows = first * size[0] // out[0], count * size[0] // out[0]
            strip = convolution(_padded(convolution, fill, size, top, rows))
            made.moments.add(strip)
            made.put(first, strip)
        shares = self.shares if self.shares.shape[-2:] == (1, 1) else resize_guide(self.shares, out)
        mean, scale, shift = layer.affine(made.moments.result(), shares)
        scale, shift = (values.permute(0, 2, 3, 1) for values in (scale, shift - mean * scale))

        def normalized(rows: Tensor, first: int) -> None:
            for place, part in made.parts(first, rows.shape[1]):
                here = slice(first + place.start, first + place.stop)
                local = [values if values.shape[1] == 1 else values[:, here] for values in (scale, shift)]
                torch.addcmul(local[1], part, local[0], out=rows[:, place])

        return normalized, out

    def _store(self, fill: Fill, size: tuple[int, int], channels: int) -> _Map:
        """Compute a map of (height, width), strip by strip."""
        made = self._new_map(size, channels)
        for first in range(0, size[0], made.rows):
            strip = self.image.new_empty(1, min(made.rows, size[0] - first), size[1], channels)
            fill(strip, first)
            made.put(first, strip)
        return made

    def _new_map(self, size: tuple[int, int], channels: int) -> _Map:
        rows = max(LEAST_ROWS, self.strip // (size[1] * channels) // MULTIPLE * MULTIPLE)
        return _Map(rows, self.on_disk, self.image.device)

    def _finish(self, fill: Fill) -> Tensor:
        """Return the picture in its tones."""
        _, _, height, width = self.image.shape
        painted = self.image.new_empty(1, height, width, 3)
        rows = self._new_map((height, width), 3).rows
        moments = _Moments()
        for first in range(0, height, rows):
            strip = painted[:, first : first + rows]
            fill(strip, first)
            moments.add(strip)
        picture = painted.permute(0, 3, 1, 2)
        if not bool(self.shares[:, PHOTOGRAPH].any()):
            return picture
        return match_tones(picture, moments.result(), channel_moments(self.image), self.shares)


def _padded(convolution: Convolution, fill: Fill, size: tuple[int, int], first: int, count: int) -> Tensor:
    """Return rows of a map, with those that the convolution needs around them. size: (height, width) of the map."""
    (height, width), reach, margin = size, convolution.reach, convolution.margin
    above, below = max(0, reach - first), max(0, first + count + reach - height)
    padded = convolution.new_rows(count + 2 * reach, width + 2 * margin)
    fill(padded[:, above : count + 2 * reach - below, margin : margin + width], first - reach + above)
    if unread := margin - reach:
        padded[:, :, :unread] = padded[:, :, -unread:] = 0
    read = padded[:, :, unread : unread + width + 2 * reach]
    is_mirrored = convolution.is_mirrored and min(size) > reach
    _fill_border(read, above, below, is_mirrored)
    _fill_border(read.transpose(1, 2), reach, reach, is_mirrored)
    return padded


def _fill_border(padded: Tensor, before: int, after: int, is_mirrored: bool) -> None:
    """Fill the first and the last rows: with those beside them in reverse order, or with the nearest one."""
    last = padded.shape[1] - after
    if before:
        padded[:, :before] = padded[:, before + 1 : 2 * before + 1].flip(1) if is_mirrored else padded[:, before, None]
    if after:
        inner = padded[:, last - after - 1 : last - 1].flip(1) if is_mirrored else padded[:, last - 1, None]
        padded[:, last:] = inner


def _read(stored: _Map) -> Fill:
    def read(rows: Tensor, first: int) -> None:
        for place, part in stored.parts(first, rows.shape[1]):
            rows[:, place] = part

    return read


def _relu(fill: Fill) -> Fill:
    def rectified(rows: Tensor, first: int) -> None:
        fill(rows, first)
        rows.relu_()

    return rectified


def _sigmoid(fill: Fill) -> Fill:
    def bounded(rows: Tensor, first: int) -> None:
        fill(rows, first)
        rows.sigmoid_()

    return bounded


def _sum(fill: Fill, other: Fill) -> Fill:
    def added(rows: Tensor, first: int) -> None:
        fill(rows, first)
        addend = torch.empty_like(rows)
        other(addend, first)
        rows.add_(addend)

    return added
