"""How near one evaluation (objective `standard` and its gradient) comes to what this machine can compute at all.

    python benchmarks/roofline.py [--size 512] [--runs 5] [--precision float32 bfloat16]

Operations a second, counted from the architecture (two for a multiply-add; a convolution once forward and once backward
for its input, since weights are fixed; a Gram matrix once forward and once backward) and held to torch's own count,
against the best rate of any convolution and of any matrix product that is tried here: the network's own layers forward
and backward, some others, and products of several shapes; all channels-last, with torch's threads, in turn, medians.
Shares of time: the network's convolutions and the Gram products, each timed alone; the rest is what is left over.
Not by torch's profiler: what it records splits the free memory, so that features are mapped anew, which then counts.
Unfair in three ways: what moves numbers but computes none (ReLU, pooling, padding, copies) counts as time without
operations; in bfloat16 the first convolution and the Gram products stay in float32, and are held to bfloat16 all the
same; the best rates are those of torch's libraries, not of the processor: MKL is slow on an AMD processor in float32.
"""

# ruff: noqa: E402
import argparse
import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any

from impasto.system.process import settle_process

settle_process()  # as the command does, before torch is loaded, which reads then how threads wait

import torch
from operations import Shape, convolution_operations, count_operations, layer_shapes
from report import write_report
from torch import Tensor
from torch.nn import functional
from torch.utils.flop_counter import FlopCounterMode

from impasto.features.encoder import build_encoder
from impasto.features.receptive_field import stride_of
from impasto.features.vgg import Vgg
from impasto.losses.gram import gram_matrix
from impasto.losses.objective import Objective
from impasto.optimize.loop import build_evaluate
from impasto.recipe.recipe import Recipe
from impasto.system.torch_settings import products_in, running

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}

CONVOLUTIONS = ((64, 256, 128), (256, 256, 96), (512, 512, 48), (512, 512, 96), (1024, 1024, 32))
"""Input and output channels and positions a side of convolutions that are tried beside the network's own."""

PRODUCTS = ((1024, 1024, 1024), (2048, 2048, 2048), (4096, 4096, 4096), (16384, 2304, 256), (4096, 4608, 512))
"""Rows, inner length and columns of the products. The last two are conv3_2 and conv4_2 of 512 px as one product."""

