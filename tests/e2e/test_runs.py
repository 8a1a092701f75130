"""Runs on the command line: killed at any moment and resumed, listed, shown, cleaned, rerun."""

import errno
import json
import os
import random
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

import impasto
from impasto.cli.app import main
from impasto.runs import run as run_folder

FAST = ("--weights", "tiny", "--size", "64", "--steps", "40", "--first-scale", "32", "--threads", "1", "--quiet")
INPUTS = ("photo.png", "painting.png")

OFTEN = """
import sys
from impasto.cli.app import main
from impasto.runs import run
run.EVERY_S = 0.0
{more}
sys.exit(main())
"""
"""The command line with a checkpoint after nearly every step."""

KILLED_WRITING = """
import os, signal
from impasto.runs import checkpoint
written, place = [0], {place!r}
def kill_at(name, count):
    if name == place:
        written[0] += 1
        if written[0] == count:
            os.kill(os.getpid(), signal.SIGKILL)
append, replace = checkpoint._append, os.replace
def half_append(file, name, tensor):
    if place == "tensors" and written[0] == 20:
        file.write(b"half of a tensor")
        file.flush()
    kill_at("tensors", 21)
    return append(file, name, tensor)
def replace_state(source, target):
    if str(target).endswith("state.json"):
        kill_at("before", 6)
        replace(source, target)
        kill_at("behind", 6)
    else:
        replace(source, target)
checkpoint._append, os.replace = half_append, replace_state
"""
"""Code that kills the process within a checkpoint: in the midst of a tensor, before or behind the move of the state."""


