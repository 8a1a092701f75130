"""The cost of exact tiles: one evaluation of `standard` in tiles against the whole picture, and their difference.

    python benchmarks/tiles.py [--size 2048x1536] [--inner 1024] [--runs 3] [--precision bfloat16]

A tile is computed twice, with its margins: about 2 x 1.4 of the pixels of the whole picture, the first time without
gradients. Both take turns, each twice in a row, of which the second counts, so that each finds memory as it left it.
Needs memory for the whole picture, about 12 GB at the default size.
"""

# ruff: noqa: E402
import argparse
import statistics
import time

from impasto.system.process import settle_process

settle_process()  # as the command does, before torch is loaded, which reads then how threads wait

import torch
from report import write_report

from impasto.features.encoder import build_encoder
from impasto.losses.objective import Objective
from impasto.optimize.loop import build_evaluate
from impasto.recipe.recipe import Recipe
from impasto.tiles.objective import TiledObjective


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", default="2048x1536")
    parser.add_argument("--inner", type=int, default=1024)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--precision", choices=("float32", "bfloat16"), default="bfloat16")
    arguments = parser.parse_args()
    width, height = map(int, arguments.size.split("x"))
    recipe = Recipe()
    encoder = build_encoder(recipe)[0]
    encoder = encoder.to_bfloat16() if arguments.precision == "bfloat16" else encoder
    generator = torch.Generator().manual_seed(0)
    content, style, image = (torch.rand(1, 3, height, width, generator=generator) for _ in range(3))
    tiled, whole = (
        build_evaluate(objective, gamut="keep", precision=encoder.precision)
        for objective in (
            TiledObjective(encoder, recipe, content, [style], inner=arguments.inner),
            Objective(encoder, recipe, content, [style]),
        )
    )
    seconds: dict[str, list[float]] = {"whole": [], "tiled": []}
    gradients = {}
    for _ in range(arguments.runs):
        for name, evaluate in (("whole", whole), ("tiled", tiled)):
            evaluate(image)
            start = time.perf_counter()
            _, gradients[name] = evaluate(image)
            seconds[name].append(time.perf_counter() - start)
            print(f"{name} {seconds[name][-1]:.1f} s", flush=True)
    off = float((gradients["tiled"] - gradients["whole"]).norm() / gradients["whole"].norm())
    found = {
        "size": [width, height],
        "inner": arguments.inner,
        "precision": arguments.precision,
        "seconds": {name: round(statistics.median(values), 2) for name, values in seconds.items()},
        "ratio": round(statistics.median(a / b for a, b in zip(seconds["tiled"], seconds["whole"], strict=True)), 2),
        "gradient_off_by": off,
    }
    write_report("tiles", found, seed=0)


if __name__ == "__main__":
    main()
