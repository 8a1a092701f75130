"""`impasto batch` as a person meets it: bad files, second calls, kills, and the way from one engine to another."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from torch import Tensor

from impasto import read_image, read_metadata, write_image
from impasto.batch.manifest import read_events
from impasto.cli.app import main

FAST = ("--weights", "tiny", "--size", "32", "--steps", "2", "--first-scale", "0", "--threads", "1")


@pytest.fixture
def folder(tmp_path: Path, picture: Callable[..., Tensor], monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with four photos, of which one is broken and one is empty, and two paintings."""
    for name in ("photos", "paintings"):
        (tmp_path / name).mkdir()
    for number, name in enumerate(("photos/a.png", "photos/b.png", "paintings/x.png", "paintings/y.png")):
        write_image(picture(24, 32, number), tmp_path / name)
    (tmp_path / "photos" / "broken.png").write_bytes((tmp_path / "photos" / "a.png").read_bytes()[:200])
    (tmp_path / "photos" / "empty.png").touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(capfd: pytest.CaptureFixture[str], *words: str) -> tuple[int, dict[str, Any], str]:
    code = main(["batch", "photos", "paintings", "-o", "out", *FAST, *words, "--json"])
    out, err = capfd.readouterr()
    return code, json.loads(out), err


def done(folder: Path = Path("out")) -> Counter[str]:
    return Counter(str(e["output"]) for e in read_events(folder / "manifest.jsonl") if e["event"] == "done")


