"""One evaluation (objective and gradient of the image), ours against the tool pastiche, side by side.

    python benchmarks/evaluation.py [--size 384] [--runs 7]

On the CPU with the same threads, on the same generated pictures, under pastiche's own objective, all in turn. Ours in
float32, as pastiche's, and in bfloat16 (all convolutions but the first), which pastiche does not have. Unfair in one
way: pastiche's figure includes its L-BFGS update, under 2 % of its step at this size.
"""

import argparse
import statistics
import tempfile
import time
import warnings
from pathlib import Path

import torch
from report import write_report

from impasto.features.encoder import build_encoder
from impasto.images.io import read_image, write_image
from impasto.losses.objective import Objective
from impasto.optimize.loop import build_evaluate
from impasto.recipe.recipe import Recipe


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=384)
    parser.add_argument("--runs", type=int, default=7)
    arguments = parser.parse_args()
    warnings.simplefilter("ignore", DeprecationWarning)  # pastiche's way to read a picture
    from pastiche.pastiche import PasticheArtist

    size = (arguments.size * 3 // 4, arguments.size)
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / name for name in ("content.png", "style.png")]
        for seed, path in enumerate(paths):
            write_image(torch.rand(1, 3, *size, generator=torch.Generator().manual_seed(seed)), path)
        recipe = Recipe.preset("pastiche")
        content, style = (read_image(path) for path in paths)
        encoder = build_encoder(recipe)[0]
        evaluate, evaluate_lower = (
            build_evaluate(
                Objective(network, recipe, content, [style]), gamut="free", precision=network.precision
            )
            for network in (encoder, encoder.to_bfloat16())
        )
        artist = PasticheArtist(str(paths[0]), [str(paths[1])], size=size, style_size=size, device="cpu")
        tools = {
            "float32": lambda: evaluate(content),
            "bfloat16": lambda: evaluate_lower(content),
            "pastiche": artist.draw,
        }
        seconds: dict[str, list[float]] = {name: [] for name in tools}
        for _ in range(arguments.runs + 1):
            for name, step in tools.items():
                start = time.perf_counter()
                step()
                seconds[name].append(time.perf_counter() - start)
    medians = {name: statistics.median(values[1:]) for name, values in seconds.items()}
    ratios = {
        name: statistics.median(a / b for a, b in zip(values[1:], seconds["pastiche"][1:], strict=True))
        for name, values in seconds.items()
    }
    print(f"one evaluation at {size[1]}x{size[0]}, {torch.get_num_threads()} threads; ratio to pastiche's")
    for name, values in seconds.items():
        print(f"{name:10} {medians[name]:7.3f} s   {min(values[1:]):.3f}..{max(values[1:]):.3f}   {ratios[name]:.3f}")
    write_report("evaluation", {"size": size, "median_s": medians, "ratios": ratios}, seed=0)


if __name__ == "__main__":
    main()
