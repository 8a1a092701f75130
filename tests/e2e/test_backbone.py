"""`impasto backbone` as a person meets it: from pictures to weights, killed on the way, and in several processes."""

import json
import os
import runpy
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from impasto import write_image
from impasto.cli.app import main

TRAIN = ("backbone", "train", "data", "--arch", "vgg11", "--width", "0.05", "--crop", "32", "--batch-size", "6")
MACHINE = ("--device", "cpu", "--threads", "1", "--workers", "1")


@pytest.fixture
def folder(tmp_path: Path, picture: Callable[..., Tensor], monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with the data set `data`: two classes, twelve pictures to train on, two held out."""
    for index, name in enumerate(("calm", "rough")):
        (tmp_path / "pictures" / name).mkdir(parents=True)
        for number in range(7):
            write_image(picture(36, 36, 10 * index + number), tmp_path / "pictures" / name / f"{number}.png")
    monkeypatch.chdir(tmp_path)
    assert main(["backbone", "prepare", "pictures", "-o", "data", "--size", "36", "--quiet"]) == 0
    return tmp_path


def start(*arguments: str, launcher: tuple[str, ...] = ()) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, *launcher, "-m", "impasto", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1", "COLUMNS": "100"},
    )


def finish(process: "subprocess.Popen[str]") -> str:
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    return out


def wait_for_lines(file: Path, count: int, process: "subprocess.Popen[str]") -> None:
    while not (file.exists() and len(file.read_text("utf-8").splitlines()) >= count):
        assert process.poll() is None
        time.sleep(0.002)


def test_from_pictures_to_an_evaluation(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "pictures" / "calm" / "broken.png").write_bytes(b"x")
    assert main(["backbone", "prepare", "pictures", "-o", "more", "--size", "36"]) == 0
    printed = capsys.readouterr()
    assert "12 pictures to train on, 2 held out, 1 broken; 2 classes" in printed.out
    assert "broken: calm/broken.png: " in printed.err
    assert main([*TRAIN, "-o", "run", "--epochs", "2", "--json", *MACHINE]) == 0
    trained = json.loads(capsys.readouterr().out)
    assert (trained["steps"], trained["output"]) == (4, "run/backbone.safetensors")
    assert trained["recipe"]["preset"] == "modern"
    assert main(["backbone", "evaluate", "run", "data", "--json", *MACHINE]) == 0
    evaluated = json.loads(capsys.readouterr().out)
    assert evaluated["top_1"] == trained["top_1"]
    assert (evaluated["pictures"], evaluated["output"]) == (2, "run/confusion.png")
    assert Path("run/confusion.png").stat().st_size > 0
    assert main(["backbone", "evaluate", "run/backbone.safetensors", "data", "-o", "c.png", *MACHINE]) == 0
    assert capsys.readouterr().out.splitlines()[0].endswith("of 2 pictures held out")


@pytest.mark.slow
def test_killed_and_called_again_it_gives_the_same_weights(folder: Path) -> None:
    steps = ("--epochs", "10", "--batch-norm", "--checkpoint-every", "0", "--quiet", *MACHINE)
    assert main([*TRAIN, "-o", "whole", *steps]) == 0
    killed = start(*TRAIN, "-o", "killed", *steps)
    wait_for_lines(folder / "killed" / "trace.jsonl", 5, killed)
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    state: dict[str, Any] = torch.load(folder / "killed" / "checkpoint.pt", weights_only=True)
    assert 3 <= state["step"] < 20
    assert main([*TRAIN, "-o", "killed", *steps]) == 0
    whole, resumed = (folder / name / "backbone.safetensors" for name in ("whole", "killed"))
    assert whole.read_bytes() == resumed.read_bytes()


@pytest.mark.slow
def test_two_processes_give_the_gradient_of_one(folder: Path) -> None:
    # After one step of SGD from rest, the momentum is the gradient.
    step = ("--preset", "report-2015", "--epochs", "1", "--batch-size", "12", "--quiet", *MACHINE)
    assert main([*TRAIN, "-o", "one", *step]) == 0
    two = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2")
    out = finish(start(*TRAIN, "-o", "two", *step, "--json", launcher=two))
    assert json.loads(out)["steps"] == 1  # one object: only the first process reports
    moments = []
    for name in ("one", "two"):
        state = torch.load(folder / name / "checkpoint.pt", weights_only=True)["optimizer"]["state"]
        moments.append(torch.cat([entry["momentum_buffer"].flatten() for entry in state.values()]))
    assert float(moments[0].norm()) > 0
    assert float((moments[0] - moments[1]).norm()) <= 1e-5 * float(moments[0].norm())


def test_ctrl_c_keeps_a_checkpoint(folder: Path) -> None:
    process = start(*TRAIN, "-o", "run", "--epochs", "100000", "--json", *MACHINE)
    wait_for_lines(folder / "run" / "trace.jsonl", 4, process)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert json.loads(out)["hint"] == "Run the command again to continue."
    assert "the checkpoint is in 'run'" in err
    assert "Traceback" not in err
    assert (folder / "run" / "checkpoint.pt").exists()


def test_textures_are_drawn_of_twenty_classes_or_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = str(Path(__file__).parents[2] / "examples" / "texture_classes.py")
    for name in ("one", "two"):
        monkeypatch.setattr(sys, "argv", [script, "-o", str(tmp_path / name), "--per-class", "1", "--size", "48"])
        runpy.run_path(script, run_name="__main__")
    pictures = sorted((tmp_path / "one").glob("*/*.png"))
    assert len(pictures) >= 20
    for path in pictures:
        assert np.asarray(Image.open(path)).std() > 3
        assert path.read_bytes() == (tmp_path / "two" / path.relative_to(tmp_path / "one")).read_bytes()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("train", "nowhere", "-o", "run"), "'nowhere' does not exist"),
        (("train", "data", "-o", "run", "--crop", "32", "--arch", "vgg20", "--batch-size", "4"), "arch is 'vgg20'"),
        (("train", "data", "-o", "run"), "crop is 224 pixels"),
        (("prepare", "pictures", "-o", "other", "--store", "png"), "store is 'png'"),
        (("prepare", "pictures/calm", "-o", "other"), "hold 0 classes"),
        (("evaluate", "nowhere.safetensors", "data"), "does not exist"),
        (("evaluate", "run", "data", "-o", "confusion.jpg"), "expected a .png"),
    ],
)
def test_mistakes_end_with_2_and_one_line(
    arguments: tuple[str, ...], message: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["backbone", *arguments]) == 2
    err = capsys.readouterr().err
    assert message in err
    assert len(err.splitlines()) == 1
