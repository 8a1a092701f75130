"""Paint the pictures of the pages about options, as figures.toml lists them, by today's presets.

python docs/site/figures.py DATA [NAME...]

DATA has content/ and paintings/; the astronaut comes with scikit-image. Without names, all of them: about twenty
minutes on 2 cores. `make figures DATA=FOLDER` does the same.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
import tomllib
from dataclasses import dataclass, field
from pathlib import Path

from gallery import DOCS, Picture, find_inputs
from PIL import Image, ImageOps
from torch import Tensor

from impasto.experiments.sheet import compose_sheet
from impasto.images.io import read_image
from impasto.images.pixels import image_to_picture

LIST = Path(__file__).with_suffix(".toml")
BEHIND = Path(__file__).with_name("astronaut_behind.png")
"""A mask of our own: white behind the astronaut."""

CUT = "astronaut_cut.png"
"""The astronaut cut out by it: not in any folder, made where a figure needs it."""

QUALITY = 82


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A sheet of the documentation, as the head of figures.toml explains."""

    name: str
    command: str
    variants: list[str]
    show: list[str] = field(default_factory=list)
    crop: tuple[float, float, float, float] = (0, 0, 1, 1)
    cell: int = 256
    every: int = 1

    @property
    def commands(self) -> list[Picture]:
        """The command of each variant, with the files that it is painted from."""
        return [Picture(name=self.name, command=f"{self.command} {variant}".strip()) for variant in self.variants]


def read_figures() -> list[Figure]:
    """Return every figure of the list."""
    return [Figure(**figure) for figure in tomllib.loads(LIST.read_text("utf-8"))["figure"]]


def copy_inputs(figure: Figure, data: Path, folder: Path) -> None:
    """Copy what a figure is painted from, and what it shows, into the folder."""
    names = {*figure.show, *(name for picture in figure.commands for name in picture.inputs)}
    if CUT in names:
        names |= {"astronaut.png"}
    files = Picture(name=figure.name, command=" ".join(sorted(names - {CUT, BEHIND.name})))
    for path in [*find_inputs(files, data), BEHIND]:
        shutil.copy(path, folder)
    if CUT in names:
        with Image.open(folder / "astronaut.png") as photo, Image.open(BEHIND) as behind:
            photo.putalpha(ImageOps.invert(behind.convert("L")).resize(photo.size))
            photo.save(folder / CUT)


def paint(picture: Picture, folder: Path) -> list[Path]:
    """Run a command in the folder, and return what it painted: one picture, or the frames of a morph."""
    painted = Path(tempfile.mkdtemp(dir=folder))
    own = ["-o", str(painted / "painted.png"), "--quiet", "--run-dir", "none"]
    subprocess.run([sys.executable, "-m", "impasto", *picture.words, *own], cwd=folder, check=True)
    return sorted(painted.glob("*.png"))


def show(path: Path, crop: tuple[float, float, float, float] = (0, 0, 1, 1)) -> Tensor:
    """Return a part of a picture, (1, 3, H, W), white where it is transparent."""
    with Image.open(path) as picture:
        flat = Image.new("RGBA", picture.size, "white")
        flat.alpha_composite(picture.convert("RGBA"))
    part = flat.convert("RGB").crop((*(round(share * side) for share, side in zip(crop, flat.size * 2, strict=True)),))
    return read_image(part)


def compose(figure: Figure, data: Path) -> Image.Image:
    """Paint a figure and return its sheet."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        copy_inputs(figure, data, folder)
        painted = [paint(picture, folder)[:: figure.every] for picture in figure.commands]
        cells = [[show(path, figure.crop) for path in paths] for paths in painted]
        if all(len(row) == 1 for row in cells):
            shown = [show(folder / name) for name in figure.show]
            labels = [*(Path(name).stem.replace("_", " ") for name in figure.show), *figure.variants]
            sheet = compose_sheet([[*shown, *(row[0] for row in cells)]], column_labels=labels, cell_size=figure.cell)
        else:
            labels = figure.variants if len(cells) > 1 else []
            sheet = compose_sheet(cells, row_labels=labels, cell_size=figure.cell)
    return image_to_picture(sheet)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("names", nargs="*", help="figures to paint; default: all")
    given = parser.parse_args()
    for figure in read_figures():
        if not given.names or figure.name in given.names:
            compose(figure, given.data).save(DOCS / f"{figure.name}.jpg", quality=QUALITY, optimize=True)
            print(figure.name, flush=True)


if __name__ == "__main__":
    main()
