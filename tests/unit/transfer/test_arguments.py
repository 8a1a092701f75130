"""What is no path, picture or name is refused by every public function with an error of ours, in one line."""

from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import impasto
from impasto import Recipe
from impasto.errors import ImageRangeError, ImageReadError, ImpastoError, OutputError, RecipeError, RunError

PHOTO, PAINTING = "photo.png", "painting.png"
IMAGE = torch.zeros(1, 3, 8, 8)

CALLS: dict[str, tuple[type[ImpastoError], Callable[[Any], object]]] = {
    "resume": (RunError, lambda wrong: impasto.resume(wrong)),
    "rerun": (ImageReadError, lambda wrong: impasto.rerun(wrong)),
    "write_image": (OutputError, lambda wrong: impasto.write_image(IMAGE, wrong)),
    "Recipe.read": (RecipeError, lambda wrong: Recipe.read(wrong)),
    "sweep": (OutputError, lambda wrong: impasto.sweep(PHOTO, PAINTING, wrong)),
    "reproduce_paper": (OutputError, lambda wrong: impasto.reproduce_paper(PHOTO, [PAINTING], wrong)),
    "stylize_batch": (OutputError, lambda wrong: impasto.stylize_batch(PHOTO, PAINTING, wrong)),
}


@pytest.mark.parametrize("wrong", [3, None, b"a.png", BytesIO(), [], IMAGE], ids=lambda each: type(each).__name__)
@pytest.mark.parametrize("name", CALLS)
@pytest.mark.usefixtures("folder")
def test_what_is_no_path_is_refused(name: str, wrong: Any) -> None:
    error, call = CALLS[name]
    with pytest.raises(error, match="expected a path") as caught:
        call(wrong)
    assert "\n" not in str(caught.value) and caught.value.hint


@pytest.mark.parametrize(
    "call",
    [
        lambda: impasto.write_image(IMAGE, "a\0.png"),
        lambda: Recipe.read("a\0.toml"),
        lambda: impasto.stylize_batch(PHOTO, PAINTING, "b\0"),
        lambda: impasto.write_image(3, "a.png"),  # type: ignore[arg-type]
        lambda: impasto.write_image(np.zeros((1, 3, 8, 8)), "a.png"),  # type: ignore[arg-type]
        lambda: impasto.write_image(Image.new("RGB", (8, 8)), "a.png"),  # type: ignore[arg-type]
        lambda: impasto.write_image(IMAGE.to_sparse(), "a.png"),
        lambda: impasto.write_image(IMAGE.to("meta"), "a.png"),
        lambda: Recipe.preset(3),  # type: ignore[arg-type]
        lambda: Recipe.preset([]),  # type: ignore[arg-type]
        lambda: Recipe.from_toml(b"size = 64"),  # type: ignore[arg-type]
        lambda: Recipe.from_toml(3),  # type: ignore[arg-type]
        lambda: impasto.sweep(PHOTO, PAINTING, "grid.png", {3: [1]}),  # type: ignore[dict-item]
        lambda: impasto.sweep(PHOTO, PAINTING, "grid.png", run_dir="run"),
        lambda: impasto.sweep(PHOTO, PAINTING, "grid.png", on_step=3),  # type: ignore[arg-type]
        lambda: impasto.sweep(PHOTO, PAINTING, "grid.png", on_cell=3),  # type: ignore[arg-type]
        lambda: impasto.reproduce_paper(PHOTO, PAINTING, "figures", strength=0.5),  # type: ignore[call-arg]
        lambda: impasto.reproduce_paper(PHOTO, PAINTING, "figures", run_dir="run"),
        lambda: impasto.reproduce_paper(PHOTO, PAINTING, "figures", on_figure="f"),  # type: ignore[arg-type]
        lambda: impasto.reproduce_paper(PHOTO, 3, "figures"),  # type: ignore[arg-type]
        lambda: impasto.reproduce_paper(PHOTO, [], "figures"),
        lambda: impasto.stylize_batch(PHOTO, PAINTING, "b", on_step=print),  # type: ignore[call-arg]
        lambda: impasto.stylize_batch(PHOTO, PAINTING, "b", on_event=3),  # type: ignore[arg-type]
        lambda: impasto.morph(PHOTO, [PAINTING, PAINTING], on_step=3),  # type: ignore[arg-type]
        lambda: impasto.estimate(PHOTO, PAINTING, on_step=print),  # type: ignore[call-arg]
        lambda: impasto.synthesize_texture(PAINTING, tileable="no"),  # type: ignore[arg-type]
        lambda: impasto.stylize(PHOTO, PAINTING, run_dir="a\0b", weights="tiny"),
    ],
)
@pytest.mark.usefixtures("folder")
def test_other_wrong_arguments_are_refused(call: Callable[[], object]) -> None:
    with pytest.raises(ImpastoError, match="expected") as caught:
        call()
    assert "\n" not in str(caught.value) and caught.value.hint


class Stream:
    """An open file that cannot go back, or fails."""

    def __init__(self, data: bytes | Exception) -> None:
        self.data = data

    def read(self) -> bytes:
        if isinstance(self.data, Exception):
            raise self.data
        data, self.data = self.data, b""
        return data


@pytest.mark.usefixtures("folder")
def test_streams_that_cannot_go_back_are_read_once_and_their_errors_are_named() -> None:
    tiny: Any = {"weights": "tiny", "size": 48, "steps": 1, "first_scale": 0}
    photo, painting = (Path(name).read_bytes() for name in (PHOTO, PAINTING))
    axes: Any = {"strength": [0.2]}, {"seed": [0, 1]}
    sheet = impasto.sweep(Stream(photo), Stream(painting), "grid.png", *axes, **tiny)  # type: ignore[arg-type]
    expected = impasto.sweep(PHOTO, PAINTING, "other.png", *axes, **tiny)
    assert torch.equal(sheet.sheet, expected.sheet)
    with pytest.raises(ImageReadError, match="cannot be read .*cable"):
        impasto.stylize(Stream(RuntimeError("the cable is out")), PAINTING, **tiny)  # type: ignore[arg-type]


@pytest.mark.usefixtures("folder")
def test_the_recipe_inside_bytes_is_compared_as_that_of_the_file() -> None:
    tiny: Any = {"weights": "tiny", "size": 48, "steps": 1, "first_scale": 0, "strength": 0.8}
    impasto.stylize(PHOTO, PAINTING, **tiny).save("pastiche.png")
    expected = impasto.compare(PHOTO, PAINTING, "pastiche.png").total
    data = Path("pastiche.png").read_bytes()
    assert impasto.read_metadata(data) == impasto.read_metadata("pastiche.png")
    for held in (data, BytesIO(data), Stream(data)):
        assert impasto.compare(PHOTO, PAINTING, held).total == expected  # type: ignore[arg-type]


@pytest.mark.usefixtures("folder")
def test_rerun_takes_one_style_and_a_callback_may_return_anything() -> None:
    tiny: Any = {"weights": "tiny", "size": 48, "steps": 2, "first_scale": 0}
    impasto.stylize(PHOTO, PAINTING, **tiny, on_step=lambda event: np.zeros(3)).save("pastiche.png")
    expected = impasto.rerun("pastiche.png", styles=[PAINTING])
    assert torch.equal(impasto.rerun("pastiche.png", styles=PAINTING).pastiche, expected.pastiche)
    with pytest.raises(ImageRangeError, match="style_image is a int"):
        impasto.rerun("pastiche.png", styles=3)  # type: ignore[arg-type]
