"""Train the shipped styles again, and put them into `src/impasto/recipe/shipped`: `make styles`.

    python benchmarks/train_styles.py ../shared/data work

DATA has content/ and paintings/. The networks learn from free photographs and paintings, and from scenes drawn here;
none of these is a style, or among EVALUATED, which `benchmarks/styles.py` paints. Called again, it resumes.
"""

import argparse
import math
import shutil
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from impasto import PainterEvent, Recipe, TrainingRecipe, train_painter
from impasto.fast.model import Model, read_model
from impasto.fast.train import CHECKPOINT
from impasto.recipe.shipped import FOLDER, shipped_styles

STYLES = {
    "painterly": {
        "starry-night": "starry_night.jpg",
        "the-scream": "the_scream.jpg",
        "water-lilies": "monet_water_lilies_1919.jpg",
        "shipwreck": "shipwreck.jpg",
    },
    "graphic": {
        "composition-vii": "composition_vii.jpg",
        "udnie": "picabia_udnie.jpg",
        "seated-figure": "popova_seated_figure.jpg",
        "cherry-blossoms": "sakai_hoitsu_flower.jpg",
    },
}
"""By network the styles and their paintings, in paintings/. Of these, the ones in `styles.toml` are shipped."""

EVALUATED = ("tubingen.jpg", "chelsea.png", "kodim04.jpg", "kodim09.jpg", "kodim21.png", "kodim22.png")

PHOTOGRAPHS = (
    *("kodim01.jpg", "kodim02.jpg", "kodim06.jpg", "kodim07.jpg", "kodim08.png", "kodim10.jpg", "kodim11.jpg"),
    *("kodim12.jpg", "kodim13.jpg", "kodim15.jpg", "kodim16.png", "kodim18.jpg", "kodim24.png"),
    *("coffee.png", "flower.jpg"),
)
"""In content/: Kodak's suite, unrestricted; coffee CC0; flower CC BY 2.0."""

SCIKIT_IMAGE = ("astronaut.png", "rocket.jpg", "camera.png", "brick.png", "grass.png", "gravel.png")
"""In the package scikit-image: CC0 or in the public domain."""

PAINTINGS = (
    *("courbet_meeting.jpg", "derain_portrait_of_matisse.jpg", "gauguin_tahiti.jpg", "leonardo_mona_lisa.jpg"),
    *("monet_woman_with_parasol.jpg", "munch_self_portrait.jpg", "renoir_moulin_de_la_galette.jpg"),
    *("sorolla_children_on_the_beach.jpg", "vg_cottages_at_auvers.jpg", "vg_night_cafe.jpg", "vg_olive_trees.jpg"),
    *("vg_self_portrait_felt_hat.jpg", "vg_wheat_field.jpg"),
)
"""In paintings/: in the public domain."""

SCENES = 8

FIRST = TrainingRecipe(
    look=Recipe.preset("network", size=384, style_scale=512 / 384),
    crop=128,
    batch_size=2,
    warm_up=400,
    steps=30_000,
)
"""Strokes of the size that they have in a painting of 512 pixels; windows of a third of the photograph."""

STOPS = {"painterly": 2591, "graphic": 2604}
"""Steps after which the first part ends; its learning rate has fallen by 2 % then."""

LAST = replace(FIRST, look=FIRST.look.replace(size=320, style_scale=512 / 320), steps=6000)
"""The rest: photographs a little smaller, as the benchmark has them, and a learning rate that falls to 0."""


