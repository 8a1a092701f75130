"""How many pictures a second the training reads from LMDB at 225 pixels.

    python benchmarks/loader.py [PICTURE_FOLDER] [--pictures 1000] [--workers 2]

For each store (jpeg, raw) and each recipe's crops (report-2015: a window of 225 of 256 pixels; modern: a random window,
resized): median of five passes over the data set by that many worker processes, after one to warm up, with nothing
else to do. Wall time, and pictures per second of processor time in one process, which another program does not change
much. Unfair: the file lies in the page cache, so no disk is measured. Without a folder of class folders, smooth noise
is prepared: its JPEGs are larger, and so slower, than most photographs'.
"""

import argparse
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image
from report import write_report

from impasto.backbone.data import training_batches
from impasto.backbone.prepare import prepare
from impasto.backbone.store import Store
from impasto.training.loader import Order

CROP, BATCH_SIZE = 225, 50
CROPS = {"report-2015": False, "modern": True}


def draw_pictures(folder: Path, count: int) -> Path:
    rng = np.random.default_rng(0)
    for index in range(count):
        coarse = Image.fromarray(rng.integers(0, 256, (64, 64, 3), dtype=np.uint8))
        path = folder / f"class{index % 2}" / f"{index}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        coarse.resize((256, 256), Image.Resampling.BICUBIC).save(path, compress_level=1)
    return folder


def measure(data: Path, augment: bool, workers: int, passes: int) -> tuple[float, float]:
    """Seconds of wall and of processor time for each picture; processor time is known of this process alone."""
    with Store(data) as store:
        steps = len(store.about.train) // BATCH_SIZE
        order = Order(
            numbers=store.about.train, batch_size=BATCH_SIZE, seed=0, first=0, steps=steps * (passes + 1)
        )
        batches = training_batches(store, order, crop=CROP, augment=augment, workers=workers)
        walls, processors = [], []
        for index in range(passes + 1):
            wall, processor = time.perf_counter(), time.process_time()
            for _ in range(steps):
                next(batches)
            if index:
                walls.append((time.perf_counter() - wall) / steps / BATCH_SIZE)
                processors.append((time.process_time() - processor) / steps / BATCH_SIZE)
    return statistics.median(walls), statistics.median(processors)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path, help="a folder of class folders")
    parser.add_argument("--pictures", type=int, default=1000, help="how many to draw without a folder")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--passes", type=int, default=5)
    arguments = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as place:
        folder = arguments.folder or draw_pictures(Path(place) / "pictures", arguments.pictures)
        print(f"{'store':6} {'crops':12} {'MB':>6} {'pictures/s':>11} {'pictures/processor s':>21}")
        for kind in ("jpeg", "raw"):
            data = Path(place) / kind
            prepare(folder, data, kind=kind)
            megabytes = (data / "data.mdb").stat().st_size / 1e6
            for name, augment in CROPS.items():
                wall, _ = measure(data, augment, arguments.workers, arguments.passes)
                _, processor = measure(data, augment, 0, arguments.passes)
                rows.append({"store": kind, "crops": name, "per_s": 1 / wall, "per_processor_s": 1 / processor})
                print(f"{kind:6} {name:12} {megabytes:6.0f} {1 / wall:11.0f} {1 / processor:21.0f}")
    write_report("loader", {"crop": CROP, "workers": arguments.workers, "rows": rows}, seed=0)


if __name__ == "__main__":
    main()
