"""Copies of inputs in the run's folder: of masks and of what was no file, exactly as they were read."""

import json
import math
from pathlib import Path
from typing import Any

import safetensors.torch
import torch

from impasto.errors import RunError
from impasto.images.carried import Carried, Depth
from impasto.images.picture import Picture


def store_picture(path: Path, picture: Picture) -> None:
    """Write a picture exactly as it was read."""
    image, carried = picture.image.detach().to("cpu"), picture.carried
    lasts = not image.is_contiguous() and image.is_contiguous(memory_format=torch.channels_last)
    tensors = {"image": image.contiguous()}
    for name, part in (("alpha", carried.alpha), ("color", carried.color)):
        if part is not None:
            tensors[name] = part.contiguous()
    for name, data in (("profile", carried.profile), ("exif", carried.exif)):
        if data:
            tensors[name] = torch.frombuffer(bytearray(data), dtype=torch.uint8)
    notes = {"depth": str(carried.depth), "keepable": str(carried.keepable), "channels_last": str(lasts)}
    if carried.dpi is not None:
        notes["dpi"] = json.dumps(carried.dpi)
    path.write_bytes(safetensors.torch.save(tensors, metadata=notes))


def load_picture(file: Path, **facts: Any) -> Picture:
    """Read the picture that `store_picture` wrote. facts: the other fields of the `Picture`. Raises RunError."""
    try:
        with safetensors.safe_open(str(file), framework="pt") as stored:
            tensors, notes = {name: stored.get_tensor(name) for name in stored.keys()}, stored.metadata()  # noqa: SIM118
        data: dict[str, Any] = {}
        for name in ("profile", "exif"):
            data[name] = bytes(tensors[name].numpy()) if name in tensors else None
        depth: Depth = 16 if notes["depth"] == "16" else 8
        parts = {name: tensors.get(name) for name in ("alpha", "color")}
        dpi: Any = tuple(json.loads(notes["dpi"])) if "dpi" in notes else None
        carried = Carried(**parts, **data, depth=depth, keepable=notes["keepable"] == "True", dpi=dpi)
        layout = torch.channels_last if notes["channels_last"] == "True" else torch.contiguous_format
        image = tensors["image"].contiguous(memory_format=layout)
    except Exception as error:
        raise RunError(
            f"the picture stored in {str(file)!r} cannot be read ({error}); expected it as it was written.",
            "Paint the picture anew.",
        ) from error
    if image.ndim != 4 or not math.isfinite(float(image.sum())):
        raise RunError(f"the picture stored in {str(file)!r} is damaged.", "Paint the picture anew.")
    return Picture(image=image, carried=carried, **facts)
