"""Measure grain: the power of the finest frequencies in plain areas of painted pairs, beside the painting's own.

    python benchmarks/blind/grain.py DATA NAME [NAME ...]

Lightness (L of OKLab), Hann windows of 64 px, half overlapping, power spectrum, mean over circles, then over the
frequencies above 0.35 cycles a pixel; median over windows. Windows of the pastiche are those where the photograph is
plain: its deviation over 32 px below 4 of 255 levels at 90 % of the window. The painting is seen whole, at its style
size. A ratio of 1.3 is the limit; pairs without a plain window say so.
"""

import argparse
import statistics
import sys
from collections.abc import Iterator
from pathlib import Path

import torch
from pairs import PICTURES, read_pairs
from torch import Tensor
from torch.nn import functional

from impasto.images.color.oklab import to_oklab
from impasto.images.io import read_image
from impasto.images.resize import fit_long_edge, resize_image

WINDOW, STEP = 64, 32
FINEST = 0.35
PLAIN = 4 / 255
LIMIT = 1.3


def find_plain(photograph: Tensor) -> Tensor:
    """Return where the photograph's local deviation over 32 px is below 4 levels: (1, 1, H, W), 1 or 0."""
    grey = photograph.mean(1, keepdim=True)
    blur = [functional.avg_pool2d(value, 33, 1, 16, count_include_pad=False) for value in (grey, grey.square())]
    return ((blur[1] - blur[0].square()).clamp_min(0).sqrt() < PLAIN).float()


def cut_windows(image: Tensor) -> Iterator[tuple[int, int, Tensor]]:
    """Yield top, left and the (64, 64) pixels of each window of a (1, 1, H, W) picture."""
    for top in range(0, image.shape[-2] - WINDOW + 1, STEP):
        for left in range(0, image.shape[-1] - WINDOW + 1, STEP):
            yield top, left, image[0, 0, top : top + WINDOW, left : left + WINDOW]


def fine_power(window: Tensor) -> float:
    """Return the mean power of a (64, 64) window above 0.35 cycles a pixel, each circle's mean counted once."""
    hann = torch.hann_window(WINDOW, periodic=False)
    spectrum = torch.fft.fft2((window - window.mean()) * hann[:, None] * hann[None]).abs().square()
    frequencies = torch.fft.fftfreq(WINDOW)
    radius = (frequencies[:, None].square() + frequencies[None].square()).sqrt()
    circles = (radius * WINDOW).round().long()
    sums = torch.zeros(int(circles.max()) + 1).index_add_(0, circles.flatten(), spectrum.flatten())
    means = sums / torch.bincount(circles.flatten()).clamp_min(1)
    return float(means[round(FINEST * WINDOW) + 1 : WINDOW // 2 + 1].mean())


def lightness(image: Tensor) -> Tensor:
    return to_oklab(image)[:, :1]


def measure(pastiche: Tensor, photograph: Tensor, painting: Tensor) -> tuple[float, int] | None:
    """Return the ratio of fine power to the painting's, and how many plain windows there are; None without any.

    All (1, 3, H, W) in [0, 1], sRGB; the photograph is resized to the pastiche, the painting to its long edge.
    """
    height, width = pastiche.shape[-2:]
    plain = find_plain(resize_image(photograph, (height, width)))
    light = lightness(pastiche)
    found = [
        fine_power(window)
        for top, left, window in cut_windows(light)
        if plain[..., top : top + WINDOW, left : left + WINDOW].mean() >= 0.9
    ]
    if not found:
        return None
    fitted = resize_image(painting, fit_long_edge(*painting.shape[-2:], max(height, width)))
    own = [fine_power(window) for _, _, window in cut_windows(lightness(fitted))]
    return statistics.median(found) / statistics.median(own), len(found)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("names", nargs="+")
    given = parser.parse_args()
    over = 0
    for pair in read_pairs(given.data):
        for name in given.names:
            path = PICTURES / name / f"{pair.name}.png"
            path = path if path.exists() else path.with_suffix(".jpg")
            if not path.exists():
                continue
            found = measure(read_image(path), read_image(pair.content), read_image(pair.style))
            over += found is not None and found[0] > LIMIT
            shown = "no plain window" if found is None else f"{found[0]:6.2f} of the painting's, {found[1]} windows"
            print(f"{pair.name:20} {name:16} {shown}")
    sys.exit(over > 0)


if __name__ == "__main__":
    main()
