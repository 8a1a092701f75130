"""Paint a photograph by Neural Neighbor Style Transfer, the baseline that is optimized: NNST-Opt.

    python benchmarks/blind/nnst.py CONTENT STYLE OUTPUT [--size 384]

Kolkin et al. 2022, "Neural Neighbor Style Transfer" (arXiv 2203.13215), with the settings of its published program:
four scales, each twice as large as the one before; at each, 200 updates of a Laplacian pyramid by Adam towards the
nearest style vectors of the photograph; 200 more at full size with every layer matched alone; then the photograph's
chroma with the painting's mean and covariance. No line is the authors'. What differs:

- VGG-19 instead of VGG-16, its layers of the same names, borders repeated instead of zero, in bfloat16 where that is
  fast; matches are ranked in bfloat16.
- The long edge is 384 px here, 512 there: the scales are 48, 96, 192, 384 px, and the same bands are left out at first.
- The last updates use at most 48 positions a side of each layer, 64 there: the same strides at each size. There, a
  layer of exactly 64 positions reuses another's values, which reads as a slip.
- Oklab is computed from linear light; there, from gamma-coded values. A painting without chroma has no case of its own.
"""

import argparse
import time
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional

from impasto.features.encoder import build_encoder
from impasto.features.vgg import Vgg
from impasto.images.color.oklab import from_oklab, to_oklab
from impasto.images.color.palette import match_moments
from impasto.images.io import read_image, write_image
from impasto.images.resize import resize_long_edge
from impasto.optimize.precision import has_fast_bfloat16
from impasto.recipe.recipe import Recipe
from impasto.system.process import settle_process

LAYERS = (
    *("conv1_1", "conv1_2", "conv2_1", "conv2_2"),
    *("conv3_1", "conv3_2", "conv3_3", "conv4_1", "conv4_2", "conv4_3"),
)
LEVELS, SCALES = 8, 4
"""Bands of the pyramid above its smallest picture; how many sizes are painted."""
STEPS, LEARNING_RATE = 200, 2e-3
ALPHA = 0.75
"""Share of the photograph in the picture that is matched, from the second scale on; in the first it is all of it."""
POSITIONS = 48
"""Largest number of positions a side of each layer in the last updates."""


def resize(image: Tensor, size: Sequence[int]) -> Tensor:
    return functional.interpolate(image, size=tuple(size), mode="bilinear", align_corners=False)


