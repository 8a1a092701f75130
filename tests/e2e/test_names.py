"""Pictures for which no -o is given: named after their inputs, in the working folder, never over an existing file."""

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

import impasto
from impasto.cli.app import main
from impasto.runs import run as run_folder

FAST = ("--weights", "tiny", "--size", "64", "--steps", "3", "--first-scale", "0", "--threads", "1", "--quiet")

Paint = Callable[..., str]


@pytest.fixture
def paint(folder: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Paint:
    """Run a command; returns the name at the start of the result line, which is that of a picture."""
    monkeypatch.setenv("IMPASTO_DATA", str(folder / "data"))

    def run(*words: str, exit_code: int = 0, stop_at: int | None = None) -> str:
        def stop(self: run_folder.Run, event: impasto.StepEvent) -> None:
            if event.step == stop_at:
                os.kill(os.getpid(), signal.SIGINT)

        with monkeypatch.context() as patch:
            patch.setattr(run_folder.Run, "record_step", stop)
            assert main([*words]) == exit_code
        name = capfd.readouterr().out.split(": ")[0]
        Image.open(name).close()
        return name

    return run


def test_each_picture_has_a_name_of_its_own(paint: Paint) -> None:
    assert paint("stylize", "photo.png", "painting.png", *FAST) == "photo-painting.png"
    first = Path("photo-painting.png").read_bytes()
    assert paint("stylize", "photo.png", "painting.png", *FAST, "--seed", "1") == "photo-painting-2.png"
    assert paint("rerun", "photo-painting.png", "--quiet") == "photo-painting-3.png"
    assert paint("texture", "painting.png", *FAST) == "painting-texture.png"
    assert paint("rerun", "painting-texture.png", "--quiet") == "painting-texture-2.png"
    assert paint("reconstruct", "photo.png", "--content-layers", "conv2_1", *FAST) == "photo-reconstruction.png"
    assert paint("rerun", "photo-reconstruction.png", "--quiet") == "photo-reconstruction-2.png"
    morph = ("stylize", "photo.png", "painting.png", "photo.png", "--frames", "2", *FAST)
    assert paint(*morph) == "photo-painting-photo.webp"
    assert paint(*morph) == "photo-painting-photo-2.webp"
    assert Path("photo-painting.png").read_bytes() == first


def test_names_are_in_the_working_folder(paint: Paint, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("elsewhere").mkdir()
    monkeypatch.chdir("elsewhere")
    assert paint("stylize", "../photo.png", str(folder / "painting.png"), *FAST) == "photo-painting.png"


def test_a_resumed_run_replaces_the_picture_of_its_stop_and_no_other(paint: Paint) -> None:
    long = ("stylize", "photo.png", "painting.png", *FAST, "--run-dir", "run")
    stopped = paint(*long, "--steps", "6", stop_at=2, exit_code=130)
    assert stopped == "photo-painting.png"
    before = Path(stopped).read_bytes()
    assert Path(paint("resume", "run", "--quiet")).name == "photo-painting.png"
    assert Path(stopped).read_bytes() != before


def test_a_killed_run_leaves_the_name_to_the_next(paint: Paint, monkeypatch: pytest.MonkeyPatch) -> None:
    class Killed(BaseException):
        pass

    def kill(self: run_folder.Run, event: impasto.StepEvent) -> None:
        if event.step == 4:
            raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(run_folder, "EVERY_S", 0.0)
        patch.setattr(run_folder.Run, "record_step", kill)
        with pytest.raises(Killed):
            main(["stylize", "photo.png", "painting.png", *FAST, "--steps", "9", "--run-dir", "run"])
    assert paint("stylize", "photo.png", "painting.png", *FAST) == "photo-painting.png"
    other = Path("photo-painting.png").read_bytes()
    assert Path(paint("resume", "run", "--quiet")).name == "photo-painting-2.png"
    assert Path("photo-painting.png").read_bytes() == other


def test_a_name_taken_while_painting_is_left_alone(paint: Paint, monkeypatch: pytest.MonkeyPatch) -> None:
    def take(self: run_folder.Run, event: impasto.StepEvent) -> None:
        Path("photo-painting.png").write_text("of another process")

    monkeypatch.setattr(run_folder.Run, "record_step", take)
    assert main(["stylize", "photo.png", "painting.png", *FAST]) == 0
    assert Path("photo-painting.png").read_text() == "of another process"
    assert Path("photo-painting-2.png").exists()