@pytest.fixture(autouse=True)
def _no_runs(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The user's data folder is `data` in the working folder, and not there yet."""
    monkeypatch.setenv("IMPASTO_DATA", str(folder / "data"))


Start = Callable[..., "subprocess.Popen[str]"]


def wait_for_checkpoint(run: Path, process: "subprocess.Popen[str]") -> None:
    state = run / "checkpoint" / "state.json"
    before = state.stat().st_mtime_ns if state.exists() else 0
    while process.poll() is None and not (state.exists() and state.stat().st_mtime_ns > before):
        time.sleep(0.01)


@pytest.mark.slow
def test_killed_at_any_moment_the_picture_is_the_same_to_the_byte(folder: Path, start: Start) -> None:
    long = [*FAST, "--steps", "200"]
    assert main(["stylize", *INPUTS, "-o", "whole.png", *long, "--run-dir", "none"]) == 0
    moments = random.Random(7)
    arguments = ["stylize", *INPUTS, "-o", "out.png", *long, "--run-dir", "run"]
    steps = []
    for place in ("tensors", "", "before", "", "behind"):
        process = start(*arguments, code=OFTEN.format(more=KILLED_WRITING.replace("{place!r}", repr(place))))
        if not place:
            wait_for_checkpoint(folder / "run", process)
            time.sleep(moments.uniform(0, 0.3))
            process.kill()
        process.communicate(timeout=600)
        assert process.returncode == -signal.SIGKILL
        assert not Path("out.png").exists()
        steps.append(json.loads((folder / "run" / "checkpoint" / "state.json").read_text())["state"]["step"])
        arguments = ["resume", "run", "--quiet"]
    assert steps == sorted(steps) and 0 < steps[0] < steps[2] < steps[4] < 200
    assert main(arguments) == 0
    assert Path("out.png").read_bytes() == Path("whole.png").read_bytes()
    assert not (folder / "run" / "checkpoint").exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_run_prints_the_command_that_resumes_it_and_loses_nothing(
    number: int, folder: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["stylize", *INPUTS, "-o", "whole.png", *FAST, "--run-dir", "none"]) == 0
    record = run_folder.Run.record_step

    def record_and_signal(self: run_folder.Run, event: impasto.StepEvent) -> None:
        record(self, event)
        if event.step == 23:
            os.kill(os.getpid(), number)

    capfd.readouterr()
    with monkeypatch.context() as patch:
        patch.setattr(run_folder.Run, "record_step", record_and_signal)
        assert main(["stylize", *INPUTS, "-o", "out.png", *FAST]) == 130
    out = capfd.readouterr().out
    assert "23 steps" in out and "stopped early: the best so far" in out and "; to resume: impasto resume 20" in out
    name = out.split("impasto resume ")[1].strip()
    assert main(["resume", name, "--json"]) == 0
    out, err = capfd.readouterr()
    assert "resuming after step 23 of 40" in err
    values = json.loads(out)
    assert (values["steps"], values["end"], Path(values["output"])) == (40, "steps", folder / "out.png")
    assert values["run_dir"] == str(folder / "data" / "runs" / name)
    assert Path("out.png").read_bytes() == Path("whole.png").read_bytes()
    assert main(["resume", name]) == 0
    assert capfd.readouterr().out == f"run {name} is finished: its picture is {folder / 'out.png'}\n"
    assert main(["resume", name, "--json"]) == 0
    assert json.loads(capfd.readouterr().out)["output"] == str(folder / "out.png")


def test_a_stopped_run_is_found_by_its_picture(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    record, loud = run_folder.Run.record_step, [word for word in FAST if word != "--quiet"]

    def record_and_signal(self: run_folder.Run, event: impasto.StepEvent) -> None:
        record(self, event)
        if event.step == 7:
            os.kill(os.getpid(), signal.SIGINT)

    with monkeypatch.context() as patch:
        patch.setattr(run_folder.Run, "record_step", record_and_signal)
        assert main(["stylize", *INPUTS, "-o", "out.png", *FAST]) == 130
    out = capfd.readouterr().out
    assert "7 steps in" in out and "stopped early, painted at 32x24 so far; to resume: impasto resume 20" in out
    name = out.split("impasto resume ")[1].strip()
    assert main(["stylize", *INPUTS, "-o", "other.png", *loud]) == 0
    out, err = capfd.readouterr()
    assert "replac" not in out + err
    shutil.copy("out.png", "stopped.png")
    assert main(["stylize", *INPUTS, "-o", "out.png", *loud, "--run-dir", "none"]) == 0
    out, err = capfd.readouterr()
    assert f"out.png is of a stopped run and will be replaced; to finish that one: impasto resume {name}\n" in err
    assert out.endswith(", replacing an older picture\n")
    shutil.copy("out.png", "whole.png")
    assert main(["runs", "show", "out.png"]) == 0
    assert f"/{name}\n" in capfd.readouterr().out
    monkeypatch.chdir("data")
    assert main(["resume", "../out.png"]) == 0
    out = capfd.readouterr().out
    assert re.search(r"out.png: 64x48, 40 steps, 33 of them in .+ s now\n$", out) and "replac" not in out
    monkeypatch.chdir("..")
    assert Path("out.png").read_bytes() == Path("whole.png").read_bytes()
    assert main(["resume", "out.png"]) == 0  # now it is finished
    assert capfd.readouterr().out.startswith(f"run {name} is finished")
    assert main(["resume", "whole.png"]) == 2
    assert "or the picture that one was to write" in capfd.readouterr().err


def test_the_list_of_runs_breaks_no_name(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    long = "a-photograph-with-a-name-that-is-quite-long"
    shutil.copy("photo.png", f"{long}.png")
    assert main(["stylize", f"{long}.png", "painting.png", "-o", f"{long}-painted.png", *FAST, "--steps", "1"]) == 0
    capfd.readouterr()
    monkeypatch.setenv("COLUMNS", "80")
    assert main(["runs", "list"]) == 0
    out = capfd.readouterr().out
    assert re.search(rf"^\d+-\d+-{long[:40]} ", out, re.MULTILINE)
    assert all(len(line) <= 80 for line in out.splitlines())


def test_the_second_of_two_processes_names_the_first(
    folder: Path, start: Start, capfd: pytest.CaptureFixture[str]
) -> None:
    arguments = ["stylize", *INPUTS, "-o", "out.png", *FAST, "--steps", "100000", "--run-dir", "run"]
    process = start(*arguments, code=OFTEN.format(more=""))
    wait_for_checkpoint(folder / "run", process)
    assert main(["resume", "run"]) == 2
    assert f"is being painted by process {process.pid} on" in capfd.readouterr().err
    assert main(["runs", "list", "--in", ".", "--json"]) == 0
    (row,) = json.loads(capfd.readouterr().out)["runs"]
    assert (row["name"], row["state"]) == ("run", "running")
    assert main(["runs", "clean", "run"]) == 0
    assert capfd.readouterr().out.startswith("0 of 1 removed")
    process.kill()
    process.communicate()


def test_runs_are_listed_shown_and_cleaned(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["runs", "list"]) == 0
    assert capfd.readouterr().out.startswith("No runs in ")
    assert main(["stylize", *INPUTS, "-o", "out.png", *FAST]) == 0
    impasto.stylize(
        *INPUTS, impasto.Recipe(weights="tiny", size=32, steps=3, first_scale=0),
        run_dir=folder / "data" / "runs" / "mine", on_step=lambda event: "stop" if event.step == 2 else None,
    )  # fmt: skip
    (folder / "data" / "runs" / "mine" / "note.txt").write_text("not of impasto")
    (folder / "data" / "runs" / "broken").mkdir()
    (folder / "data" / "runs" / "broken" / "run.json").write_text("{")
    capfd.readouterr()
    assert main(["runs", "list"]) == 0
    lines = capfd.readouterr().out.splitlines()
    assert lines[0].split() == ["run", "state", "steps", "size", "disk", "picture"]
    assert lines[1].split()[1:4] == ["finished", "40/40", "64x48"] and lines[1].split()[-1] == "out.png"
    assert lines[2].split()[:2] == ["broken", "damaged"]
    assert lines[3].split()[:4] == ["mine", "stopped", "2/3", "32x24"]
    name = lines[1].split()[0]
    assert main(["runs", "show", name, "--plot"]) == 0
    shown = capfd.readouterr().out
    assert "state:   stylize, finished, step 40 of 40" in shown
    svg = folder / "data" / "runs" / name / "losses.svg"
    assert f"plot:    {svg}\n" in shown and ">total</text>" in svg.read_text("utf-8")
    assert main(["runs", "show", "mine", "--json", "--plot"]) == 0
    values = json.loads(capfd.readouterr().out)
    assert (values["state"], values["step"], len(values["trace"])) == ("stopped", 2, 2)
    assert Path(values["plot"]).name == "losses.svg" and Path(values["plot"]).is_file()
    assert main(["runs", "show", "mine"]) == 0
    assert "To resume: impasto resume mine" in capfd.readouterr().out
    assert main(["runs", "clean", "--dry-run"]) == 0
    assert f"{name}\n1 of 3 would be removed" in capfd.readouterr().out
    assert main(["runs", "clean", "--json"]) == 0
    assert json.loads(capfd.readouterr().out)["removed"] == [name]
    own = folder / "data" / "runs" / "mine" / "run.json"
    (folder / "elsewhere" / "mine").mkdir(parents=True)
    (folder / "elsewhere" / "mine" / "run.json").write_bytes(own.read_bytes())
    assert main(["runs", "clean", "mine", "--in", "elsewhere", "--unfinished"]) == 0  # not the user's own of that name
    assert not (folder / "elsewhere" / "mine").exists() and own.exists()
    assert main(["runs", "clean", "--unfinished"]) == 0
    left = folder / "data" / "runs"
    assert [path.relative_to(left) for path in left.rglob("*")] == [Path("mine"), Path("mine/note.txt")]
    assert Path("out.png").exists()


def test_a_finished_run_stays_small_unless_its_folder_was_asked_for(
    folder: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    common = ["stylize", *INPUTS, *FAST, "--steps", "24", "--only", "photo.png"]
    for arguments in ([], ["--run-dir", "mine"]):
        assert main([*common, "-o", "out.png", *arguments]) == 0
    (small,) = (folder / "data" / "runs").iterdir()
    names = sorted(str(path.relative_to(small)) for path in small.rglob("*") if path.is_file())
    assert names == ["lock", "previews/step_0024.jpg", "recipe.toml", "run.json", "trace.jsonl"]
    assert (folder / "mine" / "result.png").read_bytes() == Path("out.png").read_bytes()
    assert len([*(folder / "mine" / "previews").iterdir()]) == 12 and (folder / "mine" / "inputs").is_dir()
    capfd.readouterr()
    monkeypatch.setattr("impasto.cli.runs.LARGE", 1000)
    assert main(["runs", "list"]) == 0
    assert "`impasto runs clean` removes the finished runs" in capfd.readouterr().out


def test_a_picture_that_does_not_fit_on_the_disk_is_delivered_later(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["stylize", *INPUTS, "-o", "whole.png", *FAST, "--run-dir", "none"]) == 0
    replace = os.replace

    def full(source: str, target: Path) -> None:
        if Path(target).name == "out.png":
            raise OSError(errno.ENOSPC, "No space left on device")
        replace(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", full)
        assert main(["stylize", *INPUTS, "-o", "out.png", *FAST, "--run-dir", "run"]) == 1
    err = capfd.readouterr().err
    assert "was not written (No space left on device)" in err and "Then resume: impasto resume" in err
    assert sorted(path.name for path in folder.iterdir()) == [*sorted(INPUTS), "run", "whole.png"]
    assert main(["resume", "run"]) == 0
    assert "resuming after step 40 of 40" in capfd.readouterr().err
    assert Path("out.png").read_bytes() == Path("whole.png").read_bytes()


def test_resume_finds_a_start_picture_from_elsewhere(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The recipe names it as seen from where the run began."""
    Path("start.png").write_bytes(Path("photo.png").read_bytes())
    recipe = impasto.Recipe(weights="tiny", size=64, steps=3, first_scale=0, init="start.png", depth=8)
    impasto.stylize("photo.png", "painting.png", recipe, run_dir="run", on_step=lambda event: "stop")
    (folder / "elsewhere").mkdir()
    monkeypatch.chdir(folder / "elsewhere")
    assert main(["resume", "../run", "-o", "out.png", "--quiet"]) == 0
    metadata = impasto.read_metadata("out.png")
    assert metadata is not None and metadata["recipe"] == recipe.to_dict()


def test_rerun_writes_the_file_as_the_first_was(folder: Path, other_profile: bytes) -> None:
    """Profile, depth and what is stripped are the recipe's, so that the same bytes come again; and can be replaced."""
    exif = Image.Exif()
    exif[33432] = "(c) Ann"
    with Image.open("photo.png") as photo:
        photo.save("marked.png", icc_profile=other_profile, exif=exif)
    options = ["--keep-profile", "--strip", "--depth", "8"]
    assert main(["stylize", "marked.png", "painting.png", "-o", "first.png", *options, *FAST]) == 0
    given = ["--content", "marked.png", "--style", "painting.png", "--quiet"]
    assert main(["rerun", "first.png", "-o", "again.png", *given]) == 0
    assert Path("first.png").read_bytes() == Path("again.png").read_bytes()
    with Image.open("first.png") as first:
        assert first.info["icc_profile"] == other_profile and 33432 not in first.getexif()
    assert main(["rerun", "first.png", "-o", "other.png", "--no-keep-profile", "--no-strip", *given]) == 0
    with Image.open("other.png") as other:
        assert other.info["icc_profile"] != other_profile and other.getexif()[33432] == "(c) Ann"


def test_rerun_replaces_what_is_asked_for(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["stylize", *INPUTS, "-o", "first.png", *FAST]) == 0
    assert main(["rerun", "first.png", "-o", "again.png", "--quiet"]) == 0
    assert Path("again.png").read_bytes() == Path("first.png").read_bytes()
    capfd.readouterr()
    replaced = ["--content", "painting.png", "--style", "photo.png", "--steps", "2", "--strength", "0.9"]
    assert main(["rerun", "first.png", "-o", "other.png", *replaced, "--json", "--quiet"]) == 0
    values = json.loads(capfd.readouterr().out)
    assert (values["steps"], values["size"]) == (2, {"width": 51, "height": 64})
    assert (values["recipe"]["strength"], values["recipe"]["weights"]) == (0.9, "tiny")
    assert main(["rerun", "first.png", "-o", "first.png", "--dry-run"]) == 0
    assert main(["rerun", "photo.png", "-o", "other.png"]) == 2
    assert "has no recipe inside" in capfd.readouterr().err


def test_a_dry_run_and_a_run_without_folder_leave_none(folder: Path) -> None:
    assert main(["stylize", *INPUTS, "-o", "out.png", *FAST, "--dry-run"]) == 0
    assert main(["stylize", *INPUTS, "-o", "out.png", *FAST, "--run-dir", "none"]) == 0
    assert not (folder / "data").exists()


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["resume", "nothing"], "run 'nothing' is not there"),
        (["runs", "show", "nothing"], "run 'nothing' is not there"),
        (["runs", "clean", "nothing"], "run 'nothing' is not there"),
        (["stylize", *INPUTS, "-o", "out.png", *FAST, "--run-dir", "."], "is not empty"),
        (["stylize", *INPUTS, "-o", "out.png", *FAST, "--run-dir", "photo.png"], "is a file"),
    ],
)
def test_bad_input_is_one_line_and_exit_2(
    arguments: list[str], expected: str, folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    err = capfd.readouterr().err
    assert expected in err and err.count("\n") == 1
    assert not Path("out.png").exists()


def test_resume_without_a_name_takes_the_only_stopped_run(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    def stop(name: str) -> None:
        recipe = impasto.Recipe(weights="tiny", size=64, steps=3, first_scale=0)
        impasto.stylize(name, "painting.png", recipe, run_dir="auto", on_step=lambda event: "stop")

    assert main(["resume"]) == 2
    assert "no run is stopped" in capfd.readouterr().err
    stop("photo.png")
    assert main(["resume", "-o", "out.png"]) == 0
    assert "-photo; `impasto runs list` lists all runs" in capfd.readouterr().err
    for name in ("photo.png", "painting.png"):
        stop(name)
    newest = sorted(Path(os.environ["IMPASTO_DATA"], "runs").iterdir())[-1].name
    assert main(["resume"]) == 2
    expected = f"2 runs are stopped; expected the name of one. The newest: impasto resume {newest};"
    assert expected in capfd.readouterr().err


def test_the_list_says_how_much_all_runs_hold_when_it_is_much(
    folder: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = impasto.Recipe(weights="tiny", size=64, steps=1, first_scale=0)
    impasto.stylize("photo.png", "painting.png", recipe, run_dir="auto")
    for held, is_told in ((2_000_000_000, False), (2_100_000_000, True)):
        monkeypatch.setattr("impasto.runs.summary.measure_run", lambda path, held=held: held)
        assert main(["runs", "list"]) == 0
        assert ("2.1 GB in " in capfd.readouterr().out) is is_told
