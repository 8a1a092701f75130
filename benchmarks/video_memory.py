"""Does the memory of `impasto video` stay the same, however long the film is?

    python benchmarks/video_memory.py [--minutes 10] [--size 256x144] [--rate 15] [--with starry-night] [--workers 2]

A film is made: windows that move over photographs, with a cut every ten seconds and a sound. The real command paints
it, and the resident memory of its processes is read every ten seconds: medians of the first and the last minute from
the first painted frame on.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from fractions import Fraction
from itertools import chain
from pathlib import Path

import av
import numpy as np
from report import write_report

from impasto.experiments.demo import prepare_demo
from impasto.images.io import read_image
from impasto.images.pixels import to_uint8
from impasto.images.resize import resize_image

SCENE_S = 10
SAMPLE_S = 10
PHOTOGRAPHS = ("coffee", "chelsea", "astronaut", "rocket")
SOUND_RATE = 48_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--size", default="256x144")
    parser.add_argument("--rate", type=int, default=15)
    parser.add_argument("--with", dest="method", default="starry-night")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--workers", type=int, default=1)
    given = parser.parse_args()
    width, height = map(int, given.size.split("x"))
    with tempfile.TemporaryDirectory() as name:
        film = Path(name) / "film.mp4"
        make_film(film, (height, width), given.rate, round(60 * given.minutes))
        words = ["video", str(film), "--with", given.method, "-o", str(film.with_name("out.mp4"))]
        words += ["--threads", str(given.threads), "--workers", str(given.workers), "--quiet"]
        samples, before = watch([sys.executable, "-m", "impasto", *words], Path(name))
    count = max(1, 60 // SAMPLE_S)
    first, last = (statistics.median(part) for part in (samples[:count], samples[-count:]))
    figures = {"first_minute": first, "last_minute": last, "peak": max(samples), "before": before, "samples": samples}
    write_report("video_memory", {"settings": vars(given), "resident_mib": figures})


def make_film(path: Path, size: tuple[int, int], rate: int, seconds: int) -> None:
    """Write windows of half the width of photographs, which move over them, each scene in another direction."""
    photographs = [read_image(prepare_demo(Path(), name).content) for name in PHOTOGRAPHS]
    grounds = [to_uint8(resize_image(image, (2 * size[0], 2 * size[1]))).numpy() for image in photographs]
    with av.open(str(path), "w") as film:
        pictures = film.add_stream("libx264", rate=rate, options={"preset": "veryfast"}, width=size[1], height=size[0])
        pictures.pix_fmt = "yuv420p"
        sound = film.add_stream("aac", rate=SOUND_RATE, layout="mono")
        for number in range(seconds * rate):
            scene, place = divmod(number / rate, SCENE_S)
            angle, share = 2.4 * scene, place / SCENE_S - 0.5
            top, left = (round(side * (0.5 + share * turn)) for side, turn in zip(size, direction(angle), strict=True))
            ground = grounds[int(scene) % len(grounds)]
            levels = np.ascontiguousarray(ground[top : top + size[0], left : left + size[1]])
            film.mux(pictures.encode(av.VideoFrame.from_ndarray(levels, format="rgb24")))
            if number % rate == 0:
                film.mux(sound.encode(beep(number // rate)))
        film.mux(chain(pictures.encode(None), sound.encode(None)))


def direction(angle: float) -> tuple[float, float]:
    return float(np.sin(angle)), float(np.cos(angle))


def beep(second: int) -> av.AudioFrame:
    """A second of sound, of a pitch of its own."""
    wave = 0.2 * np.sin(np.arange(SOUND_RATE) * (0.02 + 0.002 * (second % 12)))
    frame = av.AudioFrame.from_ndarray(wave[None].astype(np.float32), format="fltp", layout="mono")
    frame.sample_rate, frame.pts, frame.time_base = SOUND_RATE, second * SOUND_RATE, Fraction(1, SOUND_RATE)
    return frame


def watch(command: list[str], folder: Path) -> tuple[list[float], list[float]]:
    """Run a command to its end. Returns its resident memory and that of its children, MiB, every SAMPLE_S seconds.

    First from the first painted frame in the folder on, then before it, while the film is read for its cuts.
    """
    samples, before = list[float](), list[float]()
    with subprocess.Popen(command) as process:
        while True:
            try:
                process.wait(SAMPLE_S)
                break
            except subprocess.TimeoutExpired:
                has_begun = any(folder.glob("out.mp4.parts/*/frames/*.png"))
                (samples if samples or has_begun else before).append(round(resident_mib(process.pid), 1))
                seconds, latest = (len(samples) + len(before)) * SAMPLE_S, (samples or before)[-1]
                print(f"{seconds:6} s  {latest:7.1f} MiB", file=sys.stderr)
    if process.returncode:
        sys.exit(f"{' '.join(command)} ended with {process.returncode}")
    return samples, before


def resident_mib(process: int) -> float:
    """Resident memory of a process and all below it, MiB; 0 where it has ended."""
    try:
        pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
        children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    except OSError:
        return 0.0
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20 + sum(resident_mib(int(child)) for child in children)


if __name__ == "__main__":
    main()