def test_bad_files_fail_and_a_second_call_does_only_these(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    code, result, err = run(capfd)
    assert code == 3, err
    assert (result["jobs"], result["done"], result["failed"], result["kept"], result["left"]) == (8, 4, 4, 0, 0)
    assert {failure["output"] for failure in result["failures"]} == {
        f"{photo}_{painting}.png" for photo in ("broken", "empty") for painting in "xy"
    }
    assert "is empty, 0 bytes" in str(result["failures"]) and "broken.png' is damaged" in str(result["failures"])
    assert result["recipe"]["size"] == 32 and result["steps"] == 8 and "pictures" in err
    metadata: Any = read_metadata("out/a_x.png")
    assert [entry["name"] for entry in metadata["inputs"]] == ["a.png", "x.png"]
    before = {path: path.stat().st_mtime_ns for path in Path("out").glob("*.png")}
    for name in ("broken", "empty"):
        (folder / "photos" / f"{name}.png").write_bytes((folder / "photos" / "a.png").read_bytes())
    code, result, _ = run(capfd, "--quiet")
    assert code == 0
    assert (result["done"], result["failed"], result["kept"]) == (4, 0, 4)
    assert {path: path.stat().st_mtime_ns for path in before} == before
    code, result, _ = run(capfd, "--dry-run")
    assert (code, result["jobs"], result["kept"], result["left"], result["seconds"]) == (0, 8, 8, 0, None)


def test_each_photograph_keeps_its_size_or_its_enlargement_is_reported(
    folder: Path, picture: Callable[..., Tensor], capfd: pytest.CaptureFixture[str]
) -> None:
    write_image(picture(40, 20, 5), "photos/b.png")
    for name in ("broken", "empty"):
        (folder / "photos" / f"{name}.png").unlink()
    code, result, err = run(capfd, "--size", "content")
    assert (code, result["done"]) == (0, 4) and "enlarged" not in err
    assert [read_image(f"out/{name}.png").shape[-2:] for name in ("a_x", "b_y")] == [(24, 32), (40, 20)]
    code, result, err = run(capfd, "--size", "40")
    assert (code, result["done"]) == (0, 4)
    assert "enlarged: 2 of 4 beyond their photographs; --size content keeps their sizes\n" in err


def test_a_dry_run_shows_what_is_left_and_writes_nothing(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["batch", "photos", "paintings", "-o", "out", *FAST, "--dry-run"]) == 0
    out = capfd.readouterr().out
    assert "8 pictures, 0 done, 8 left" in out and "  a_x.png\n" in out and " a picture as the first of them" in out
    assert re.search(r" in all, needs [\d.]+ GiB of memory$", out, re.MULTILINE) and "replaced" not in out
    assert not Path("out").exists()
    assert main(["batch", "photos/a.png", "paintings", "-o", "out", *FAST, "--quiet"]) == 0
    capfd.readouterr()
    Path("out/manifest.jsonl").unlink()
    for seed, line in ((0, "out: 2 pictures, 2 done, 0 left"), (1, "2 pictures of these exist and would be replaced")):
        assert main(["batch", "photos/a.png", "paintings", "-o", "out", *FAST, "--seed", str(seed), "--dry-run"]) == 0
        assert line in capfd.readouterr().out


def test_a_list_with_a_recipe_a_row(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("IMPASTO_DATA", str(folder / "data"))
    rows = ["content,style,output,seed", "photos/a.png,paintings/x.png;paintings/y.png,,3"]
    Path("list.csv").write_text("\n".join([*rows, "photos/b.png,paintings/x.png,b/1.jpg,"]))
    assert main(["batch", "--from", "list.csv", "-o", "out", *FAST, "--jobs", "2", "--quiet"]) == 0
    assert capfd.readouterr().out.startswith("out: 2 painted, 0 failed in ")
    assert not (folder / "data").exists()  # a batch makes no run folders
    metadata: Any = read_metadata("out/a_x+y.png")
    assert metadata["recipe"]["seed"] == 3 and len(metadata["inputs"]) == 3
    assert Path("out/b/1.jpg").is_file()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("photos paintings", "-o"),
        ("photos -o out", "expected two, CONTENTS and STYLES"),
        ("photos paintings more -o out", "Put patterns into quotes"),
        ("photos paintings --from list.csv -o out", "none beside --from"),
        ("--from list.csv -o out", "row 2: strength is 7"),
        ("photos paintings -o photos", "the folder for the finished pictures"),
        ("photos paintings -o out --name-template {content}.png", "two pictures would be named 'a.png'"),
        ("photos paintings -o out --name-template {content}_{style}.pgn", "'a_x.pgn' has the unknown suffix"),
        ("photos paintings -o out --weights none.pth", "neither a known name nor a file"),
        ("photos paintings -o out --cores-per-worker 2", "without --ray"),
        ("photos paintings -o out --ray nowhere", "expected two"),
        ("photos paintings -o out --ray 127.0.0.1:1", "there is no Ray cluster at '127.0.0.1:1'"),
    ],
)
def test_mistakes_are_reported_before_slow_work(
    words: str, message: str, folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    if "127.0.0.1" in words:
        pytest.importorskip("ray")
    Path("list.csv").write_text("content,style,strength\nphotos/a.png,paintings/x.png,7\n")
    assert main(["batch", *words.split()]) == 2
    out, err = capfd.readouterr()
    assert message in err and out == "" and err.count("\n") == 1


@pytest.fixture
def start(folder: Path) -> Iterator[Callable[..., "subprocess.Popen[str]"]]:
    started: list[subprocess.Popen[str]] = []

    def start(*words: str) -> "subprocess.Popen[str]":
        arguments = [sys.executable, "-m", "impasto", "batch", "photos", "paintings", "-o", "out", *FAST, *words]
        started.append(subprocess.Popen(arguments, cwd=folder, stderr=subprocess.PIPE, text=True))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


def wait_for_pictures(count: int) -> None:
    deadline = time.monotonic() + 60
    while not Path("out/manifest.jsonl").exists() or sum(done().values()) < count:
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_after_a_stop_in_the_middle_nothing_is_painted_twice(
    number: signal.Signals, folder: Path, start: Any, picture: Callable[..., Tensor], capfd: pytest.CaptureFixture[str]
) -> None:
    for seed in range(6):
        write_image(picture(24, 32, seed), folder / "photos" / f"{seed}.png")
    process = start("--steps", "15")
    wait_for_pictures(3)
    process.send_signal(number)
    err = process.communicate(timeout=60)[1]
    if number == signal.SIGINT:
        assert process.returncode == 130
        assert "impasto: stopped; 'out' holds all pictures finished so far. Run the command again to continue." in err
    before = {path: path.stat().st_mtime_ns for path in Path("out").glob("*.png")}
    assert 3 <= len(before) < 16
    # As if the process had been killed between the move of a picture and its line.
    *lines, last = Path("out/manifest.jsonl").read_text().splitlines(keepends=True)
    assert json.loads(last)["event"] == "done"
    Path("out/manifest.jsonl").write_text("".join([*lines, last[:30]]))
    code, result, _ = run(capfd, "--steps", "15", "--quiet")
    assert (code, result["kept"], result["done"], result["failed"]) == (3, len(before), 16 - len(before), 4)
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert set(done().values()) == {1}


def test_two_batches_do_not_paint_into_one_folder(
    folder: Path, start: Any, capfd: pytest.CaptureFixture[str]
) -> None:
    process = start("--steps", "1000000")
    while not Path("out/manifest.jsonl").exists() or "begun" not in Path("out/manifest.jsonl").read_text():
        assert process.poll() is None
        time.sleep(0.01)
    assert main(["batch", "photos", "paintings", "-o", "out", *FAST]) == 2
    assert f"is being painted into by process {process.pid} on " in capfd.readouterr().err


@pytest.mark.slow
def test_ray_paints_the_same_and_survives_a_killed_worker(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], picture: Callable[..., Tensor]
) -> None:
    ray = pytest.importorskip("ray")
    monkeypatch.setenv("RAY_ADDRESS", "local")
    from impasto.workers.ray_worker import RayWorker

    class Mortal(RayWorker):
        def perform(self, item: Any, *contents: bytes) -> Any:
            mark = folder / "died"
            if not mark.exists():
                mark.touch()
                os.kill(os.getpid(), signal.SIGKILL)
            return RayWorker.perform(self, item, *contents)

    monkeypatch.setattr("impasto.workers.ray_pool.RayWorker", Mortal)
    code, result, err = run(capfd, "--ray", "--jobs", "1", "--cores-per-worker", "1")
    assert not ray.is_initialized()
    assert (code, result["done"], result["failed"], result["left"]) == (3, 4, 4, 0), err
    assert (folder / "died").exists() and "its worker ended" in err and "another paints it" in err
    assert set(done().values()) == {1}
    assert "photos/empty.png' is empty" in str(result["failures"]) and "/photos/broken.png' is damaged" in str(result)
    # A local batch goes on from there, and paints the same.
    write_image(picture(24, 32, 9), folder / "photos" / "c.png")
    code, result, err = run(capfd)
    assert (code, result["kept"], result["done"]) == (3, 4, 2)
    assert main(["batch", "photos", "paintings", "-o", "alone", *FAST, "--quiet"]) == 3
    for path in Path("alone").glob("*.png"):
        assert path.read_bytes() == (Path("out") / path.name).read_bytes()
