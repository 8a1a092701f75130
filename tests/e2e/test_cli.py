"""The command line: the files it writes, its JSON, one line for each mistake, signals."""

import itertools
import json
import re
import shutil
import signal
import struct
import subprocess
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from torch import Tensor

from impasto import read_image, read_metadata, write_image
from impasto.cli.app import main
from impasto.features import encoder

FAST = ("--weights", "tiny", "--size", "64", "--steps", "3", "--first-scale", "0", "--threads", "1")
ENDLESS = ("--weights", "tiny", "--size", "64", "--steps", "1000000", "--first-scale", "0")


Start = Callable[..., "subprocess.Popen[str]"]


def finish(process: "subprocess.Popen[str]") -> tuple[int, str, str]:
    out, err = process.communicate(timeout=60)
    return process.returncode, out, err


def size_of(path: str) -> tuple[int, int]:
    with Image.open(path) as picture:
        return picture.size


def test_stylize_writes_the_picture_and_one_json_object(folder: Path, start: Start) -> None:
    more = ("--first-scale", "32", "--snapshot-every", "1", "--animation", "evolution.webp", "--json")
    code, out, err = finish(start("stylize", "photo.png", "painting.png", "-o", "out.png", *FAST, *more))
    assert code == 0, err
    values = json.loads(out)
    assert set(values) == {
        "output", "size", "steps", "seconds", "losses", "peak_bytes", "end", "run", "recipe", "snapshots", "animation",
        "run_dir",
    }  # fmt: skip
    assert (values["output"], values["size"]) == ("out.png", {"width": 64, "height": 48})
    assert (values["steps"], values["end"]) == (3, "steps")
    assert values["losses"]["total"] > 0
    assert values["recipe"]["weights"] == "tiny"
    assert values["snapshots"] == [str(Path("out_steps") / f"step_000{step}.png") for step in (1, 2, 3)]
    assert [size_of(path) for path in values["snapshots"]] == [(64, 48)] * 3
    assert size_of("evolution.webp") == (64, 48)
    assert read_metadata("out.png") is not None
    assert "painting at 32 px (1 of 2), step 1 of 3" in err
    assert "painting at 64 px (2 of 2), step 2 of 3" in err
    assert "impasto: warning" not in err


def test_without_json_the_result_is_a_line_and_quiet_silences_progress(
    folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["stylize", "photo.png", "painting.png", "-o", "out.jpg", *FAST, "--quiet"]) == 0
    out, err = capfd.readouterr()
    assert out.startswith("out.jpg: 64x48, 3 steps in ")
    assert "loss" not in out and "content" not in out  # `impasto runs show` has them
    assert err == ""


