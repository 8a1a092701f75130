"""The estimate of a run on the command line: before the run, instead of it (--dry-run), and in its errors."""

import json
import re
from pathlib import Path

import pytest
import torch

from impasto import read_metadata, write_image
from impasto.cli.app import main
from impasto.cost.calibration import Speed

FAST = ("--weights", "tiny", "--size", "64", "--steps", "6", "--first-scale", "32", "--threads", "1")


COMMANDS = {
    "stylize": ("stylize", "photo.png", "painting.png", *FAST),
    "texture": ("texture", "photo.png", *FAST, "--first-scale", "16", "--finer-steps", "1"),
    "reconstruct": ("reconstruct", "photo.png", "--content-layers", "conv3_1", *FAST),
}


@pytest.mark.parametrize("name", COMMANDS)
def test_a_dry_run_prints_all_and_writes_nothing(name: str, folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    arguments = [*COMMANDS[name], "-o", "out.png", "--precision", "float32", "--dry-run"]
    assert main([*arguments, "--snapshot-every", "1", "--quiet"]) == 0
    out, err = capfd.readouterr()
    assert err == ""
    first, head, *parts = out.splitlines()
    assert re.fullmatch(r"\d+x\d+ pixels, 6 steps: about \d+ s, needs [\d.]+ GiB of [\d.]+ GiB free", first)
    assert head.split() == ["painted", "at", "steps", "time", "memory"]
    assert len(parts) == 2 and all(re.fullmatch(r"\d+x\d+ +3 +\d+ s +[\d.]+ GiB", line) for line in parts)
    assert main([*arguments, "--json"]) == 0
    values = json.loads(capfd.readouterr().out)
    assert {"size", "steps", "seconds", "seconds_per_evaluation", "peak_bytes", "precision", "recipe"} <= values.keys()
    assert [(part["steps"], part["precision"], part["tiles"]) for part in values["parts"]] == [(3, "float32", 1)] * 2
    assert max(values["size"].values()) == 64 and values["seconds"] > 0
    assert sorted(path.name for path in folder.iterdir()) == ["painting.png", "photo.png"]


def test_a_dry_run_refuses_what_a_run_refuses(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    start = ["stylize", "photo.png", "painting.png", *FAST, "--dry-run"]
    Path("broken.png").write_text("no picture")
    for arguments, words in (
        (["-o", "nowhere/out.png"], "mkdir -p nowhere"),
        (["-o", "photo.png"], "is the input"),
        (["-o", "out.png", "--init", "broken.png"], "broken.png"),
        (["-o", "out.png", "--strength", "2"], "strength is 2"),
        (["-o", "out.png", "--device", "tpu"], "'tpu'"),
    ):
        assert main([*start, *arguments]) == 2
        assert words in capfd.readouterr().err


def test_a_dry_run_with_masks_and_fine_strokes_has_the_same_keys(
    folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    run = [*COMMANDS["stylize"], "-o", "out.png", "--precision", "float32", "--dry-run"]
    masks = ["--content-mask", "white.png", "--only", "white.png", "--protect", "white.png"]
    write_image(torch.ones(1, 3, 48, 64), "white.png")
    assert main([*run, "--json"]) == 0
    plain = json.loads(capfd.readouterr().out)
    for more, added in ((masks, set[str]()), (["--fine-style", "painting.png"], {"fine_seconds"})):
        assert main([*run, *more, "--json"]) == 0
        values = json.loads(capfd.readouterr().out)
        assert values.keys() == plain.keys() | added
        assert (values["size"], values["steps"]) == (plain["size"], plain["steps"])
        assert values["peak_bytes"] > 0 and values["seconds"] > 0
    assert main([*run, "--fine-style", "painting.png"]) == 0
    assert "for the fine strokes" in capfd.readouterr().out
    assert main([*run, "--only", "painting.png"]) == 2
    assert "only 'painting.png' is 40x50" in capfd.readouterr().err
    assert not Path("out.png").exists()


def test_the_first_line_of_a_run_is_its_cost(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    run = [*COMMANDS["stylize"], "-o", "out.png"]
    assert main(run) == 0
    assert re.match(r"64x48 pixels, 6 steps: about \d+ s, needs ", capfd.readouterr().err)
    assert main([*run, "--json"]) == 0
    out, err = capfd.readouterr()
    assert json.loads(out)["steps"] == 6 and err.startswith("64x48 pixels, ")
    assert main([*run, "--quiet"]) == 0
    assert capfd.readouterr().err == ""


def test_the_plan_of_a_dry_run_is_the_plan_of_the_run(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    run = [*COMMANDS["stylize"], "-o", "out.png"]
    assert main([*run, "--dry-run", "--json"]) == 0
    planned = json.loads(capfd.readouterr().out)["parts"]
    assert main(run) == 0
    metadata = read_metadata("out.png")
    assert metadata is not None
    assert [{key: part[key] for key in done} for part, done in zip(planned, metadata["run"]["parts"], strict=True)] == (
        metadata["run"]["parts"]
    )


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--max-memory", "1MiB"], r"--max-memory is 1MiB; .* at least \S+, in tiles\. Give --max-memory \S+ or more"),
        (["--max-memory", "plenty"], "--max-memory is 'plenty'; expected a size such as 4GiB"),
        (["--first-scale", "1"], "--first-scale is 1; conv4_2 needs at least 8 .*Give --first-scale 8 or more, 0"),
        (["--precision", "float16"], "precision is 'float16'; expected auto, float32 or bfloat16"),
    ],
)
def test_a_refused_run_names_a_value_that_works(
    arguments: list[str], words: str, folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main([*COMMANDS["stylize"], "-o", "out.png", *arguments]) == 2
    (line,) = capfd.readouterr().err.splitlines()
    assert re.search(words, line)
    if found := re.search(r"Give (--[a-z-]+) (\S+) or more", line):
        assert main([*COMMANDS["stylize"], "-o", "out.png", "--dry-run", found[1], found[2]]) == 0


def test_doctor_prints_the_speed_of_this_machine(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("impasto.cost.calibration.SIDE", 48)
    assert main(["doctor", "--json"]) == 0
    evaluation = json.loads(capfd.readouterr().out)["evaluation"]
    assert evaluation["seconds"].keys() == {"float32", "bfloat16"} and evaluation["auto"] in evaluation["seconds"]
    assert evaluation["seconds"]["float32"] > 0
    assert main(["doctor"]) == 0
    assert re.search(r"one evaluation +512x384 on \S+: float32 \S+ s, .*; auto is ", capfd.readouterr().out)


@pytest.mark.parametrize(
    ("words", "is_enlarged"),
    [
        ("stylize photo.png painting.png --size 65", True),
        ("stylize photo.png painting.png --size 64", False),
        ("stylize photo.png painting.png --size content", False),
        ("stylize photo.png painting.png --size 2cm --dpi 100", True),
        ("stylize photo.png painting.png photo.png --frames 3 --size 80", True),
        ("reconstruct photo.png --content-layers conv3_1 --size 80", True),
        ("texture photo.png --size 80", False),
    ],
)
def test_a_picture_larger_than_its_photograph_is_reported(
    words: str, is_enlarged: bool, folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    command, *arguments = words.split()
    start = [command, *(word for word in FAST if word not in ("--size", "64")), *arguments]
    line = "times: the photograph has 64x48 pixels, finer detail is made up; --size content keeps its size"
    assert main([*start, "--dry-run"]) == 0
    assert any(re.fullmatch(f"enlarged 1.* {line}", each) for each in capfd.readouterr().out.splitlines()) is (
        is_enlarged
    )
    if command == "stylize" and "--frames" not in words:
        assert main(start) == 0
        assert capfd.readouterr().err.count(line) == is_enlarged
        assert main([*start, "--quiet"]) == 0
        assert capfd.readouterr().err == ""


def test_the_size_of_a_print_is_reported(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    start = ["stylize", "photo.png", "painting.png", *FAST, "--first-scale", "0", "--dry-run"]
    for size, line in (
        ("4cm", "print: 4 cm wide x 3 cm high at 300 dpi; 4 cm is the long edge"),
        ("3cm-wide", "print: 3 cm wide x 2.3 cm high at 300 dpi"),
        ("3cm high", "print: 4 cm wide x 3 cm high at 300 dpi"),
        ("254", "print: 2.2 cm wide x 1.6 cm high at 300 dpi; 2.2 cm is the long edge"),
    ):
        assert main([*start, "--size", size, "--dpi", "300"]) == 0
        assert line in capfd.readouterr().out.splitlines()


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine on which every step takes minutes."""
    speed = Speed(((64 * 48, 200.0),), is_learned=True)
    monkeypatch.setattr("impasto.cost.estimate.find_speed", lambda *how: speed)


def test_a_quicker_preset_is_named_with_its_time(
    slow: None, folder: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    start = ["stylize", "photo.png", "painting.png", "--weights", "tiny", "--threads", "1", "--dry-run"]

    def hints(*options: str) -> list[str]:
        assert main([*start, *options]) == 0
        return [line for line in capfd.readouterr().out.splitlines() if line.startswith("quicker: ")]

    (line,) = hints("--size", "64")
    found = re.fullmatch(r"quicker: --preset draft, about ([\d a-z]+)", line)
    assert found is not None
    assert main([*start, "--size", "64", "--preset", "draft"]) == 0
    assert capfd.readouterr().out.splitlines()[0].startswith(f"64x48 pixels, 16 steps: about {found[1]}, ")
    (line,) = hints("--size", "64", "--preset", "fine")
    assert line.startswith("quicker: --preset draft, about ")
    monkeypatch.setattr("impasto.recipe.quicker.LARGE", 64)
    (line,) = hints("--size", "1024")
    assert re.fullmatch(r"quicker: --preset print, about \S+ h \d+ min; --preset draft, about \S+ h \d+ min", line)
    (line,) = hints("photo.png", "--size", "1024", "--frames", "2")
    assert "--preset draft, about " in line
    # Somebody chose the steps, has a quick preset, or a recipe file in its place.
    Path("mine.toml").write_text("strength = 0.4\n")
    for chosen in (["--steps", "100"], ["--preset", "draft"], ["--preset", "print"], ["--recipe", "mine.toml"]):
        assert hints("--size", "64", *chosen) == []
    assert main(["texture", "photo.png", "--weights", "tiny", "--size", "64", "--threads", "1", "--dry-run"]) == 0
    assert "quicker" not in capfd.readouterr().out


def test_a_short_run_names_no_quicker_preset(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    start = ["stylize", "photo.png", "painting.png", "--weights", "tiny", "--size", "64", "--threads", "1", "--dry-run"]
    assert main(start) == 0
    assert "quicker" not in capfd.readouterr().out


def test_a_dry_run_says_what_may_be_used(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main([*COMMANDS["stylize"], "--max-memory", "3GiB", "--dry-run"]) == 0
    assert re.search(r"needs \S+ GiB of 3 GiB allowed$", capfd.readouterr().out.splitlines()[0])