Work = tuple[str, float, Callable[[], object]]
"""A name, operations, and what does them."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=512, help="long edge of a picture of 4:3")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--precision", nargs="+", choices=tuple(DTYPES), default=list(DTYPES))
    arguments = parser.parse_args()
    size = (arguments.size * 3 // 4, arguments.size)
    recipe = Recipe(statistic=("gram",))
    encoder = build_encoder(recipe)[0]
    rows = []
    with running(torch.device("cpu"), None, "Give a smaller --size."):
        for precision in arguments.precision:
            network = encoder.to_bfloat16() if precision == "bfloat16" else encoder
            rows.append({"precision": precision, **measure(network, recipe, size, DTYPES[precision], arguments.runs)})
            print_row(rows[-1], size)
    write_report("roofline", {"size": size, "runs": arguments.runs, "rows": rows}, seed=0)


def measure(encoder: Vgg, recipe: Recipe, size: tuple[int, int], dtype: torch.dtype, runs: int) -> dict[str, Any]:
    """Rates and shares of one precision. size: (height, width)."""
    generator = torch.Generator().manual_seed(0)
    content, style, image = (torch.rand(1, 3, *size, generator=generator) for _ in range(3))
    objective = Objective(encoder, recipe, content, [style])
    evaluate = build_evaluate(objective, gamut=recipe.gamut, precision=encoder.precision)
    convolutions, grams = count_operations(encoder, recipe, size)
    check_count(objective, image, convolutions, grams)
    ours: list[Work] = [("evaluation", convolutions + grams, lambda: evaluate(image))]
    own = {
        name: convolve(shape, encoder.dtype_of(name), generator)
        for name, shape in layer_shapes(encoder, objective.layers, size).items()
    }
    others = [work for i, o, side in CONVOLUTIONS for work in convolve((i, o, side, side), dtype, generator)]
    statistics_of = [describe(encoder, layer, size, generator) for layer in recipe.style_layers]
    tried: dict[str, list[Work]] = {
        "convolution": [*{work[0]: work for works in own.values() for work in works}.values(), *others],
        "product": [multiply(shape, dtype, generator) for shape in PRODUCTS],
    }
    with products_in(encoder.precision):
        median_s = time_in_turn([*ours, *statistics_of, *tried["convolution"], *tried["product"]], runs)
    rates = {
        kind: {name: operations / median_s[name] / 1e9 for name, operations, _ in works}
        for kind, works in (("evaluation", ours), *tried.items())
    }
    best = {kind: max(rates[kind], key=lambda name: rates[kind][name]) for kind in tried}
    seconds = {
        "convolutions": sum(median_s[name] for works in own.values() for name, _, _ in works),
        "grams": sum(median_s[name] for name, _, _ in statistics_of),
    }
    seconds["rest"] = median_s["evaluation"] - sum(seconds.values())
    shares = {kind: spent / median_s["evaluation"] for kind, spent in seconds.items()}
    rate = rates["evaluation"]["evaluation"]
    return {
        "median_s": median_s["evaluation"],
        "gflop": {"convolutions": convolutions / 1e9, "grams": grams / 1e9},
        "gflop_per_s": rate,
        "best": {kind: {"work": name, "gflop_per_s": rates[kind][name]} for kind, name in best.items()},
        "share_of_best": {kind: rate / rates[kind][name] for kind, name in best.items()},
        "time_shares": shares,
        "gflop_per_s_in_convolutions": convolutions / seconds["convolutions"] / 1e9,
        "tried": {kind: rates[kind] for kind in tried},
    }


def check_count(objective: Objective, image: Tensor, convolutions: int, grams: int) -> None:
    """Raises RuntimeError where torch counts other operations than we do, or we than by hand."""
    # conv1_2 at 2 x 3 positions: 64 * 9 multiply-adds for each of 6 * 64 numbers.
    assert convolution_operations((64, 64, 2, 3)) == 2 * 576 * 384 == 442_368
    with FlopCounterMode(display=False) as counter:
        torch.autograd.backward(objective(image.clone().requires_grad_())["total"])
    counted = {str(kind): count for kind, count in counter.get_flop_counts()["Global"].items()}
    theirs = (counted["aten.convolution"] + counted["aten.convolution_backward"], counted["aten.mm"])
    if theirs != (convolutions, grams) or sum(theirs) != counter.get_total_flops():
        raise RuntimeError(f"we count {convolutions} and {grams} operations, torch {counted}: correct count_operations")


def convolve(shape: Shape, dtype: torch.dtype, generator: torch.Generator) -> list[Work]:
    """The convolution, forward and backward for its input."""
    inputs, outputs, height, width = shape
    sizes = ((1, inputs, height, width), (outputs, inputs, 3, 3), (1, outputs, height, width))
    x, kernel, gradient = (
        torch.rand(size, generator=generator).to(dtype, memory_format=torch.channels_last) for size in sizes
    )
    leaf = x.clone().requires_grad_()
    y = functional.conv2d(leaf, kernel, padding=1)
    name, operations = f"{inputs} to {outputs} at {width}x{height}", convolution_operations(shape)
    return [
        (f"{name}, forward", operations, lambda: functional.conv2d(x, kernel, padding=1)),
        (f"{name}, backward", operations, lambda: torch.autograd.grad(y, leaf, gradient, retain_graph=True)),
    ]


def describe(encoder: Vgg, layer: str, size: tuple[int, int], generator: torch.Generator) -> Work:
    """A layer's Gram matrix and its gradient."""
    channels, height, width = encoder.channels(layer), size[0] // stride_of(layer), size[1] // stride_of(layer)
    features = torch.rand(1, channels, height, width, generator=generator).to(encoder.dtype_of(layer)).float()
    leaf = features.contiguous(memory_format=torch.channels_last).requires_grad_()
    derivative = torch.rand(1, channels, channels, generator=generator)
    operations = 2 * 2 * channels**2 * height * width
    return f"gram {layer}", operations, lambda: torch.autograd.grad(gram_matrix(leaf), leaf, derivative)


def multiply(shape: tuple[int, int, int], dtype: torch.dtype, generator: torch.Generator) -> Work:
    rows, inner, columns = shape
    a, b = (torch.rand(size, generator=generator).to(dtype) for size in ((rows, inner), (inner, columns)))
    return f"{rows}x{inner} by {inner}x{columns}", 2 * rows * inner * columns, lambda: a @ b


def time_in_turn(works: Sequence[Work], runs: int) -> dict[str, float]:
    """Median seconds of each, by name, after one round that warms up; in turn, so that a disturbance meets all."""
    seconds: dict[str, list[float]] = {name: [] for name, _, _ in works}
    for _ in range(runs + 1):
        for name, _, work in works:
            start = time.perf_counter()
            work()
            seconds[name].append(time.perf_counter() - start)
    return {name: statistics.median(values[1:]) for name, values in seconds.items()}


def print_row(row: dict[str, Any], size: tuple[int, int]) -> None:
    best, shares, gflop = row["best"], row["share_of_best"], row["gflop"]
    print(f"\n{row['precision']}, {size[1]}x{size[0]}, {torch.get_num_threads()} threads: {row['median_s']:.3f} s for "
          f"{gflop['convolutions']:.1f} GFLOP of convolutions and {gflop['grams']:.1f} of Gram matrices")  # fmt: skip
    print(f"{'':18} {'GFLOP/s':>8} {'we reach':>9}")
    print(f"{'one evaluation':18} {row['gflop_per_s']:8.0f}")
    for kind in best:
        rate = best[kind]["gflop_per_s"]
        print(f"{'best ' + kind:18} {rate:8.0f} {shares[kind]:9.0%}   {best[kind]['work']}")
    print(f"{'its convolutions':18} {row['gflop_per_s_in_convolutions']:8.0f}")
    shares_of_time = (f"{kind} {share:.0%}" for kind, share in row["time_shares"].items())
    print(f"time: {', '.join(shares_of_time)}", flush=True)


if __name__ == "__main__":
    main()
