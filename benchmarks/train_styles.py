"""Train the shipped styles again, and put them into `src/impasto/recipe/shipped`: `make styles`.

    python benchmarks/train_styles.py ../shared/data work

DATA has content/ and paintings/. The network learns from free photographs and paintings, and from scenes drawn here;
none of these is a style, or among EVALUATED, which `benchmarks/styles.py` paints. Called again, it resumes.
"""

import argparse
import math
import shutil
from pathlib import Path

import numpy as np
from PIL import Image

from impasto import PainterEvent, Recipe, TrainingRecipe, train_painter
from impasto.fast.model import read_model
from impasto.recipe.shipped import FOLDER, shipped_styles

NETWORK = "paintings"
"""The network that knows all styles."""

STYLES = {
    "starry-night": "starry_night.jpg",
    "the-scream": "the_scream.jpg",
    "water-lilies": "monet_water_lilies_1919.jpg",
    "shipwreck": "shipwreck.jpg",
    "composition-vii": "composition_vii.jpg",
    "udnie": "picabia_udnie.jpg",
    "seated-figure": "popova_seated_figure.jpg",
    "cherry-blossoms": "sakai_hoitsu_flower.jpg",
}
"""The styles and their paintings, in paintings/. Of these, the ones in `styles.toml` are shipped."""

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

RECIPE = TrainingRecipe(
    look=Recipe.preset("network"), init="instant", crop=192, batch_size=2, learning_rate=5e-4, steps=1000
)
"""From the network of `impasto instant` on: it paints these styles before the first step, though not in our look."""


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


def show(event: PainterEvent) -> None:
    if event.step % 50 == 0:
        losses = ", ".join(f"{name} {loss:.4f}" for name, loss in event.losses.items())
        print(f"{event.step} of {event.steps}, {event.seconds:.0f} s: {losses}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="folder with content/ and paintings/")
    parser.add_argument("work", type=Path, help="folder for photographs, checkpoint and network")
    parser.add_argument("--threads", type=int)
    arguments = parser.parse_args()
    collect_photos(arguments.data, arguments.work / "photos")
    trained = train_painter(
        *([arguments.data / "paintings" / name for name in STYLES.values()], arguments.work / "photos"),
        *(arguments.work / f"{NETWORK}.safetensors", RECIPE),
        names=[*STYLES],
        threads=arguments.threads,
        workers=0,
        on_event=show,
    )
    shipped = [name for name, style in shipped_styles().items() if style.network == NETWORK]
    read_model(trained.path).select(shipped).write(FOLDER / f"{NETWORK}.safetensors", half=True)
    for name in shipped:
        with Image.open(arguments.data / "paintings" / STYLES[name]) as picture:
            picture.thumbnail((SHIPPED, SHIPPED), Image.Resampling.LANCZOS)
            picture.convert("RGB").save(FOLDER / f"{name}.jpg", quality=85)


if __name__ == "__main__":
    main()
