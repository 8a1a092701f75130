"""How near the shipped styles come to the optimizer: the objective of each on photographs that no network has seen.

    python benchmarks/styles.py ../shared/data work [--styles starry-night udnie] [--photos 2]
    python benchmarks/styles.py ../shared/data work --sheet docs/styles.jpg

Each photograph is painted at 256 pixels by `impasto apply NAME`, and by 300 steps of the optimizer; both pictures are
judged by the objective that the network was trained by, and so is the photograph itself. Style number N takes the
photographs from number N on, so that few photographs a style still are all. The optimizer's pictures are kept in the
work folder: they are the same for every training, and what was painted before a stop is not painted again. A sheet has
each photograph in one style, in three ways at one size; unfair to `impasto instant`, which knows any painting.
"""

import argparse
import statistics
from pathlib import Path

from report import write_report
from torch import Tensor
from train_styles import EVALUATED, STYLES

import impasto
from impasto.experiments.sheet import compose_sheet
from impasto.fast.model import read_style_or_model
from impasto.images.io import read_image, write_image
from impasto.images.resize import resize_long_edge
from impasto.recipe.recipe import Recipe
from impasto.recipe.shipped import shipped_styles


class Work:
    """What the options mean: photographs, paintings and looks, and the optimizer's pictures in a folder."""

    def __init__(self, given: argparse.Namespace) -> None:
        self.data, self.folder, self.size, self.steps = given.data, given.work, given.size, given.steps
        self.threads = given.threads
        self.folder.mkdir(parents=True, exist_ok=True)

    def photograph(self, photo: str) -> Tensor:
        """Return a photograph at the size that is painted."""
        return resize_long_edge(read_image(self.data / "content" / photo), self.size)

    def painting(self, name: str) -> Path:
        """Return the file of a style's painting."""
        return Path(self.data / "paintings" / STYLES[name])

    def look(self, name: str) -> Recipe:
        """Return the recipe that a style was trained by, at this size; the style keeps the size that it had."""
        look = read_style_or_model(name).look
        assert isinstance(look.size, int)
        return look.replace(size=self.size, style_scale=look.style_scale * look.size / self.size, steps=self.steps)

    def optimize(self, name: str, photo: str) -> Path:
        """Return the optimizer's picture, painted if it is not there."""
        output = Path(self.folder / f"{name}-{Path(photo).stem}-{self.size}-{self.steps}.png")
        if not output.exists():
            arguments = self.photograph(photo), self.painting(name), self.look(name)
            impasto.stylize(*arguments, threads=self.threads).save(output)
        return output

    def write_sheet(self, output: Path) -> None:
        """Write a sheet: each photograph in a style, by the network, by `impasto instant` and by the optimizer."""
        rows, names = [], [*shipped_styles()]
        for number, photo in enumerate(EVALUATED):
            name, image = names[number % len(names)], self.photograph(photo)
            applied = impasto.load_painter(name, threads=self.threads)(image).pastiche
            instant = impasto.stylize_instantly(image, self.painting(name), size="content", threads=self.threads)
            rows.append([image, applied, instant.pastiche, read_image(self.optimize(name, photo))])
        labels = ["photograph", "impasto apply", "impasto instant", f"optimizer, {self.steps} steps"]
        write_image(compose_sheet(rows, column_labels=labels, cell_size=288), output)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="folder with content/ and paintings/")
    parser.add_argument("work", type=Path, help="folder for the optimizer's pictures")
    parser.add_argument("--styles", nargs="+", default=[*shipped_styles()])
    parser.add_argument("--photos", type=int, default=len(EVALUATED), help="photographs a style")
    parser.add_argument("--size", type=int, default=256, help="long edge, in pixels")
    parser.add_argument("--steps", type=int, default=300, help="of the optimizer")
    parser.add_argument("--threads", type=int)
    parser.add_argument("--sheet", type=Path, help="write pictures of all styles here, and measure nothing")
    given = parser.parse_args()
    work = Work(given)
    if given.sheet is not None:
        work.write_sheet(given.sheet)
        return
    rows = []
    print(f"{'style':18}{'photograph':14}{'apply':>8}{'optimizer':>10}{'itself':>8}{'ratio':>7}")
    for number, name in enumerate(shipped_styles()):
        if name not in given.styles:
            continue
        painter, look = impasto.load_painter(name, threads=given.threads), work.look(name)
        for index in range(number, number + given.photos):
            photo = EVALUATED[index % len(EVALUATED)]
            image = work.photograph(photo)
            ours, optimized, itself = (
                impasto.compare(image, work.painting(name), each, look, threads=given.threads).total
                for each in (painter(image).pastiche, work.optimize(name, photo), image)
            )
            rows.append({"style": name, "photo": photo, "apply": ours, "optimizer": optimized, "itself": itself})
            print(f"{name:18}{photo:14}{ours:8.4f}{optimized:10.4f}{itself:8.4f}{ours / optimized:7.2f}", flush=True)
    for name in given.styles:
        own = [row["apply"] / row["optimizer"] for row in rows if row["style"] == name]
        print(f"{name}: median {statistics.median(own):.2f}")
    ratios = [row["apply"] / row["optimizer"] for row in rows]
    median = statistics.median(ratios)
    print(f"all: median {median:.2f}, {min(ratios):.2f} to {max(ratios):.2f}")
    write_report("styles", {"size": given.size, "steps": given.steps, "rows": rows, "median": median})


if __name__ == "__main__":
    main()
