"""Inputs that were no files, kept in the run's folder exactly as they were read."""

import math
from pathlib import Path

import safetensors.torch
import torch
from torch import Tensor

from impasto.errors import RunError
from impasto.images.carried import Carried


def write_picture(path: Path, image: Tensor, carried: Carried) -> None:
    """Keeps a picture exactly as it was read. image: (1, 3, H, W) float32."""
    image = image.detach().to("cpu")
    lasts = not image.is_contiguous() and image.is_contiguous(memory_format=torch.channels_last)
    tensors = {"image": image.contiguous()}
    for name, part in (("alpha", carried.alpha), ("color", carried.color)):
        if part is not None:
            tensors[name] = part.contiguous()
    for name, data in (("profile", carried.profile), ("exif", carried.exif)):
        if data:
            tensors[name] = torch.frombuffer(bytearray(data), dtype=torch.uint8)
    notes = {"depth": str(carried.depth), "keepable": str(carried.keepable), "channels_last": str(lasts)}
    path.write_bytes(safetensors.torch.save(tensors, metadata=notes))


def read_picture(path: Path) -> tuple[Tensor, Carried]:
    """The picture that `write_picture` kept. Raises RunError."""
    try:
        with safetensors.safe_open(str(path), framework="pt") as file:
            tensors, notes = {name: file.get_tensor(name) for name in file.keys()}, file.metadata()  # noqa: SIM118
        data = {name: bytes(tensors[name].numpy()) if name in tensors else None for name in ("profile", "exif")}
        keepable, depth = notes["keepable"] == "True", 16 if notes["depth"] == "16" else 8
        layout = torch.channels_last if notes["channels_last"] == "True" else torch.contiguous_format
        image = tensors["image"].contiguous(memory_format=layout)
    except Exception as error:
        raise RunError(
            f"the picture kept in {str(path)!r} cannot be read ({error}); expected it as it was written.",
            "Paint the picture anew.",
        ) from error
    if image.ndim != 4 or not math.isfinite(float(image.sum())):
        raise RunError(f"the picture kept in {str(path)!r} is damaged.", "Paint the picture anew.")
    parts = {name: tensors.get(name) for name in ("alpha", "color")}
    return image, Carried(**parts, depth=depth, keepable=keepable, **data)  # type: ignore[arg-type]