def split_bands(image: Tensor, count: int) -> list[Tensor]:
    """Return the Laplacian pyramid of a picture: `count` bands, fine to coarse, and the small picture that is left."""
    bands = []
    for _ in range(count):
        smaller = resize(image, [max(1, side // 2) for side in image.shape[-2:]])
        bands.append(image - resize(smaller, image.shape[-2:]))
        image = smaller
    return [*bands, image]


def join_bands(bands: Sequence[Tensor]) -> Tensor:
    """Return the picture of a Laplacian pyramid, or of its coarser part."""
    image = bands[-1]
    for band in reversed(bands[:-1]):
        image = resize(image, band.shape[-2:]) + band
    return image


def rotate(image: Tensor) -> list[Tensor]:
    """Return the picture turned by 0, 90, 180 and 270 degrees."""
    return [torch.rot90(image, turns, (2, 3)) for turns in range(4)]


def to_rows(features: Tensor) -> Tensor:
    """Return the vectors of all places, (h w, C), of (1, C, h, w)."""
    return features[0].flatten(1).T


def center(rows: Tensor) -> Tensor:
    """Return unit vectors of rows less their mean, whose products are the centered cosines."""
    return functional.normalize(rows - rows.mean(0), dim=1)


def hypercolumns(encoder: Vgg, image: Tensor) -> Tensor:
    """Return all layers at each place of a grid a quarter as fine as the pixels, each divided by its channels."""
    grid = [max(1, side // 4) for side in image.shape[-2:]]
    layers = encoder(image, LAYERS).values()
    return torch.cat([to_rows(resize(layer, grid)) / layer.shape[1] for layer in layers], dim=1)


def find_nearest(rows: Tensor, vectors: Tensor) -> Tensor:
    """Return the index of the vector of the largest product for each row, in parts, from products in bfloat16."""
    lower = vectors.to(torch.bfloat16)
    # As argmax, ties too, in a quarter of its time.
    return torch.cat([(part @ lower.T).max(1).indices for part in rows.to(torch.bfloat16).split(2048)])


def match_columns(encoder: Vgg, query: Tensor, style: Tensor) -> Tensor:
    """Return for each place of a picture the style's hypercolumn of the largest centered cosine, as a unit vector."""
    vectors = torch.cat([hypercolumns(encoder, turned) for turned in rotate(style)])
    found = vectors[find_nearest(center(hypercolumns(encoder, query)), center(vectors))]
    return functional.normalize(found, dim=1)


def thin_rows(features: Tensor, stride: int, offset: Sequence[int]) -> Tensor:
    return to_rows(features[:, :, offset[0] :: stride, offset[1] :: stride])


def layer_distance(features: Tensor, styles: Sequence[Tensor], generator: torch.Generator) -> Tensor:
    """Return the mean of 1 - centered cosine between a layer's places and their nearest style vectors of now.

    features: (1, C, h, w); styles: such maps of the turned painting. Both are taken at the same stride, from a random
    place on. The mean of the picture's places is part of the gradient, as there.
    """
    stride = -(-max(features.shape[-2:]) // POSITIONS)
    offset = torch.randint(stride, (2,), generator=generator).tolist()
    own = center(thin_rows(features, stride, offset))
    vectors = center(torch.cat([thin_rows(style, stride, offset) for style in styles]))
    return 1 - (own * vectors[find_nearest(own.detach(), vectors)]).sum(1).mean()


class Painter:
    """Paints one photograph: the network, both pictures at full size, and how many updates each of five passes has."""

    def __init__(self, encoder: Vgg, content: Tensor, style: Tensor, steps: int = STEPS, alpha: float = ALPHA) -> None:
        self.encoder, self.steps, self.alpha = encoder, steps, alpha
        self.content, self.style = split_bands(content, LEVELS), split_bands(style, LEVELS)
        self.generator = torch.Generator().manual_seed(0)

    def paint(self) -> Tensor:
        """Return the picture before its colors are corrected, (1, 3, H, W), not clamped."""
        bands = [torch.zeros_like(band) for band in self.content[: SCALES - 1]] + self.content[SCALES - 1 :]
        for scale in reversed(range(SCALES)):
            content, style = join_bands(self.content[scale:]), join_bands(self.style[scale:])
            with torch.no_grad():
                # The picture so far, with the photograph's finest band where it has none yet.
                mixed = join_bands([self.content[scale], *bands[scale + 1 :]])
                share = 1.0 if scale == SCALES - 1 else self.alpha
                targets = match_columns(self.encoder, share * content + (1 - share) * mixed, style)
            bands[scale:] = self._descend(bands[scale:], targets, None)
        with torch.no_grad():
            turned = [self.encoder(image, LAYERS) for image in rotate(style)]
        return join_bands(self._descend(bands, None, {layer: [each[layer] for each in turned] for layer in LAYERS}))

    def _descend(
        self, bands: list[Tensor], targets: Tensor | None, styles: dict[str, list[Tensor]] | None
    ) -> list[Tensor]:
        """Return the bands after the updates of one pass: towards fixed hypercolumns, or each layer's nearest ones."""
        start, bands = time.perf_counter(), [band.clone().requires_grad_() for band in bands]
        optimizer, loss = torch.optim.Adam(bands, lr=LEARNING_RATE), torch.zeros(())
        for _ in range(self.steps):
            optimizer.zero_grad()
            image = join_bands(bands)
            if targets is not None:
                columns = hypercolumns(self.encoder, image)
                loss = 1 - ((columns * targets).sum(1) / columns.norm(dim=1)).mean()
            if styles is not None:
                found = self.encoder(image, LAYERS)
                loss = torch.stack([layer_distance(found[name], styles[name], self.generator) for name in LAYERS]).sum()
            loss.backward()
            optimizer.step()
        image = join_bands(bands).detach()
        print(f"{max(image.shape)} px: loss {loss.item():.4f}, {time.perf_counter() - start:.0f} s", flush=True)
        return split_bands(image, len(bands) - 1)


def neighborhoods(image: Tensor) -> Tensor:
    """Return the 3x3 pixels around each, (C, 9, H, W), of (1, C, H, W)."""
    padded = functional.pad(image, (1, 1, 1, 1), "replicate")
    return functional.unfold(padded, 3).view(image.shape[1], 9, *image.shape[-2:])


def correct_colors(picture: Tensor, content: Tensor, style: Tensor) -> Tensor:
    """Return the picture's lightness with the photograph's chroma, moved to the painting's mean and covariance.

    The chroma passes five times through a bilateral filter of 3x3 pixels that the lightness guides, weights
    exp(-10 |dL|); all is clamped to the painting's range. Three pictures (1, 3, H, W); returns [0, 1], sRGB.
    """
    wanted = to_oklab(style)
    low, high = wanted.amin((2, 3), keepdim=True), wanted.amax((2, 3), keepdim=True)
    lightness = to_oklab(picture.clamp(0, 1))[:, :1].clamp(low[:, :1], high[:, :1])
    chroma = match_moments(to_oklab(content)[:, 1:], wanted[:, 1:], "pca")
    weights = torch.exp(-10 * (neighborhoods(lightness) - lightness[0]).abs())
    for _ in range(5):
        chroma = ((weights * neighborhoods(chroma)).sum(1) / weights.sum(1))[None]
    return from_oklab(torch.cat([lightness, chroma], dim=1).clamp(low, high))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("content", "style", "output"):
        parser.add_argument(name, type=Path)
    parser.add_argument("--size", type=int, default=384, help="long edge; the short one at least 64")
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--alpha", type=float, default=ALPHA)
    parser.add_argument("--raw", type=Path, help="write the picture before its colors are corrected too")
    given = parser.parse_args()
    settle_process()
    content, style = (resize_long_edge(read_image(path), given.size) for path in (given.content, given.style))
    encoder, _ = build_encoder(Recipe(content_layers=LAYERS[-1:], style_layers=LAYERS, rescaled_network=False))
    if has_fast_bfloat16(torch.device("cpu")):
        encoder = encoder.to_bfloat16()
    picture = Painter(encoder, content, style, given.steps, given.alpha).paint()
    if given.raw is not None:
        write_image(picture.clamp(0, 1), given.raw)
    write_image(correct_colors(picture, content, style), given.output)


if __name__ == "__main__":
    main()
