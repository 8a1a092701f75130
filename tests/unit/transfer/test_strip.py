"""What a picture of ours says of its inputs: never their folders, and with `strip` neither names nor hashes."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from torch import Tensor

import impasto
from impasto.batch.jobs import Job, is_painted
from impasto.cli.app import main
from impasto.errors import RunError
from impasto.features.weights import load_weights, write_safetensors
from impasto.recipe.files import STRIPPED
from impasto.system.disk import file_sha256

FAST = ["--size", "64", "--steps", "1", "--first-scale", "0", "--threads", "1", "--quiet"]
INPUTS = ("photo", "painting", "second", "fine", "start", "mask")


@pytest.fixture
def private(tmp_path: Path, picture: Callable[..., Tensor], monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of inputs, each called private_..., beside the working folder; the photograph has its name in EXIF."""
    monkeypatch.setenv("IMPASTO_DATA", str(tmp_path / "data"))
    folder = tmp_path / "family_album"
    folder.mkdir()
    for number, name in enumerate(INPUTS):
        impasto.write_image(picture(48, 64, number), folder / f"private_{name}.png")
    exif = Image.Exif()
    exif[270] = "private_photo.png"
    with Image.open(folder / "private_photo.png") as photo:
        photo.save(folder / "private_photo.png", exif=exif)
    write_safetensors(load_weights("tiny"), folder / "network.safetensors")
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    return folder


def check_bytes(path: Path, private: Path, *, strip: bool) -> None:
    data = path.read_bytes()
    assert b"family_album" not in data and str(private.parent).encode() not in data
    hashes = [file_sha256(each).encode() for each in private.glob("private_*")]
    assert not strip or not any(each in data for each in (b"private_", *hashes)), path
    assert strip or b"private_p" in data or path.suffix == ".gif"


def at(private: Path, name: str) -> str:
    return str(private / f"private_{name}.png")


def run(*words: str) -> None:
    assert main([*words, *FAST]) == 0


def small(**changes: Any) -> impasto.Recipe:
    return impasto.Recipe(weights="tiny", size=64, steps=2, first_scale=0).replace(**changes)


@pytest.mark.parametrize("strip", [False, True])
def test_a_picture_names_no_folder_and_a_stripped_one_no_input(private: Path, strip: bool) -> None:
    recipe = small(init=at(private, "start"), weights=str(private / "network.safetensors"))
    mask: Any = at(private, "mask")
    result = impasto.stylize(
        *(at(private, "photo"), at(private, "painting"), recipe),
        fine_style=at(private, "fine"),
        content_masks=mask,
        style_masks=mask,
        only=mask,
        protect=mask,
    )
    for suffix in (".png", ".jpg", ".webp", ".tif"):
        path = Path(f"out{suffix}")
        result.save(path, strip=strip)
        check_bytes(path, private, strip=strip)
        inside: Any = impasto.read_metadata(path)
        assert inside["recipe"]["init"] == (STRIPPED if strip else "private_start.png")
        assert inside["recipe"]["weights"] == inside["weights"]["name"] == "network.safetensors"


@pytest.mark.parametrize("strip", [False, True])
def test_no_command_names_folders_and_with_strip_none_names_inputs(private: Path, strip: bool) -> None:
    photo, painting, second = at(private, "photo"), at(private, "painting"), at(private, "second")
    options = ["--weights", str(private / "network.safetensors"), *(["--strip"] if strip else [])]
    start = ["--init", at(private, "start")]
    run("stylize", photo, painting, "-o", "stylize.png", *options, *start)
    run("texture", painting, "-o", "texture.jpg", *options, *start)
    run("reconstruct", photo, "-o", "reconstruct.webp", "--content-layers", "conv2_2", *options, *start)
    run("batch", photo, painting, "-o", "batch", "--name-template", "batch.tif", *options, *start)
    for output in ("frames.tif", "frames.webp", "frames.gif"):
        run("stylize", photo, painting, second, "-o", output, "--frames", "2", *options, *start)
    run("sweep", photo, painting, "-o", "sheet.jpg", "--rows", "seed=0", "--columns", "strength=0.2", *options)
    compared = ["backbone", "compare", "tiny", photo, painting, "-o", "nets.jpg", *FAST, *options[2:]]
    assert main(compared) == 0
    pictures = [path for path in Path().rglob("*") if path.suffix in (".png", ".jpg", ".webp", ".tif", ".gif")]
    pictures = [path for path in pictures if path.name not in ("sheet.jpg", "nets.jpg")]  # these have no recipe
    assert len(pictures) == 10
    for path in pictures:
        check_bytes(path, private, strip=strip)


