"""Bodies of jobs: known fields, ids of pictures, and no file or address anywhere."""

from dataclasses import dataclass
from typing import Any

import pytest

from impasto.recipe.recipe import Recipe
from impasto.studio.job_body import check_job, check_recipe, strip_files
from impasto.studio.limits import Limits
from impasto.studio.refusal import Refusal

PHOTO, PAINTING = "a" * 32, "b" * 32

FILES = [
    *("/etc/passwd", "../../etc/passwd", "C:\\Windows\\win.ini", "\\\\server\\share\\a.png", "//server/share/a.png"),
    *("file:///etc/passwd", "http://127.0.0.1:1/a.png", "https://evil.example/a.png", "data:image/png;base64,AA"),
    *("weights.pth", "network.safetensors", "torchvision", "~/a.png", "./content", "\0", "c" * 32, "#12345", ""),
    *(7, True, ["a"], {"a": 1}),
]


@dataclass
class Pictures:
    """Two pictures, of 4000 x 3000 pixels."""

    name: str = "photo.jpg"
    width: int = 4000
    height: int = 3000
    film: dict[str, Any] | None = None

    def get(self, identity: object, gallery: str) -> "Pictures":
        if identity not in (PHOTO, PAINTING) or gallery != "main":
            raise Refusal("there is no picture.", "Send it.", status=404)
        return self


def check(limits: Limits | None = None, **body: Any) -> Any:
    return check_job({"content": PHOTO, "styles": [PAINTING], **body}, Pictures(), limits or Limits())


def refused(field: str | None, limits: Limits | None = None, **body: Any) -> None:
    with pytest.raises(Refusal) as caught:
        check(limits, **body)
    assert (caught.value.status, caught.value.field) == (422, field) and caught.value.hint


def test_a_job_is_complete() -> None:
    job = check(recipe={"steps": 10, "init": PAINTING}, preset="draft", only=PHOTO, protect="faces")
    assert (job.kind, job.content, job.styles, job.only) == ("stylize", PHOTO, (PAINTING,), PHOTO)
    assert job.recipe == Recipe.preset("draft", steps=10, init=PAINTING) and job.init == PAINTING
    assert (job.changed, job.protect, job.name) == ({"steps": 10, "init": PAINTING}, "faces", "photo + photo")
    assert check(kind="texture", content=None).preset == "texture"
    assert check(recipe={"init": "#e0c040"}).init is None
    assert check(styles=[PAINTING, PHOTO], style_masks=[PHOTO, None]).style_masks == (PHOTO, None)


def test_a_film_is_painted_from_a_still_by_a_known_method() -> None:
    def check_film(**body: Any) -> Any:
        pictures = Pictures(film={"of": PHOTO})
        return check_job({"kind": "film", "content": PHOTO, "styles": [PAINTING], **body}, pictures, Limits())

    assert check_film().film == {"method": "instant", "start_s": 0.0, "duration_s": None, "morph": False}
    assert check_film(film={"method": "optimize", "duration_s": 2}).film["duration_s"] == 2
    assert check_film(film={"morph": True}, styles=[PAINTING, PHOTO]).film["morph"]
    optimize, two = {"film": {"method": "optimize"}}, [PAINTING, PHOTO]
    assert check_film(only=PAINTING).only == check_film(**optimize, protect=PAINTING).protect == PAINTING
    assert check_film(**optimize, styles=two, content_masks=[PHOTO]).content_masks == (PHOTO,)
    for field, body in (
        ("film", {"film": {"method": "/etc/passwd"}}),
        ("film", {"film": {"sound": True}}),
        ("protect", {"protect": PAINTING}),
        ("content_masks", {"content_masks": [PAINTING]}),
        ("style_masks", {**optimize, "style_masks": [PAINTING]}),
        ("film", {"film": {"morph": True}}),
        ("film", {"film": {"morph": True}, "styles": two, "recipe": {"style_blend": [0.5, 0.5]}}),
        ("film", {"film": {"method": "optimize", "morph": True}, "styles": two, "content_masks": [PHOTO]}),
        ("film", {"film": {"method": "starry-night", "morph": True}, "styles": two}),
        ("styles", {"styles": []}),
        ("content", {"content": None}),
    ):
        with pytest.raises(Refusal) as caught:
            check_film(**body)
        assert (caught.value.status, caught.value.field) == (422, field)
    refused("content", kind="film")  # a picture that is no still


@pytest.mark.parametrize("value", FILES, ids=repr)
def test_a_file_or_an_address_is_refused_wherever_a_picture_or_a_network_is_named(value: Any) -> None:
    for field in ("content", "only", "protect", "fine_style"):
        refused(field, **{field: value})
    for field in ("styles", "content_masks", "style_masks"):
        refused(field, **{field: [value]})
    for field in ("init", "weights"):
        refused(field, recipe={field: value})


@pytest.mark.parametrize(
    ("field", "body"),
    [
        ("nonsense", {"nonsense": 1}),
        ("run_dir", {"run_dir": "/tmp"}),
        ("kind", {"kind": "video"}),
        ("preset", {"preset": "/etc/passwd"}),
        ("preset", {"preset": ["draft"]}),
        ("name", {"name": "a\nb"}),
        ("name", {"name": "a" * 201}),
        ("content", {"content": None}),
        ("content", {"kind": "texture"}),
        ("styles", {"styles": []}),
        ("styles", {"styles": PAINTING}),
        ("styles", {"styles": [PAINTING] * 9}),
        ("recipe", {"recipe": [1]}),
        ("recipe", {"recipe": {"run_dir": "/tmp"}}),
        ("recipe", {"recipe": {"strenght": 1}}),
        ("strength", {"recipe": {"strength": 2}}),
        ("strength", {"recipe": {"strength": float("nan")}}),
        ("size", {"recipe": {"size": [3, 4]}}),
        ("size", {"recipe": {"size": 20_000}}),
        ("size", {"recipe": {"size": "9000cm"}}),
        ("size", {"recipe": {"size": "9000 high"}, "limits": Limits(size=10_000)}),
        ("size", {"recipe": {"size": "content"}, "limits": Limits(size=3_999)}),
        ("style_scale", {"recipe": {"style_scale": 1000.0}}),
        ("style_size", {"recipe": {"style_size": 10**9}}),
        ("steps", {"recipe": {"steps": 5_001}}),
        ("history", {"recipe": {"history": 10**9}}),
    ],
)
def test_what_is_unknown_wrong_or_too_much_is_refused_with_its_field(field: str, body: dict[str, Any]) -> None:
    refused(field, **body)


@pytest.mark.parametrize("body", [None, [], "x", 7])
def test_a_body_that_is_no_object_is_refused(body: object) -> None:
    with pytest.raises(Refusal, match="expected an object"):
        check_job(body, Pictures(), Limits())


def test_a_picture_of_another_gallery_is_refused() -> None:
    with pytest.raises(Refusal):
        check_job({"content": PHOTO, "styles": [PAINTING]}, Pictures(), Limits(), "other")


def test_a_recipe_out_of_a_picture_comes_without_its_files() -> None:
    values, left_out = strip_files(Recipe(init="/etc/passwd", weights="http://evil.example/a.pth", steps=7))
    assert "init" not in values and "weights" not in values and values["steps"] == 7 and len(left_out) == 2
    assert check_recipe(values, Pictures(), Limits())["steps"] == 7
    assert strip_files(Recipe()) == (Recipe().to_dict(), ())
