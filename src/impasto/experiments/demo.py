"""The demo: a free photograph in the style of a painting made by code, offline."""

import importlib.util
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import torch
from torch import Tensor

from impasto.errors import MissingExtraError, OutputError, RecipeError
from impasto.images.io import check_output, read_image, write_image
from impasto.images.resize import resize_image
from impasto.runs.evolution import Evolution
from impasto.runs.result import Result
from impasto.system.disk import is_folder

PICTURES: Mapping[str, str] = {
    "chelsea": "chelsea.png",
    "coffee": "coffee.png",
    "rocket": "rocket.jpg",
    "astronaut": "astronaut.png",
}
"""Free photographs in the wheel of scikit-image: by name, the file."""

FILES = ("content.png", "style.png", "pastiche.png", "side_by_side.png", "evolution.webp")


@dataclass(frozen=True, slots=True, kw_only=True)
class Demo:
    """The inputs of the demo: the files of its content and style image, and the output folder."""

    content: Path
    style: Path
    folder: Path


def prepare_demo(folder: Path, picture: str = "chelsea") -> Demo:
    """Find the demo's inputs and check its folder; nothing is written yet.

    picture: one of PICTURES. Raises MissingExtraError (scikit-image), RecipeError (no such picture), OutputError.
    """
    if picture not in PICTURES:
        raise RecipeError(
            f"picture {picture!r} is not one of the demo's; expected {', '.join(PICTURES)}.",
            "Choose one with --picture.",
        )
    label = f"output {str(folder)!r}"
    if not is_folder(folder, label) and folder.exists():
        raise OutputError(f"{label} is a file; expected a folder.", "Choose another name with -o.")
    check_output((folder if folder.exists() else folder.parent) / FILES[0], inputs=())
    style = Path(str(resources.files("impasto.experiments") / "demo_style.jpg"))
    return Demo(content=_find_photograph(PICTURES[picture]), style=style, folder=folder)


def write_demo(demo: Demo, result: Result, evolution: Evolution) -> list[Path]:
    """Write the demo's pictures into its folder, the pastiche first; return their paths, in the order of FILES."""
    demo.folder.mkdir(exist_ok=True)
    paths = {name: demo.folder / name for name in FILES}
    result.save(paths["pastiche.png"])
    content, style = read_image(demo.content), read_image(demo.style)
    write_image(content, paths["content.png"])
    write_image(style, paths["style.png"])
    write_image(side_by_side((content, style, result.pastiche)), paths["side_by_side.png"])
    evolution.write_animation(paths["evolution.webp"], result.pastiche)
    return list(paths.values())


def side_by_side(images: Sequence[Tensor], *, gap: int = 8) -> Tensor:
    """Return the images in a row, at the height of the last one, with white between them.

    images: each (1, 3, H, W) in [0, 1]. gap: width of the white, in pixels. Returns (1, 3, h, w), float32.
    """
    height = images[-1].shape[2]
    row: list[Tensor] = []
    for image in images:
        H, W = image.shape[-2:]
        row += [resize_image(image, (height, max(1, round(W * height / H)))), torch.ones(1, 3, height, gap)]
    return torch.cat(row[:-1], dim=3)


def _find_photograph(name: str) -> Path:
    # Found without importing scikit-image, which would take a second and bring scipy.
    spec = importlib.util.find_spec("skimage")
    folders = (spec.submodule_search_locations if spec is not None else None) or []
    for folder in folders:
        if (path := Path(folder) / "data" / name).is_file():
            return path
    raise MissingExtraError(
        f"the demo's photograph {name!r} is missing; expected it in the package scikit-image.",
        'Run: pip install "impasto[demo]"',
    )
