"""`impasto video` on the command line: killed, stopped by Ctrl-C, called with what cannot be painted."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from painter_network import random_network
from torch import Tensor

pytest.importorskip("av", reason="films need the extra video")
pytest.importorskip("cv2", reason="films need the extra video")

from films import write_film

from impasto.cli.app import main
from impasto.fast.model import Model, to_icon
from impasto.images.io import write_image
from impasto.recipe.recipe import Recipe
from impasto.video.run import VideoRun
from impasto.video.source import open_source


@pytest.fixture
def words(tmp_path: Path, picture: Callable[..., Tensor], monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A command that paints a film of a dozen frames, of 64x48 pixels, as out.mp4."""
    wide = picture(48, 128, 1)
    write_film(tmp_path / "film.mp4", pictures=[wide[..., 4 * k : 4 * k + 64] for k in range(12)], sounds=["aac"])
    model = Model(network=random_network(1), names=("calm",), icons=(to_icon(picture()),), look=Recipe())
    model.write(tmp_path / "calm.safetensors")
    write_image(picture(64, 64, 3), tmp_path / "painting.jpg")
    monkeypatch.chdir(tmp_path)
    return ["video", "film.mp4", "--with", "calm.safetensors", "-o", "out.mp4", "--threads", "1", "--device", "cpu"]


def frames(path: str) -> list[Tensor]:
    return [frame.image for frame in open_source(path).frames()]


def test_a_film_killed_at_several_moments_has_the_same_frames(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*words, "-o", "whole.mp4", "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert {"output", "size", "seconds", "recipe", "peak_bytes", "frames", "fps"} <= result.keys()
    assert not {"steps", "losses"} & result.keys() and (result["frames"], result["fps"]) == (12, 24)
    slow = "import time; usual = VideoRun.store_frame; VideoRun.store_frame = "
    slow += "lambda *words: (usual(*words), time.sleep(0.3))"
    program = f"import sys; from impasto.video.run import VideoRun; {slow}; from impasto.cli.app import main; main()"
    for moment in ("plan.json", "frames/000008-1.png"):
        with subprocess.Popen([sys.executable, "-c", program, *words], stderr=subprocess.DEVNULL) as process:
            until = time.monotonic() + 60
            while not list(Path("out.mp4.parts").glob(f"*/{moment}")):
                assert process.poll() is None and time.monotonic() < until
                time.sleep(0.02)
            process.kill()
    assert not Path("out.mp4").exists()
    assert main([*words, "--json"]) == 0
    rest = json.loads(capsys.readouterr().out)
    assert (rest["frames"], rest["painted"]) == (12, 3)
    assert all(one.equal(other) for one, other in zip(frames("out.mp4"), frames("whole.mp4"), strict=True))
    assert not Path("out.mp4.parts").exists()


def test_ctrl_c_leaves_a_film_that_plays(
    words: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    usual = VideoRun.store_frame

    def store_frame(self: VideoRun, frame: Any) -> None:
        usual(self, frame)
        if frame.number == 4:
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(VideoRun, "store_frame", store_frame)
    assert main(words) == 130
    out, err = capsys.readouterr()
    assert len(frames("out.mp4")) == 5 and "5 frames" in out and "call it again" in out
    assert "painting, frames, 1 of 12" in err
    assert main(words) == 0 and len(frames("out.mp4")) == 12


def test_a_dry_run_tells_the_time_and_names_instant(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*words, "--dry-run", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["frames"] == 12 and told["seconds"] > 0 and told["recipe"]["size"] == "content"
    optimize = ["video", "film.mp4", "painting.jpg", "-o", "out.mp4", "--weights", "tiny", "--size", "64"]
    assert main([*optimize, "--dry-run"]) == 0
    out = capsys.readouterr().out
    assert "12 frames of 64x48 pixels: about" in out and "quicker: --with instant" in out
    assert sorted(os.listdir()) == ["calm.safetensors", "film.mp4", "painting.jpg"]


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (["video", "calm.safetensors", "--with", "starry-night", "-o", "out.mp4"], "calm.safetensors"),
        (["video", "none.mp4", "--with", "starry-night", "-o", "out.mp4"], "none.mp4' does not exist"),
        (["video", "film.mp4", "--with", "starry-nihgt", "-o", "out.mp4"], "starry-night"),
        (["video", "film.mp4", "--with", "starry-night", "-o", "out.avi"], "suffix '.avi'"),
        (["video", "film.mp4", "--with", "starry-night", "-o", "film.mp4"], "is the input"),
        (["video", "film.mp4", "--with", "starry-night", "-o", "no/out.mp4"], "does not exist"),
        (["video", "film.mp4", "-o", "out.mp4"], "no style image is given"),
        (["video", "film.mp4", "none.jpg", "-o", "out.mp4"], "none.jpg' does not exist"),
        (["video", "film.mp4", "painting.jpg", "-o", "out.mp4", "--depth", "16"], "--depth is given for a film"),
        (["video", "film.mp4", "painting.jpg", "-o", "out.mp4", "--workers", "2"], "--workers is given"),
        (["video", "film.mp4", "--with", "starry-night", "-o", "out.mp4", "--preset", "draft"], "--recipe is given"),
        (["video", "film.mp4", "--with", "starry-night", "-o", "out.mp4", "--start", "9"], "no frame from 9 s"),
    ],
)
@pytest.mark.usefixtures("words")
def test_what_cannot_be_painted_is_one_line_and_exit_2(
    changed: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*changed, "--threads", "1", "--quiet"]) == 2
    err = capsys.readouterr().err
    assert message in err and err.count("\n") == 1
    assert sorted(os.listdir()) == ["calm.safetensors", "film.mp4", "painting.jpg"]


@pytest.mark.parametrize("module", ["av", "cv2"])
def test_what_is_not_installed_is_said_with_the_install_line(
    words: list[str], module: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    assert main([*words, "--quiet"]) == 2
    assert 'pip install "impasto[video]"' in capsys.readouterr().err
    assert sorted(os.listdir()) == ["calm.safetensors", "film.mp4", "painting.jpg"]