def test_a_recipe_file_and_options_make_the_recipe(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    Path("mine.toml").write_text('weights = "tiny"\nsize = 32\nsteps = 2\ninit = "noise"\n', "utf-8")
    arguments = ["stylize", "photo.png", "painting.png", "painting.png", "-o", "out.png", "--recipe", "mine.toml"]
    options = ["--style-blend", "3,1", "--no-rescaled-network", "--style-weight", "5", "--steps", "1"]
    assert main([*arguments, *options, "--threads", "1", "--json"]) == 0
    recipe = json.loads(capfd.readouterr().out)["recipe"]
    assert (recipe["size"], recipe["init"], recipe["steps"], recipe["style_weight"]) == (32, "noise", 1, 5.0)
    assert recipe["style_blend"] == [3.0, 1.0]
    assert "strength" not in recipe


def test_fine_strokes_are_reported_and_recorded(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    arguments = ["stylize", "photo.png", "painting.png", "-o", "out.png", "--fine-style", "painting.png", *FAST]
    assert main(arguments) == 0
    assert "for the fine strokes" in capfd.readouterr().err
    inputs: Any = (read_metadata("out.png") or {})["inputs"]
    assert [(entry["role"], entry["name"]) for entry in inputs][2:] == [("fine_style", "painting.png")]


MORPH = ("stylize", "photo.png", "painting.png", "photo.png", "--frames", "4", "--frame-steps", "2")


def test_a_morph_is_an_animation_or_numbered_pictures(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    for name in ("morph.webp", "morph.gif"):
        assert main([*MORPH, "-o", name, *FAST, "--quiet"]) == 0
        assert capfd.readouterr().out.startswith(f"{name}: 4 frames, 64x48, 9 steps in ")
        with Image.open(name) as animation:
            # Pillow joins frames that came out the same.
            assert getattr(animation, "n_frames", 1) in (2, 3, 4)
            assert animation.size == (64, 48)
    recipe: Any = (read_metadata("morph.webp") or {})["recipe"]
    assert (recipe["frames"], recipe["frame_steps"]) == (4, 2)
    assert main([*MORPH, "-o", "morph.png", *FAST, "--json"]) == 0
    out, err = capfd.readouterr()
    values = json.loads(out)
    assert [frame["output"] for frame in values["frames"]] == [f"morph_000{number}.png" for number in (1, 2, 3, 4)]
    assert [frame["frame"]["style_blend"] for frame in values["frames"]][:: 3] == [[1, 0], [0, 1]]
    assert (values["output"], values["steps"], values["recipe"]["frames"]) == ("morph.png", 9, 4)
    assert "4 frames of 64x48" in err
    assert "frame 4/4" in err
    assert size_of("morph_0004.png") == (64, 48)
    assert not Path("morph.png").exists()
    assert main([*MORPH, "-o", "dry.png", *FAST, "--dry-run", "--json"]) == 0
    assert json.loads(capfd.readouterr().out)["frames"] == 4
    assert list(folder.glob("dry*")) == []


@pytest.mark.parametrize("output", ["morph.webp", "morph.png"])
def test_a_stopped_morph_keeps_its_frames(output: str, folder: Path, start: Start) -> None:
    frames = ("--frames", "4", "--frame-steps", "1000000", "--json", "-o", output)
    process = start("stylize", "photo.png", "painting.png", "photo.png", *frames, *FAST)
    assert process.stderr is not None
    lines = list(itertools.takewhile(lambda line: "frame 2/4" not in line, process.stderr))
    assert "frame 1/4" in "".join(lines)
    process.send_signal(signal.SIGINT)
    code, out, err = finish(process)
    assert (code, "Traceback" in err) == (130, False)
    values = json.loads(out)
    assert (len(values["frames"]), values["end"], values["steps"]) == (1, "steps", 3)
    assert size_of("morph.webp" if output == "morph.webp" else "morph_0001.png") == (64, 48)


def test_a_texture_has_the_depth_that_is_asked_for(folder: Path) -> None:
    fast = (*FAST, "--quiet", "--style-size", "64")
    assert main(["texture", "photo.png", "-o", "out.png", "--depth", "16", *fast]) == 0
    assert Path("out.png").read_bytes()[24] == 16
    assert main(["texture", "photo.png", "-o", "out.jpg", "--depth", "16", *fast]) == 2


def test_the_same_seed_gives_the_same_bytes(folder: Path) -> None:
    for name in ("a.png", "b.png"):
        assert main(["stylize", "photo.png", "painting.png", "-o", name, *FAST, "--init", "noise", "--quiet"]) == 0
    assert Path("a.png").read_bytes() == Path("b.png").read_bytes()


def write_bomb(path: Path) -> None:
    header = b"IHDR" + struct.pack(">IIBBBBB", 40_000, 40_000, 8, 2, 0, 0, 0)
    data = b"IDAT" + zlib.compress(b"\0" * 100)
    chunks = [struct.pack(">I", len(c) - 4) + c + struct.pack(">I", zlib.crc32(c)) for c in (header, data, b"IEND")]
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(chunks))


@pytest.fixture(scope="module")
def bad_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of everything that BAD and BAD_EXPERIMENTS name, beside photo.png and painting.png."""
    folder = tmp_path_factory.mktemp("bad")
    (folder / "text.jpg").write_text("this is no picture at all\n", "ascii")
    (folder / "empty.png").touch()
    photo = torch.rand(1, 3, 48, 64, generator=torch.Generator().manual_seed(0))
    write_image(photo, folder / "whole.jpg")
    whole = (folder / "whole.jpg").read_bytes()
    (folder / "cut.jpg").write_bytes(whole[: len(whole) // 2])
    write_image(torch.full((1, 3, 4000, 15), 0.5), folder / "narrow.png")
    write_bomb(folder / "bomb.png")
    torch.save({"features.0.weight": torch.zeros(3)}, folder / "damaged.pth")
    data = bytearray((folder / "damaged.pth").read_bytes())
    (folder / "damaged.pth").write_bytes(data[: len(data) // 2])
    write_image(torch.full((1, 3, 40, 31), 0.5), folder / "small.png")
    (folder / "taken_panels").write_text("not a folder", "ascii")
    (folder / "seen_panels").mkdir()
    (folder / "book" / "figure2").mkdir(parents=True)
    for name in ("seen_panels/row1_column1.png", "book/figure1.png", "book/figure2/style1.png"):
        write_image(photo, folder / name)
    write_image(photo, folder / "photo_0002.png")
    write_image(photo, folder / "a.webp")
    (folder / "steps").mkdir()
    write_image(photo, folder / "steps" / "step_0001.png")
    (folder / "taken").mkdir()
    (folder / "taken" / "figure2").write_text("not a folder", "ascii")
    (folder / "broken.toml").write_text("size = [1\n", "ascii")
    (folder / "misspelled.toml").write_text("style_scael = 2\n", "ascii")
    (folder / "newer.toml").write_text("format_version = 99\nmood = 'calm'\n", "ascii")
    (folder / "unknown.toml").write_text("stiles = 1\n", "ascii")
    return folder


LONG = 300 * "a" + ".png"

BAD: dict[str, tuple[list[str], str]] = {
    "missing content": (["photo.pgn", "painting.png"], "Did you mean 'photo.png'?"),
    "missing style": (["photo.png", "nowhere.png"], "'nowhere.png' does not exist"),
    "text named .jpg": (["text.jpg", "painting.png"], "text that begins"),
    "truncated JPEG": (["cut.jpg", "painting.png"], "damaged or cut short"),
    "0 bytes": (["photo.png", "empty.png"], "0 bytes"),
    "a folder": ([".", "painting.png"], "is a folder"),
    "15 x 4000": (["narrow.png", "painting.png"], "15x4000"),
    "narrow style": (["photo.png", "narrow.png"], "15x4000"),
    "bomb": (["bomb.png", "painting.png"], "--max-pixels 1600000000"),
    "too many pixels": (["photo.png", "painting.png", "--max-pixels", "100"], "expected at most 100"),
    "unknown layer": (["photo.png", "painting.png", "--content-layers", "conv4_5"], "Did you mean 'conv4_"),
    "unknown preset": (["photo.png", "painting.png", "--preset", "papr"], "Did you mean 'paper'?"),
    "preset and recipe": (["photo.png", "painting.png", "--preset", "paper", "--recipe", "a.toml"], "both given"),
    "no recipe file": (["photo.png", "painting.png", "--recipe", "a.toml"], "cannot be read"),
    "broken recipe file": (["photo.png", "painting.png", "--recipe", "broken.toml"], "is not TOML"),
    "unknown field": (["photo.png", "painting.png", "--recipe", "unknown.toml"], "'stiles'"),
    "misspelled field": (["photo.png", "painting.png", "--recipe", "misspelled.toml"], "Did you mean 'style_scale'?"),
    "newer recipe file": (["photo.png", "painting.png", "--recipe", "newer.toml"], "Install a newer impasto"),
    "unknown choice": (["photo.png", "painting.png", "--pooling", "averag"], "Did you mean 'average'?"),
    "negative weight": (["photo.png", "painting.png", "--style-weight", "-1"], "--style-weight is -1"),
    "NaN weight": (["photo.png", "painting.png", "--content-weight", "nan"], "--content-weight is nan"),
    "no number": (["photo.png", "painting.png", "--steps", "many"], "steps is 'many'"),
    "strength and weight": (["photo.png", "painting.png", "--strength", "1", "--style-weight", "1"], "one way"),
    "blend of three": (["photo.png", "painting.png", "--style-blend", "1,2,3"], "3 weights for 1 style"),
    "unknown start": (["photo.png", "painting.png", "--init", "nois"], "Did you mean 'noise'?"),
    "no such weights": (["photo.png", "painting.png", "--weights", "oxfort"], "oxford"),
    "damaged weights": (["photo.png", "painting.png", "--weights", "damaged.pth"], "damaged"),
    "unknown device": (["photo.png", "painting.png", "--device", "tpu"], "'tpu'"),
    "no threads": (["photo.png", "painting.png", "--threads", "0"], "--threads"),
    "unknown option": (["photo.png", "painting.png", "--style-wieght", "1"], "Did you mean --style-weight?"),
    "missing style argument": (["photo.png"], "missing argument 'STYLE'"),
    "option without value": (["photo.png", "painting.png", "--steps"], "--steps"),
    "output folder missing": (["photo.png", "painting.png", "-o", "no/where.png"], "mkdir -p no"),
    "unwritable output": (["photo.png", "painting.png", "-o", "/proc/out.png"], "no file can be made"),
    "output is a folder": (["photo.png", "painting.png", "-o", "."], "is a folder"),
    "output of unknown kind": (["photo.png", "painting.png", "-o", "out.pgn"], "Did you mean 'out.png'?"),
    "output is the content": (["photo.png", "painting.png", "-o", "photo.png"], "is the input"),
    "output is the style": (["photo.png", "painting.png", "-o", "./painting.png"], "is the input"),
    "output is the start": (["photo.png", "painting.png", "--init", "whole.jpg", "-o", "whole.jpg"], "is the input"),
    "animation of unknown kind": (["photo.png", "painting.png", "--animation", "a.mp4"], "expected .webp or .gif"),
    "animation is the output": (["photo.png", "painting.png", "-o", "a.webp", "--animation", "a.webp"], "'a.webp'"),
    "snapshot folder is a file": (
        ["photo.png", "painting.png", "--snapshot-every", "1", "--snapshot-dir", "photo.png"],
        "not a folder",
    ),
    "long content": ([LONG, "painting.png"], "File name too long"),
    "long style": (["photo.png", LONG], "File name too long"),
    "long recipe file": (["photo.png", "painting.png", "--recipe", LONG], "File name too long"),
    "long weights": (["photo.png", "painting.png", "--weights", LONG], "neither a known name nor a file"),
    "long start": (["photo.png", "painting.png", "--init", LONG], "neither a known start nor a file"),
    "long output": (["photo.png", "painting.png", "-o", LONG], "File name too long"),
    "long output folder": (["photo.png", "painting.png", "-o", f"{LONG}/out.png"], "File name too long"),
    "long animation": (["photo.png", "painting.png", "--animation", f"{LONG}.gif"], "File name too long"),
    "long snapshot folder": (
        ["photo.png", "painting.png", "--snapshot-every", "1", "--snapshot-dir", LONG],
        "File name too long",
    ),
    "a snapshot is the content": (
        ["steps/step_0001.png", "painting.png", "--snapshot-every", "1", "--snapshot-dir", "steps"],
        "snapshot 'steps/step_0001.png' is the input",
    ),
    "missing fine style": (["photo.png", "painting.png", "--fine-style", "phot.png"], "Did you mean 'photo.png'?"),
    "output is the fine style": (
        ["photo.png", "painting.png", "--fine-style", "whole.jpg", "-o", "whole.jpg"],
        "is the input",
    ),
    "no fine layer": (
        ["photo.png", "painting.png", "--fine-style", "painting.png", "--fine-layers", ""],
        "--fine-layers is empty",
    ),
    "unknown fine layer": (["photo.png", "painting.png", "--fine-layers", "conv2_3"], "names the layer 'conv2_3'"),
    "frames of one style": (["photo.png", "painting.png", "--frames", "4"], "Give another painting"),
    "fewer frames than styles": (["photo.png", *3 * ["painting.png"], "--frames", "2"], "--frames 24"),
    "frames and a blend": (
        ["photo.png", *2 * ["painting.png"], "--frames", "4", "--style-blend", "1,1"],
        "Leave --style-blend out",
    ),
    "frames and snapshots": (
        ["photo.png", *2 * ["painting.png"], "--frames", "4", "--snapshot-every", "1"],
        "expected one of them",
    ),
    "no frame": (["photo.png", *2 * ["painting.png"], "--frames", "0"], "frames is 0"),
    "no steps of a frame": (["photo.png", *2 * ["painting.png"], "--frame-steps", "0"], "--frame-steps is 0"),
    "a frame is an input": (
        ["photo_0002.png", *2 * ["painting.png"], "--frames", "4", "-o", "photo.png"],
        "'photo_0002.png' is the input",
    ),
    "animated output is an input": (
        ["photo.png", "painting.png", "a.webp", "--frames", "4", "-o", "a.webp"],
        "is also the input",
    ),
    "frames of unknown kind": (["photo.png", *2 * ["painting.png"], "--frames", "4", "-o", "a.mp4"], "'.mp4'"),
    "16 bits in an animation": (
        ["photo.png", *2 * ["painting.png"], "--frames", "4", "-o", "a.gif", "--depth", "16"],
        "Write numbered pictures: -o a.png",
    ),
    "snapshot folder alone": (["photo.png", "painting.png", "--snapshot-dir", "steps"], "--snapshot-every"),
}


# The experiments' bad input. Each begins with its command.
BAD_EXPERIMENTS: dict[str, tuple[list[str], str]] = {
    "texture: sample under 32 px": (["texture", "small.png"], "texture sample is 31x40; expected at least 32"),
    "texture: second sample under 32 px": (["texture", "photo.png", "small.png"], "texture sample is 31x40"),
    "texture: missing sample": (["texture", "phot.png"], "Did you mean 'photo.png'?"),
    "texture: no sample": (["texture"], "missing argument 'SAMPLE"),
    "texture: too small": (["texture", "photo.png", "--size", "64x15"], "conv5_1 needs at least 16"),
    "texture: no multiple of 16": (["texture", "photo.png", "--tileable", "--size", "100x50"], "--size 96x48"),
    "texture: edge no multiple of 16": (["texture", "photo.png", "--tileable", "--size", "100"], "--size 96"),
    "texture: width no multiple of 16": (["texture", "photo.png", "--wrap", "x", "--size", "100x50"], "--size 96x50"),
    "texture: unknown wrap": (["texture", "photo.png", "--wrap", "y"], "wrap is 'y'; expected x or xy"),
    "texture: two wraps": (["texture", "photo.png", "--tileable", "--wrap", "x"], "expected one of them"),
    "texture: malformed size": (["texture", "photo.png", "--size", "64x"], "1024x768"),
    "texture: unknown statistic": (["texture", "photo.png", "--statistic", "gramm"], "Did you mean 'gram'?"),
    "texture: no layer": (["texture", "photo.png", "--style-layers", ""], "Name a layer"),
    "texture: content alone": (
        ["texture", "photo.png", "--style-layers", "", "--content-layers", "conv4_2"],
        "--style-layers is empty",
    ),
    "texture: from the content": (["texture", "photo.png", "--init", "content"], "init is 'content'"),
    "texture: no strength": (["texture", "photo.png", "--strength", "0"], "strength is 0; expected more than 0"),
    "texture: no style weight": (["texture", "photo.png", "--style-weight", "0"], "--style-weight is 0; expected a"),
    "texture: no statistic weight": (["texture", "photo.png", "--statistic", "gram:0"], "one weight above 0"),
    "texture: output is the sample": (["texture", "photo.png", "-o", "photo.png"], "is the input"),
    "reconstruct: no layer": (["reconstruct", "photo.png"], "both empty"),
    "reconstruct: both kinds": (
        ["reconstruct", "photo.png", "--content-layers", "conv1_1", "--style-layers", "conv1_1"],
        "both given",
    ),
    "reconstruct: unknown layer": (["reconstruct", "photo.png", "--content-layers", "conv4_5"], "Did you mean 'conv4_"),
    "reconstruct: too small": (
        ["reconstruct", "photo.png", "--content-layers", "conv5_1", "--size", "15"],
        "conv5_1 needs at least 16",
    ),
    "reconstruct: two sides": (
        ["reconstruct", "photo.png", "--content-layers", "conv1_1", "--size", "64x64"],
        "keeps the picture's aspect",
    ),
    "reconstruct: from itself": (
        ["reconstruct", "photo.png", "--content-layers", "conv1_1", "--init", "content"],
        "does not start from it",
    ),
    "reconstruct: one weight for two layers": (
        ["reconstruct", "photo.png", "--style-layers", "conv1_1,conv2_1", "--style-layer-weights", "1"],
        "--style-layer-weights has 1 numbers for 2 layers",
    ),
    "reconstruct: the other kind's layer weights": (
        ["reconstruct", "photo.png", "--content-layers", "conv1_1", "--style-layer-weights", "1"],
        "style_layer_weights are given to reconstruct content_layers",
    ),
    "reconstruct: no weight on the content": (
        ["reconstruct", "photo.png", "--content-layers", "conv1_1", "--content-weight", "0"],
        "--content-weight 1",
    ),
    "reconstruct: no weight on the style": (
        ["reconstruct", "photo.png", "--style-layers", "conv1_1", "--style-weight", "0"],
        "--style-weight 1",
    ),
    "reconstruct: a strength": (
        ["reconstruct", "photo.png", "--style-layers", "conv1_1", "--strength", "0"],
        "no such option",
    ),
    "reconstruct: statistic of another layer": (
        ["reconstruct", "photo.png", "--style-layers", "conv1_1", "--statistic", "gram@conv2_1"],
        "Add conv2_1 to --style-layers",
    ),
    "sweep: unknown field": (["sweep", "photo.png", "painting.png", "--rows", "strenght=1"], "you mean 'strength'?"),
    "sweep: a field like no other": (["sweep", "photo.png", "painting.png", "--rows", "qqq=1"], "Choose one of these"),
    "sweep: malformed range": (["sweep", "photo.png", "painting.png", "--rows", "strength=0..1"], "is '0..1'"),
    "sweep: no value": (["sweep", "photo.png", "painting.png", "--columns", "strength="], "is malformed"),
    "sweep: empty values": (["sweep", "photo.png", "painting.png", "--columns", "strength=,"], "is malformed"),
    "sweep: no equals sign": (["sweep", "photo.png", "painting.png", "--columns", "strength"], "is malformed"),
    "sweep: value out of range": (["sweep", "photo.png", "painting.png", "--rows", "strength=0,2"], "strength is 2"),
    "sweep: unknown statistic": (
        ["sweep", "photo.png", "painting.png", "--rows", "statistic=gram,momants"],
        "Did you mean 'moments'?",
    ),
    "sweep: one field twice": (
        ["sweep", "photo.png", "painting.png", "--rows", "strength=0,1", "--columns", "strength=0,1"],
        "columns strength override rows strength",
    ),
    "sweep: one value twice": (["sweep", "photo.png", "painting.png", "--columns", "seed=0,0"], "the same recipe"),
    "sweep: one field twice, one value each": (
        ["sweep", "photo.png", "painting.png", "--rows", "strength=0.2", "--columns", "strength=0.3"],
        "columns strength override rows strength",
    ),
    "sweep: columns left at figure 3's override the rows": (
        ["sweep", "photo.png", "painting.png", "--rows", "strength=0.2"],
        "Give --columns",
    ),
    "sweep: two sides": (["sweep", "photo.png", "painting.png", "--rows", "size=64x48"], "photograph's aspect"),
    "sweep: an output is a start": (
        ["sweep", "photo.png", "painting.png", "--rows", "init=noise,whole.jpg", "-o", "whole.jpg"],
        "is the input 'whole.jpg'",
    ),
    "sweep: a panel is an input": (
        ["sweep", "seen_panels/row1_column1.png", "painting.png", "-o", "seen.png"],
        "is the input 'seen_panels/row1_column1.png'; expected another file. Choose another -o",
    ),
    "sweep: a panel is a start": (
        ["sweep", "photo.png", "painting.png", "--init", "seen_panels/row1_column1.png", "-o", "seen.png"],
        "is the input 'seen_panels/row1_column1.png'; expected another file. Choose another -o",
    ),
    "sweep: no layer": (
        ["sweep", "photo.png", "painting.png", "--content-layers", "", "--style-layers", ""],
        "Name a layer",
    ),
    "sweep: last panels too small": (["sweep", "photo.png", "painting.png", "--size", "15"], "conv5_1 needs at least"),
    "sweep: a size too small": (
        ["sweep", "photo.png", "painting.png", "--rows", "size=64,8", "--columns", "seed=0"],
        "8x6",
    ),
    "sweep: missing style": (["sweep", "photo.png", "nowhere.png"], "'nowhere.png' does not exist"),
    "sweep: output is an input": (["sweep", "photo.png", "painting.png", "-o", "photo.png"], "is the input"),
    "sweep: panels' folder is a file": (["sweep", "photo.png", "painting.png", "-o", "taken.png"], "not a folder"),
    "paper: too small": (["paper", "photo.png", "painting.png", "--size", "15"], "conv5_1 needs at least 16"),
    "paper: two sides": (["paper", "photo.png", "painting.png", "--size", "64x64"], "expected the long edge of all"),
    "paper: no size": (["paper", "photo.png", "painting.png", "--size", "content"], "size is 'content'; expected the"),
    "paper: no steps": (["paper", "photo.png", "painting.png", "--steps", "0"], "steps is 0"),
    "paper: missing style": (["paper", "photo.png", "painting.png", "nowhere.png"], "'nowhere.png' does not exist"),
    "paper: no style": (["paper", "photo.png"], "missing argument 'STYLE"),
    "paper: output is a file": (["paper", "photo.png", "painting.png", "-o", "photo.png"], "is not a folder"),
    "paper: folder's folder missing": (["paper", "photo.png", "painting.png", "-o", "no/where"], "mkdir -p no"),
    "paper: a figure is an input": (
        ["paper", "photo.png", "book/figure1.png", "-o", "book"],
        "is the input 'book/figure1.png'; expected another file. Choose another -o",
    ),
    "paper: a panel is an input": (
        ["paper", "book/figure2/style1.png", "painting.png", "-o", "./book"],
        "is the input 'book/figure2/style1.png'; expected another file. Choose another -o",
    ),
    "paper: a figure's folder is a file": (["paper", "photo.png", "painting.png", "-o", "taken"], "is not a folder"),
    "paper: long output": (["paper", "photo.png", "painting.png", "-o", LONG], "File name too long"),
    "demo: long output": (["demo", "-o", LONG], "File name too long"),
    "paper: unknown weights": (["paper", "photo.png", "painting.png", "--weights", "oxfort"], "oxford"),
}


@pytest.mark.parametrize("name", [*BAD, *BAD_EXPERIMENTS])
def test_bad_input_is_one_line_and_exit_2(
    name: str, folder: Path, bad_files: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (command, *arguments), expected = BAD_EXPERIMENTS.get(name) or (["stylize", *BAD[name][0]], BAD[name][1])
    shutil.copytree(bad_files, folder, dirs_exist_ok=True)
    write_image(torch.zeros(1, 3, 8, 8), folder / "out.png")
    before = {path: path.read_bytes() if path.is_file() else b"" for path in folder.rglob("*")}
    fast = [word for word in ("--weights", "tiny") if "--weights" not in arguments]
    if command == "sweep":
        fast += ["--no-rescaled-network", "--steps", "1"]
    # The case's own arguments come last, because the last of an option given twice is the one that counts.
    output = "out" if command == "paper" else "out.png"
    code = main([command, "--json", "--threads", "1", "-o", output, *fast, *arguments])
    out, err = capfd.readouterr()
    assert (code, err.count("\n")) == (2, 1), err
    assert err.startswith("impasto: ")
    assert expected in err
    assert "Traceback" not in err
    answer = json.loads(out)
    assert err == f"impasto: {answer['error']} {answer['hint']}\n"
    assert {path: path.read_bytes() if path.is_file() else b"" for path in folder.rglob("*")} == before


def test_bad_input_in_a_process_of_its_own(folder: Path, start: Start) -> None:
    code, out, err = finish(start("stylize", "nowhere.jpg", "painting.png", "-o", "out.png"))
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert not Path("out.png").exists()


def test_unknown_command_names_the_nearest(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["stilize"]) == 2
    err = capfd.readouterr().err
    assert err == "impasto: no such command 'stilize'. Did you mean 'stylize', 'styles'? See `impasto --help`.\n"


def test_a_fault_of_ours_is_one_line_and_exit_1(
    folder: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("impasto.transfer.pastiche.read_inputs", lambda *inputs, **masks: {}["gone"])
    arguments = ["stylize", "photo.png", "painting.png", "-o", "out.png", *FAST]
    assert main([*arguments, "--json"]) == 1
    out, err = capfd.readouterr()
    assert err == (
        "impasto: this is a bug in impasto: KeyError: 'gone'. Please report it; --debug shows the traceback.\n"
    )
    assert "bug" in json.loads(out)["error"]
    assert main([*arguments, "--debug"]) == 1
    assert "Traceback" in capfd.readouterr().err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["SIGINT", "SIGTERM"])
def test_a_signal_after_the_first_step_saves_the_best_picture(
    number: signal.Signals, folder: Path, start: Start
) -> None:
    process = start("stylize", "photo.png", "painting.png", "-o", "out.png", *ENDLESS, "--json")
    assert process.stderr is not None
    assert "1000000 steps" in process.stderr.readline()
    assert "step 1 of 1000000" in process.stderr.readline()
    process.send_signal(number)
    code, out, err = finish(process)
    assert (code, "Traceback" in err) == (130, False)
    values = json.loads(out)
    assert (values["end"], values["size"]) == ("stopped", {"width": 64, "height": 48})
    assert values["steps"] >= 1
    assert read_image("out.png").shape == (1, 3, 48, 64)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["SIGINT", "SIGTERM"])
def test_a_signal_before_the_first_step_writes_nothing(
    number: signal.Signals, folder: Path, start: Start
) -> None:
    slow_start = """
import sys, time
import impasto.transfer.pastiche
from impasto.cli.app import main
def prepare_pastiche(*inputs, **how):
    print("ready", file=sys.stderr, flush=True)
    time.sleep(60)
impasto.transfer.pastiche.prepare_pastiche = prepare_pastiche
sys.exit(main())
"""
    more = ("--snapshot-every", "1", "--animation", "evolution.gif", "--json")
    arguments = ("stylize", "photo.png", "painting.png", "-o", "out.png", *ENDLESS, *more)
    process = start(*arguments, code=slow_start)
    assert process.stderr is not None
    assert process.stderr.readline() == "ready\n"
    process.send_signal(number)
    code, out, err = finish(process)
    assert (code, err.count("\n")) == (130, 1)
    assert "no picture was written" in json.loads(out)["error"]
    assert sorted(path.name for path in folder.iterdir()) == ["painting.png", "photo.png"]


def test_help_and_import_load_no_torch(folder: Path, start: Start) -> None:
    code = """
import sys
import impasto
slow = {"torch", "numpy", "PIL", "skimage", "scipy"}
assert not slow & set(sys.modules), slow & set(sys.modules)
assert "typer" not in sys.modules
from impasto.cli.app import main
for words in (["--help"], ["stylize", "--help"], ["stylize", "--help-all"], ["--version"], []):
    assert main(words) == 0
assert not slow & set(sys.modules), slow & set(sys.modules)
"""
    exit_code, out, err = finish(start(code=code))
    assert exit_code == 0, err
    assert "--style-weight" in out
    assert "impasto 0." in out


def test_demo_makes_its_five_pictures(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("skimage", reason="the demo's photographs come with scikit-image")
    fast = ["--weights", "tiny", "--size", "48", "--steps", "4", "--threads", "1"]
    assert main(["demo", *fast, "-o", "shown", "--json"]) == 0
    values: dict[str, Any] = json.loads(capfd.readouterr().out)
    assert values["output"] == str(Path("shown") / "pastiche.png")
    names = ["content.png", "evolution.webp", "pastiche.png", "side_by_side.png", "style.png"]
    assert sorted(Path(path).name for path in values["files"]) == names
    assert sorted(path.name for path in Path("shown").iterdir()) == names
    width, height = size_of("shown/side_by_side.png")
    assert height == values["size"]["height"]
    assert width > 2 * values["size"]["width"]
    assert size_of("shown/evolution.webp") == size_of("shown/pastiche.png")


def test_demo_refuses_a_picture_it_does_not_have(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", "--picture", "chelsey"]) == 2
    assert "chelsea" in capfd.readouterr().err
    assert not Path("impasto-demo").exists()


def test_doctor_and_weights_list_what_is_installed(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("impasto.cost.calibration.SIDE", 48)
    assert main(["doctor", "--json"]) == 0
    facts = json.loads(capfd.readouterr().out)
    assert facts["versions"]["torch"] == torch.__version__
    assert "cpu" in facts["devices"]
    assert facts["weights"][0]["intact"] is True
    assert {extra["name"]: extra["install"] for extra in facts["extras"]}["demo"] == 'pip install "impasto[demo]"'
    assert main(["doctor"]) == 0
    assert "bfloat16" in capfd.readouterr().out
    assert main(["weights", "--json"]) == 0
    rows = {row["name"]: row for row in json.loads(capfd.readouterr().out)["weights"]}
    assert set(rows) >= {"oxford", "torchvision", "tiny"}
    assert rows["oxford"]["input"] == "BGR, 0..255, minus (103.939, 116.779, 123.68)"
    assert rows["oxford"]["present"] is True
    assert main(["weights"]) == 0
    assert "CC BY 4.0" in capfd.readouterr().out


COMMON_KEYS = {"output", "size", "steps", "seconds", "losses", "peak_bytes", "recipe"}
RESULT_KEYS = COMMON_KEYS | {"end", "run", "run_dir"}


def test_texture_writes_a_picture_that_repeats(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    fast = ["--weights", "tiny", "--steps", "2", "--threads", "1", "--json"]
    assert main(["texture", "photo.png", "painting.png", "-o", "out.png", "--size", "80x32", "--tileable", *fast]) == 0
    values = json.loads(capfd.readouterr().out)
    assert set(values) == RESULT_KEYS
    assert (values["output"], values["size"]) == ("out.png", {"width": 80, "height": 32})
    assert (values["recipe"]["size"], values["recipe"]["padding"]) == ("80x32", "wrap")
    assert set(values["losses"]) == {"style", "total"}
    assert size_of("out.png") == (80, 32)
    metadata = read_metadata("out.png")
    assert metadata is not None and [entry["role"] for entry in metadata["inputs"]] == ["style"] * 2  # type: ignore[attr-defined]
    for wrap, padding in (("x", "wrap-x"), ("xy", "wrap")):
        assert main(["texture", "photo.png", "-o", "out.png", "--size", "48", "--wrap", wrap, *fast]) == 0
        assert json.loads(capfd.readouterr().out)["recipe"]["padding"] == padding


@pytest.mark.parametrize("kind", ["content", "style"])
def test_reconstruct_keeps_one_kind_of_layers(kind: str, folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    arguments = ["reconstruct", "photo.png", "-o", "out.png", *FAST, f"--{kind}-layers", "conv1_1,relu2_1", "--json"]
    assert main([*arguments, "--snapshot-every", "2"]) == 0
    values = json.loads(capfd.readouterr().out)
    assert set(values) == RESULT_KEYS | {"snapshots"}
    assert values["size"] == {"width": 64, "height": 48}
    assert values["recipe"][f"{kind}_layers"] == ["conv1_1", "conv2_1"]
    assert values["recipe"][f"{'style' if kind == 'content' else 'content'}_layers"] == []
    assert (values["recipe"]["pooling"], values["recipe"]["init"]) == ("max", "noise")
    assert set(values["losses"]) == {kind, "total"}
    assert size_of("out.png") == size_of(values["snapshots"][0]) == (64, 48)
    assert main([*arguments, f"--{kind}-layer-weights", "1,0"]) == 0
    assert json.loads(capfd.readouterr().out)["recipe"][f"{kind}_layer_weights"] == [1.0, 0.0]


SWEEP = ("sweep", "photo.png", "painting.png", "-o", "grid.png", *FAST, "--no-rescaled-network")


def test_sweep_writes_the_sheet_the_panels_and_their_losses(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    axes = ("--rows", "style_layers=conv1_1,conv1_1+conv2_1", "--columns", "strength=0.2,0.5,0.8", "--json")
    assert main([*SWEEP, *axes]) == 0
    out, err = capfd.readouterr()
    values = json.loads(out)
    assert set(values) == COMMON_KEYS | {"rows", "columns", "panels"}
    assert json.loads((folder / values["output"]).with_suffix(".json").read_text("utf-8")) == values
    assert values["output"] == "grid.png"
    assert values["rows"] == {"field": "style_layers", "values": [["conv1_1"], ["conv1_1", "conv2_1"]]}
    assert values["columns"] == {"field": "strength", "values": [0.2, 0.5, 0.8]}
    assert [len(row) for row in values["panels"]] == [3, 3]
    for i, row in enumerate(values["panels"]):
        for j, panel in enumerate(row):
            assert panel == str(Path("grid_panels") / f"row{i + 1}_column{j + 1}.png")
            assert size_of(panel) == (64, 48)
            assert set(values["losses"][panel]) == {"content", "style", "total"}
    assert (len(values["losses"]), values["steps"]) == (6, 6 * 3)
    assert values["seconds"] > 0
    assert values["peak_bytes"] > 0
    width, height = size_of("grid.png")
    assert values["size"] == {"width": width, "height": height}
    assert width > 3 * 64
    assert height > 2 * 48
    assert "panel 6/6" in err
    times = {path: path.stat().st_mtime_ns for path in Path("grid_panels").iterdir()}
    assert main([*SWEEP, *axes]) == 0
    out, err = capfd.readouterr()
    assert json.loads(out) == values
    assert "step" not in err
    assert {path: path.stat().st_mtime_ns for path in Path("grid_panels").iterdir()} == times
    Path("painting.png").unlink()
    assert main([*SWEEP, *axes]) == 2
    assert "'painting.png' does not exist" in capfd.readouterr().err


def test_a_sweep_reads_the_network_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    loaded: list[object] = []
    load_weights = encoder.load_weights
    monkeypatch.setattr(encoder, "load_weights", lambda *a, **how: loaded.append(a) or load_weights(*a, **how))
    assert main([*SWEEP, "--rows", "strength=0.2,0.8", "--columns", "seed=0,1", "--steps", "1"]) == 0
    assert len(loaded) == 1


def test_sweep_is_figure_3_by_default(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main([*SWEEP, "--size", "32", "--steps", "1", "--json"]) == 0
    values = json.loads(capfd.readouterr().out)
    assert values["columns"] == {"field": "content_weight", "values": [1e-5, 1e-4, 1e-3, 1e-2]}
    assert values["rows"]["values"][-1] == ["conv1_1", "conv2_1", "conv3_1", "conv4_1", "conv5_1"]
    assert [len(row) for row in values["panels"]] == [4] * 5


def test_a_stopped_sweep_keeps_what_is_finished(folder: Path, start: Start) -> None:
    arguments = (*SWEEP, "--rows", "steps=2,1000000", "--columns", "seed=0", "--json")
    process = start(*arguments)
    assert process.stderr is not None
    lines = iter(process.stderr.readline, "")
    assert any("panel 2/2" in line and "step 1 of" in line for line in lines)
    process.send_signal(signal.SIGINT)
    code, out, err = finish(process)
    assert (code, "Traceback" in err) == (130, False)
    answer = json.loads(out)
    assert "what was finished before is kept" in answer["error"]
    assert "again" in answer["hint"]
    assert sorted(path.name for path in Path("grid_panels").iterdir()) == ["row1_column1.json", "row1_column1.png"]
    assert not Path("grid.png").exists()


def test_paper_makes_the_page(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    fast = ["--weights", "tiny", "--size", "32", "--steps", "1", "--threads", "1"]
    assert main(["paper", "photo.png", "painting.png", "-o", "paper", *fast, "--json"]) == 0
    out, err = capfd.readouterr()
    values = json.loads(out)
    figures = [str(Path("paper") / f"figure{number}.png") for number in (1, 2, 3)]
    assert set(values) == COMMON_KEYS | {"figures"}
    assert (values["output"], values["figures"]) == (str(Path("paper") / "index.html"), figures)
    assert values["size"] == {"width": 32, "height": 24}
    assert values["steps"] == len(values["losses"]) == 10 + 1 + 20
    assert all("total" in losses for losses in values["losses"].values())
    assert values["recipe"]["pooling"] == "average"
    assert all(Path(path).is_file() for path in [values["output"], *figures, *values["losses"]])
    assert "figure3, panel 20/20" in err
    assert main(["paper", "photo.png", "painting.png", "-o", "paper", *fast]) == 0
    out, err = capfd.readouterr()
    assert out.startswith(f"{Path('paper') / 'index.html'}: ")
    assert "step" not in err


@pytest.mark.parametrize("axis", ["statistic=gram,gram:2+moments", "style_blend=1,2", "size=48,64", "init=noise,a.png"])
def test_fields_of_every_kind_may_be_swept(axis: str, folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    write_image(read_image("photo.png"), "a.png")
    assert main([*SWEEP, "--rows", axis, "--columns", "strength=0.2,0.8", "--json"]) == 0
    values = json.loads(capfd.readouterr().out)
    assert [len(row) for row in values["panels"]] == [2, 2]


def write_masks(folder: Path) -> None:
    """Left and right halves of photo.png and painting.png, and color-coded maps of both."""
    for name, (width, height) in (("photo", (64, 48)), ("painting", (40, 50))):
        coded = Image.new("RGB", (width, height), "#ff0000")
        coded.paste("#0000ff", (width // 2, 0, width, height))
        coded.save(folder / f"{name}_map.jpg", quality=60)
        for side, shade in (("left", 255), ("right", 0)):
            mask = Image.new("L", (width, height), shade)
            mask.paste(255 - shade, (width // 2, 0, width, height))
            mask.save(folder / f"{name}_{side}.png")
    Image.new("RGB", (40, 50), "#00ff00").save(folder / "green_map.png")
    Image.new("L", (64, 48)).save(folder / "black.png")
    Image.new("L", (64, 64), 255).save(folder / "square.png")


GREY = ("--content-mask", "photo_left.png", "--style-mask", "painting_left.png",
        "--content-mask", "photo_right.png", "--style-mask", "painting_right.png")  # fmt: skip
CODED = ("--content-mask", "photo_map.jpg", "--style-mask", "painting_map.jpg")


@pytest.mark.parametrize("masks", [GREY, CODED], ids=["grey", "coded"])
def test_regions_are_painted_and_recorded(
    masks: tuple[str, ...], folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    write_masks(folder)
    settings = ("--region-weights", "1,0.5", "--guide-mode", "all", "--guide-dilation", "-1")
    for name in ("a.png", "b.png"):
        assert main(["stylize", "photo.png", "painting.png", "-o", name, *FAST, *masks, *settings, "--quiet"]) == 0
    assert (folder / "a.png").read_bytes() == (folder / "b.png").read_bytes()
    metadata: Any = read_metadata(folder / "a.png")
    recorded = [(entry["role"], entry["name"]) for entry in metadata["inputs"][2:]]
    given = list(zip(masks[::2], masks[1::2], strict=True))
    assert sorted(recorded) == sorted((option[2:].replace("-", "_"), name) for option, name in given)
    assert all(len(entry["sha256"]) == 64 for entry in metadata["inputs"])
    assert metadata["recipe"]["region_weights"] == [1, 0.5] and metadata["recipe"]["guide_dilation"] == -1
    capfd.readouterr()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--content-mask", "square.png"), "--content-mask 1 'square.png' is 64x64, .* photograph 64x48"),
        (("--content-mask", "black.png"), "--content-mask 1 'black.png' is empty"),
        (("--content-mask", "photo_map.jpg", "--style-mask", "green_map.png"), "has no style; expected one of #00ff00"),
        (("--content-mask", "nowhere.png"), "'nowhere.png' does not exist"),
        ((*GREY, "--region-weights", "1"), "--region-weights has 1 for 2 regions, region 1, region 2"),
        (("--region-statistics", "nearest"), "--region-statistics is given without content masks"),
        ((*GREY, "--guide-dilation", "99"), "--guide-dilation is 99; .* at most 32"),
        ((*GREY, "--guide-mode", "insde"), "Did you mean 'inside'"),
        ((*GREY[:-2], "-o", "photo_left.png"), "photo_left.png"),
    ],
)
def test_bad_masks_are_one_line_and_exit_2(
    arguments: tuple[str, ...], words: str, folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    write_masks(folder)
    output = () if "-o" in arguments else ("-o", "out.png")
    assert main(["stylize", "photo.png", "painting.png", *output, *FAST, *arguments]) == 2
    out, err = capfd.readouterr()
    assert out == "" and len(err.splitlines()) == 1 and not (folder / "out.png").exists()
    assert re.search(words, err), err


def test_masks_that_cannot_be_meant_are_refused_in_one_line(
    folder: Path, capsys: pytest.CaptureFixture[str], picture: Callable[..., Tensor]
) -> None:
    Image.new("L", (64, 48), 0).save(folder / "black.png")
    Image.new("L", (64, 64), 255).save(folder / "square.png")
    wrong = {
        ("--only", "black.png"): "only 'black.png' is empty",
        ("--protect", "square.png"): "protect 'square.png' is 64x64, 1.000 to 1, and the photograph 64x48, 1.333 to 1",
        ("--only", "none.png"): "only 'none.png' does not exist",
        ("--protect", "square.png", "--only", "painting.png"): "only 'painting.png' is 40x50",
    }
    for arguments, message in wrong.items():
        assert main(["stylize", "photo.png", "painting.png", "-o", "out.png", *FAST, *arguments]) == 2
        assert message in capsys.readouterr().err
    assert not (folder / "out.png").exists()
    # A mask is an input: it is not overwritten.
    Image.new("L", (64, 48), 255).save(folder / "white.png")
    assert main(["stylize", "photo.png", "painting.png", "-o", "white.png", *FAST, "--only", "white.png"]) == 2
    assert "white.png" in capsys.readouterr().err


def test_only_and_protect_paint(folder: Path) -> None:
    Image.linear_gradient("L").resize((64, 48)).save(folder / "mask.png")
    options = ["--only", "mask.png", "--protect", "mask.png", "--only-feather", "2", "--protect-strength", "3"]
    assert main(["stylize", "photo.png", "painting.png", "-o", "out.png", *FAST, *options, "--quiet"]) == 0
    metadata: Any = read_metadata(folder / "out.png")
    assert [entry["role"] for entry in metadata["inputs"]] == ["content", "style", "only", "protect"]
    assert (metadata["recipe"]["only_feather"], metadata["recipe"]["protect_strength"]) == (2, 3.0)


def test_a_side_is_resolved_for_each_photograph_and_repeated(
    folder: Path, capfd: pytest.CaptureFixture[str], picture: Callable[..., Tensor]
) -> None:
    write_image(picture(60, 40), "upright.png")
    fast = ("--weights", "tiny", "--steps", "1", "--first-scale", "0", "--threads", "1", "--quiet")
    Path("list.csv").write_text(
        "content,style,output,size\nphoto.png,painting.png,a.png,48 wide\nupright.png,painting.png,b.png,48-wide\n"
    )
    assert main(["batch", "--from", "list.csv", "-o", "out", *fast]) == 0
    assert (size_of("out/a.png"), size_of("out/b.png")) == ((48, 36), (48, 72))
    metadata = read_metadata("out/b.png")
    assert metadata is not None and metadata["recipe"]["size"] == "48 wide"
    assert main(["rerun", "out/b.png", "-o", "again.png", "--quiet"]) == 0
    assert Path("again.png").read_bytes() == Path("out/b.png").read_bytes()
    assert main(["rerun", "out/b.png", "-o", "other.png", "--content", "photo.png", "--quiet"]) == 0
    assert size_of("other.png") == (48, 36)
    assert main(["texture", "photo.png", "-o", "out.png", "--size", "48-wide", *fast]) == 2
    assert "size is '48 wide', which follows a photograph" in capfd.readouterr().err