def draw_scene(seed: int, width: int = 768, height: int = 512) -> Image.Image:
    """Return a plain sky with a sun, over hills: photographs have few surfaces as flat."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width] / height
    top, bottom, sun, ground = rng.uniform([[0.1], [0.5], [0.7], [0.0]], [[0.6], [0.9], [1.0], [0.5]], (4, 3))
    picture = top + (bottom - top) * y[..., None]
    where = rng.uniform(0.2, width / height - 0.2), rng.uniform(0.1, 0.5)
    distance = np.hypot(x - where[0], y - where[1])
    picture += (sun - picture) * np.clip((rng.uniform(0.05, 0.15) - distance) * 100, 0, 1)[..., None]
    for hill in range(rng.integers(1, 4)):
        line = 0.6 + 0.12 * hill + sum(
            rng.uniform(0.01, 0.06) / k * np.sin(2 * math.pi * k * x + rng.uniform(0, 6)) for k in range(1, 6)
        )
        shade = ground + 0.1 * hill + rng.normal(0, 0.02 * hill, (height, width, 1))
        picture = np.where((y > line)[..., None], shade, picture)
    return Image.fromarray((255 * picture.clip(0, 1)).round().astype(np.uint8))


SHIPPED = 512
"""Long edge of the copies of the paintings that are shipped, in pixels."""


def collect_photos(data: Path, folder: Path) -> None:
    """Fill a folder with the pictures to train on."""
    import skimage

    folder.mkdir(parents=True, exist_ok=True)
    sources = [
        *(data / "content" / name for name in PHOTOGRAPHS),
        *(Path(skimage.__file__).parent / "data" / name for name in SCIKIT_IMAGE),
        *(data / "paintings" / name for name in PAINTINGS),
    ]
    for source in sources:
        shutil.copyfile(source, folder / source.name)
    for seed in range(SCENES):
        draw_scene(seed).save(folder / f"scene_{seed}.png")


def show(event: PainterEvent, stop: int) -> object:
    if event.step % 50 == 0:
        losses = ", ".join(f"{name} {loss:.4f}" for name, loss in event.losses.items())
        print(f"{event.step} of {stop}, {event.seconds:.0f} s: {losses}", flush=True)
    return "stop" if event.step == stop else None


def train(network: str, paintings: Path, work: Path, last: TrainingRecipe, threads: int | None) -> Model:
    """Return the trained network, after both parts. Raises SystemExit where it was stopped."""
    sources = [paintings / name for name in STYLES[network].values()]

    def run(part: str, recipe: TrainingRecipe, stop: int) -> Path:
        output = work / f"{network}_{part}.safetensors"
        with suppress(KeyboardInterrupt):  # as Ctrl-C does, the stop writes the network so far
            train_painter(
                *(sources, work / "photos", output, recipe),
                names=[*STYLES[network]],
                threads=threads,
                workers=0,
                on_event=partial(show, stop=stop),
            )
        if read_model(output).metadata["steps"] != str(stop):
            raise SystemExit("stopped; the same command resumes")
        return output

    checkpoint = work / f"{network}_last_run" / CHECKPOINT
    if not checkpoint.exists():
        run("first", FIRST, STOPS[network])
        checkpoint.parent.mkdir(exist_ok=True)
        shutil.copyfile(work / f"{network}_first_run" / CHECKPOINT, checkpoint)
    return read_model(run("last", last, last.steps))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="folder with content/ and paintings/")
    parser.add_argument("work", type=Path, help="folder for photographs, checkpoints and networks")
    parser.add_argument("--networks", nargs="+", choices=STYLES, help="only these; default: all")
    parser.add_argument("--steps", type=int, default=LAST.steps, help="steps in all; fewer end sooner, and are worse")
    parser.add_argument("--threads", type=int)
    arguments = parser.parse_args()
    collect_photos(arguments.data, arguments.work / "photos")
    last = replace(LAST, steps=arguments.steps)
    for network in arguments.networks or STYLES:
        model = train(network, arguments.data / "paintings", arguments.work, last, arguments.threads)
        shipped = [name for name, style in shipped_styles().items() if style.network == network]
        if shipped:
            model.select(shipped).write(FOLDER / f"{network}.safetensors", half=True)
        for name in shipped:
            with Image.open(arguments.data / "paintings" / STYLES[network][name]) as picture:
                picture.thumbnail((SHIPPED, SHIPPED), Image.Resampling.LANCZOS)
                picture.convert("RGB").save(FOLDER / f"{name}.jpg", quality=85)


if __name__ == "__main__":
    main()
