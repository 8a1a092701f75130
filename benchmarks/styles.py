"""How near the shipped styles come to the optimizer: the objective of each on photographs that no network has seen.

    python benchmarks/styles.py ../shared/data work [--styles starry-night udnie] [--photos 2]

Each photograph is painted at 256 pixels by `impasto apply NAME`, and by 300 steps of the optimizer; both pictures are
judged by the objective that the network was trained by, and so is the photograph itself. Style number N takes the
photographs from number N on, so that few photographs a style still are all. The optimizer's pictures are kept in the
work folder: they are the same for every training.
"""

import argparse
import statistics
from pathlib import Path

from report import write_report
from train_styles import EVALUATED, STYLES

import impasto
from impasto.experiments.sheet import compose_sheet
from impasto.fast.model import read_style_or_model
from impasto.images.io import read_image, write_image
from impasto.images.resize import resize_long_edge
from impasto.recipe.shipped import shipped_styles

SIZE = 256
PAINTINGS = {name: file for files in STYLES.values() for name, file in files.items()}


def write_sheet(data: Path, output: Path) -> None:
    """Write a sheet: each photograph in a style, as `impasto apply` paints it and as `impasto instant` does."""
    rows = []
    for number, content in enumerate(data / "content" / photo for photo in EVALUATED):
        name = [*shipped_styles()][number % len(shipped_styles())]
        instant = impasto.stylize_instantly(content, data / "paintings" / PAINTINGS[name])
        rows.append([read_image(content), impasto.load_painter(name)(content).pastiche, instant.pastiche])
    labels = ["photograph", "impasto apply", "impasto instant"]
    write_image(compose_sheet(rows, column_labels=labels, cell_size=288), output)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="folder with content/ and paintings/")
    parser.add_argument("work", type=Path, help="folder for the optimizer's pictures")
    parser.add_argument("--styles", nargs="+", default=[*shipped_styles()])
    parser.add_argument("--photos", type=int, default=len(EVALUATED), help="photographs a style")
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--threads", type=int)
    parser.add_argument("--sheet", type=Path, help="write pictures of all styles here, and measure nothing")
    given = parser.parse_args()
    if given.sheet is not None:
        write_sheet(given.data, given.sheet)
        return
    given.work.mkdir(parents=True, exist_ok=True)
    rows = []
    print(f"{'style':18}{'photograph':14}{'apply':>8}{'optimizer':>10}{'itself':>8}{'ratio':>7}")
    for number, name in enumerate(shipped_styles()):
        if name not in given.styles:
            continue
        look, painting = read_style_or_model(name).look, given.data / "paintings" / PAINTINGS[name]
        # The style keeps the size that it was trained with.
        assert isinstance(look.size, int)
        look = look.replace(size=SIZE, style_scale=look.style_scale * look.size / SIZE, steps=given.steps)
        painter = impasto.load_painter(name, threads=given.threads)
        for index in range(number, number + given.photos):
            photo = EVALUATED[index % len(EVALUATED)]
            image = resize_long_edge(read_image(given.data / "content" / photo), SIZE)
            by_optimizer = given.work / f"{name}-{Path(photo).stem}-{given.steps}.png"
            if not by_optimizer.exists():
                impasto.stylize(image, painting, look, threads=given.threads).save(by_optimizer)
            pictures = painter(image).pastiche, by_optimizer, image
            ours, optimized, itself = (
                impasto.compare(image, painting, each, look, threads=given.threads).total for each in pictures
            )
            rows.append({"style": name, "photo": photo, "apply": ours, "optimizer": optimized, "itself": itself})
            print(f"{name:18}{photo:14}{ours:8.4f}{optimized:10.4f}{itself:8.4f}{ours / optimized:7.2f}", flush=True)
    ratios = [row["apply"] / row["optimizer"] for row in rows]
    print(f"median {statistics.median(ratios):.2f}, {min(ratios):.2f} to {max(ratios):.2f}")
    write_report("styles", {"size": SIZE, "steps": given.steps, "rows": rows, "median": statistics.median(ratios)})


if __name__ == "__main__":
    main()
