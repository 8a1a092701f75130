"""`impasto train` as a person meets it: a network from photographs, killed on the way, and in several processes."""

import json
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor

from impasto import write_image
from impasto.cli.app import main
from impasto.fast.model import read_model

TRAIN = ("train", "painting.png", "--photos", "photos", "--weights", "tiny", "--size", "48", "--crop", "32")
MACHINE = ("--width", "4", "--blocks", "1", "--device", "cpu", "--threads", "1", "--workers", "1")


@pytest.fixture
def photos(folder: Path, picture: Callable[..., Tensor]) -> Path:
    """The working folder, with six photographs in photos/, one of them broken."""
    (folder / "photos").mkdir()
    for number in range(5):
        write_image(picture(48, 64, number), folder / "photos" / f"{number}.png")
    (folder / "photos" / "broken.png").write_bytes(b"x")
    return folder


def wait_for_lines(file: Path, count: int, process: "subprocess.Popen[str]") -> None:
    while not (file.exists() and len(file.read_text("utf-8").splitlines()) >= count):
        assert process.poll() is None
        time.sleep(0.002)


def test_a_network_from_photographs(photos: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*TRAIN, "-o", "a.safetensors", "--steps", "6", "--json", *MACHINE]) == 0
    printed = capsys.readouterr()
    trained = json.loads(printed.out)
    assert (trained["output"], trained["steps"], trained["photos"]) == ("a.safetensors", 6, 6)
    assert [Path(entry["path"]).name for entry in trained["broken"]] == ["broken.png"]
    assert trained["losses"]["total"] > 0 and trained["recipe"]["look"]["weights"] == "tiny"
    assert "6 photographs; expect visible faults" in printed.err
    assert printed.err.count("broken.png") == 1
    assert read_model("a.safetensors").names == ("painting",)
    more = ("--add-to", "a.safetensors", "--name", "second", "-o", "b.safetensors", "--steps", "2", "--quiet")
    assert main([*TRAIN, *more, *MACHINE]) == 0
    assert capsys.readouterr().out.startswith("b.safetensors: loss ")
    assert read_model("b.safetensors").names == ("painting", "second")


def test_a_dry_run_reports_the_cost_and_writes_nothing(photos: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = {path.name for path in photos.iterdir()}
    dry = (*TRAIN, "-o", "a.safetensors", "--dry-run", *MACHINE)
    assert main([*dry, "--steps", "2000"]) == 0
    assert capsys.readouterr().out.startswith("2000 steps of 4 windows: about ")
    assert main([*dry, "--steps", "50", "--json"]) == 0
    estimate = json.loads(capsys.readouterr().out)
    assert estimate["steps"] == 50 and estimate["seconds"] == pytest.approx(50 * estimate["seconds_per_step"])
    assert estimate["peak_bytes"] > 0 and estimate["photos"] == 6 and estimate["recipe"]["steps"] == 50
    assert {path.name for path in photos.iterdir()} == before
    assert main(["train", "nowhere.png", *dry[2:]]) == 2


def test_the_estimate_before_a_training_changes_nothing(
    photos: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("impasto.fast.train.ESTIMATED_STEPS", 2)
    assert main([*TRAIN, "-o", "told.safetensors", "--steps", "3", *MACHINE]) == 0
    assert "3 steps of 4 windows: about " in capsys.readouterr().err
    assert main([*TRAIN, "-o", "quiet.safetensors", "--steps", "3", "--quiet", *MACHINE]) == 0
    assert "windows: about" not in capsys.readouterr().err
    assert Path("told.safetensors").read_bytes() == Path("quiet.safetensors").read_bytes()


@pytest.mark.slow
def test_killed_and_called_again_it_gives_the_same_network(
    photos: Path, start: Callable[..., "subprocess.Popen[str]"]
) -> None:
    steps = ("--steps", "30", "--checkpoint-every", "0", "--quiet", *MACHINE)
    assert main([*TRAIN, "-o", "whole.safetensors", *steps]) == 0
    killed = start(*TRAIN, "-o", "killed.safetensors", *steps)
    wait_for_lines(photos / "killed_run" / "trace.jsonl", 5, killed)
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    state = torch.load(photos / "killed_run" / "checkpoint.pt", weights_only=True)
    assert 3 <= state["step"] < 30 and not Path("killed.safetensors").exists()
    assert main([*TRAIN, "-o", "killed.safetensors", *steps]) == 0
    assert Path("whole.safetensors").read_bytes() == Path("killed.safetensors").read_bytes()


@pytest.mark.slow
def test_two_processes_give_the_gradient_of_one(photos: Path, start: Callable[..., "subprocess.Popen[str]"]) -> None:
    step = ("--steps", "1", "--precision", "float32", "--json", *MACHINE)
    assert main([*TRAIN, "-o", "one.safetensors", *step]) == 0
    arguments = ["torchrun", "--standalone", "--nproc-per-node", "2", "-m", "impasto", *TRAIN, "-o", "two.safetensors"]
    code = "import sys; from torch.distributed.run import main; main()"
    two = start(*arguments[1:], *step, code=code)
    out, err = two.communicate(timeout=300)
    assert two.returncode == 0, err
    assert json.loads(out)["steps"] == 1  # one object: only the first process reports
    moments = []
    for name in ("one", "two"):
        # After one step of Adam, its first moment is a tenth of the gradient.
        state = torch.load(photos / f"{name}_run" / "checkpoint.pt", weights_only=True)["optimizer"]["state"]
        moments.append(torch.cat([entry["exp_avg"].flatten() for entry in state.values()]))
    assert float(moments[0].norm()) > 0
    assert float((moments[0] - moments[1]).norm()) <= 1e-5 * float(moments[0].norm())


def test_ctrl_c_keeps_the_network(photos: Path, start: Callable[..., "subprocess.Popen[str]"]) -> None:
    process = start(*TRAIN, "-o", "a.safetensors", "--steps", "100000", "--json", *MACHINE)
    wait_for_lines(photos / "a_run" / "trace.jsonl", 4, process)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "the network so far is in 'a.safetensors'" in json.loads(out)["error"]
    assert "Traceback" not in err
    assert read_model("a.safetensors").names == ("painting",)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--photos", "nowhere", "-o", "a.safetensors"), "photos 'nowhere' does not exist"),
        (("--photos", "photos", "-o", "a.png"), "is no .safetensors"),
        (("--photos", "photos", "-o", "a.safetensors", "--statistic", "nearest"), "nearest cannot be trained"),
        (("--photos", "photos", "-o", "a.safetensors", "--add-to", "photo.png"), "is no safetensors file"),
        (("--photos", "photos/broken.png", "-o", "a.safetensors", "--weights", "tiny"), "none of 1 can be read"),
    ],
)
def test_mistakes_end_with_2_and_one_line(
    arguments: tuple[str, ...], message: str, photos: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["train", "painting.png", *arguments]) == 2
    err = capsys.readouterr().err
    assert message in err
    assert len([line for line in err.splitlines() if "photographs; expect" not in line]) == 1
    assert not Path("a.safetensors").exists()
