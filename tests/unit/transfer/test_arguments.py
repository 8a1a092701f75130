"""What is no path, picture or name is refused by every public function with an error of ours, in one line."""

import os
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import impasto
from impasto import Recipe
from impasto.errors import (
    ImageRangeError,
    ImageReadError,
    ImpastoError,
    KeywordError,
    OutputError,
    RecipeError,
    RunError,
)
from impasto.features.weights import load_weights

PHOTO, PAINTING = "photo.png", "painting.png"
IMAGE = torch.zeros(1, 3, 8, 8)


class RaisingPath(os.PathLike[str]):
    def __fspath__(self) -> str:
        raise RuntimeError("no disk")


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
        lambda: impasto.read_image(RaisingPath()),
        lambda: impasto.read_metadata(RaisingPath()),
        lambda: impasto.write_image(IMAGE, RaisingPath()),
        lambda: impasto.write_image(IMAGE, "a\ud800.png"),
        lambda: impasto.write_image(IMAGE, "a.png", carried=3),  # type: ignore[arg-type]
        lambda: impasto.write_image(IMAGE, "a.png", dpi="a"),  # type: ignore[arg-type]
        lambda: impasto.write_image(IMAGE, "a.png", dpi=-3),
        lambda: impasto.write_image(IMAGE, "a.png", strip="a"),  # type: ignore[arg-type]
        lambda: impasto.write_image(IMAGE, "a.png", keep_profile=3),  # type: ignore[arg-type]
        lambda: impasto.read_image(PHOTO, max_pixels="a"),  # type: ignore[arg-type]
        lambda: impasto.read_image(PHOTO, max_pixels=None),  # type: ignore[arg-type]
        lambda: impasto.read_image(PHOTO, max_pixels=-1),
        lambda: impasto.read_image(np.ma.masked_less(np.zeros((8, 8)), 1)),
        lambda: impasto.read_image(torch.nested.nested_tensor([torch.zeros(3, 4)] * 2, layout=torch.jagged)),
        lambda: impasto.read_image(SimpleNamespace(read=3)),  # type: ignore[arg-type]
        lambda: impasto.stylize(PHOTO, PAINTING, weights=RaisingPath()),  # type: ignore[arg-type]
        lambda: impasto.stylize(PHOTO, PAINTING, run_dir=RaisingPath(), weights="tiny"),
        lambda: impasto.stylize_batch(b"photo", PAINTING, "b"),
        lambda: impasto.stylize_batch(PHOTO, b"painting", "b"),
        lambda: impasto.stylize_batch(PHOTO, PAINTING, "b", name_template=3),  # type: ignore[arg-type]
        lambda: Recipe.from_dict({3: 4}),  # type: ignore[dict-item]
        lambda: load_weights(3),  # type: ignore[arg-type]
    ],
)
@pytest.mark.usefixtures("folder")
def test_other_wrong_arguments_are_refused(call: Callable[[], object]) -> None:
    with pytest.raises(ImpastoError, match="expected") as caught:
        call()
    assert "\n" not in str(caught.value) and caught.value.hint


@pytest.mark.usefixtures("folder")
def test_the_function_called_is_named() -> None:
    with pytest.raises(KeywordError, match=r"^estimate\(\) has no keyword 'on_step'"):
        impasto.estimate(PHOTO, PAINTING, on_step=print)  # type: ignore[call-arg]


def test_a_matrix_and_a_masked_array_without_masked_pixels_are_arrays() -> None:
    grey = np.linspace(0, 1, 64).reshape(8, 8)
    for array in (grey.view(np.matrix), np.ma.masked_array(grey)):
        assert torch.equal(impasto.read_image(array), impasto.read_image(grey))


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