def test_resume_keeps_the_paths_beside_the_stripped_picture(private: Path) -> None:
    recipe = small(strip=True, init=at(private, "start"))
    impasto.stylize(at(private, "photo"), at(private, "painting"), recipe, run_dir="run", on_step=lambda event: "stop")
    impasto.resume("run").save("resumed.png")
    impasto.stylize(at(private, "photo"), at(private, "painting"), recipe).save("whole.png")
    check_bytes(Path("resumed.png"), private, strip=True)
    assert Path("resumed.png").read_bytes() == Path("whole.png").read_bytes()
    assert at(private, "start") in Path("run/run.json").read_text("utf-8")


def test_a_stripped_picture_is_repeated_from_inputs_given_by_hand(
    private: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with open(at(private, "painting"), "rb") as painting:
        impasto.stylize(
            at(private, "photo"), painting, small(init=at(private, "start"), steps=3), only=at(private, "mask")
        ).save("first.png", strip=True)
    check_bytes(Path("first.png"), private, strip=True)
    with pytest.raises(RunError, match=r"'first\.png' was painted with --strip") as caught:
        impasto.rerun("first.png", content=at(private, "photo"))
    assert caught.value.hint == "Give --style FILE --only FILE --init FILE."
    assert "expected its style image, mask of --only, start image." in caught.value.error
    given: Any = {"content": at(private, "photo"), "styles": [at(private, "painting")], "only": at(private, "mask")}
    impasto.rerun("first.png", init=at(private, "start"), **given).save("again.png")
    assert Path("again.png").read_bytes() == Path("first.png").read_bytes()
    assert [record.message for record in caplog.records if "--strip" in record.message] == [
        "'first.png' was painted with --strip: whether the content image, style image, mask of --only, start image "
        "given here is what it was painted from cannot be checked."
    ]
    given["content"] = impasto.read_image(at(private, "photo"))[..., :40]
    del given["only"]
    assert impasto.rerun("first.png", init="noise", only=given["content"][:, 0], **given).end == "steps"


def test_masks_of_rerun_replace_the_recorded_ones(private: Path) -> None:
    photo, painting = at(private, "photo"), at(private, "painting")
    impasto.stylize(photo, painting, small(), only=at(private, "mask")).save(private / "first.png")
    impasto.rerun(private / "first.png", only=at(private, "fine")).save("other.png")
    impasto.stylize(photo, painting, small(), only=at(private, "fine")).save("same.png")
    assert Path("other.png").read_bytes() == Path("same.png").read_bytes()


def test_weights_in_another_folder_are_found_by_their_hash(private: Path) -> None:
    recipe = small(weights=str(private / "network.safetensors"))
    photo, painting = at(private, "photo"), at(private, "painting")
    impasto.stylize(photo, painting, recipe, run_dir="auto").save("first.png")
    impasto.rerun("first.png").save("again.png")
    assert Path("again.png").read_bytes() == Path("first.png").read_bytes()


def test_a_batch_finds_its_pictures_by_paths_of_old_and_by_its_manifest_if_stripped(private: Path) -> None:
    photo, painting = at(private, "photo"), at(private, "painting")
    recipe = small(init=at(private, "start"))
    job = Job(photo, (painting,), "out.png", recipe)
    result = impasto.stylize(photo, painting, recipe)
    result.save("out.png")
    assert is_painted(job, Path("out.png"))
    old = {**result.metadata, "recipe": recipe.to_dict()}
    impasto.write_image(result.pastiche, "out.png", metadata=old)
    assert is_painted(job, Path("out.png"))
    other = private.parent / "private_start.png"
    other.write_bytes(Path(at(private, "second")).read_bytes())
    Path("out.png").touch()
    assert not is_painted(Job(photo, (painting,), "out.png", recipe.replace(init=str(other))), Path("out.png"))
    counts = []
    for _ in range(2):
        counts.append(impasto.stylize_batch(photo, painting, "batch", recipe.replace(strip=True)).tally)
    assert [(tally.done, tally.kept) for tally in counts] == [(1, 0), (0, 1)]


def test_stripped_panels_of_a_sweep_are_read_again_but_not_for_other_inputs(private: Path) -> None:
    axes: Any = {"rows": {"seed": [0]}, "columns": {"strength": [0.5]}}
    painted = []

    def sweep(photo: str) -> int:
        painted.clear()
        impasto.sweep(at(private, photo), at(private, "painting"), "sheet.png", recipe=small(strip=True), **axes,
                      on_step=painted.append)  # fmt: skip
        return len(painted)

    assert [sweep("photo"), sweep("photo"), sweep("second")] == [2, 0, 2]
    notes = json.loads(Path("sheet_panels/row1_column1.json").read_text("utf-8"))
    assert notes["inputs"][0] == file_sha256(private / "private_second.png")


@pytest.mark.parametrize("name", ["content", "#abc.png", "oxford"])
def test_a_file_named_like_a_word_stays_a_file_in_the_recipe(private: Path, name: str) -> None:
    start = private / name
    start.write_bytes(Path(at(private, "start")).read_bytes())
    result = impasto.stylize(at(private, "photo"), at(private, "painting"), small(init=str(start)))
    assert result.metadata["recipe"]["init"] == f"./{name}"
