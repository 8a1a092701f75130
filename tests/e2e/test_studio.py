"""The studio as a real server: painted by its API, killed in the middle and resumed; refused where it cannot start."""

import contextlib
import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import torch
from torch import Tensor

from impasto.cli.app import main
from impasto.images.io import read_image, write_image
from impasto.studio.film import paint_film
from impasto.studio.painting import Control, paint_order
from impasto.video.source import open_source

RECIPE: dict[str, Any] = {"weights": "tiny", "size": 64, "steps": 60, "first_scale": 0}

WAIT_S = 120


class Server:
    """A running `impasto studio` on a free port, and a client of it."""

    def __init__(self, folder: Path) -> None:
        words = ["studio", "--port", "0", "--no-open", "--json", "--folder", str(folder), "--device", "cpu"]
        words += ["--max-upload", "3", "--max-size", "700", "--max-jobs", "7", "--max-film", "9"]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "impasto", *words, "--threads", "1"], stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        self.address = json.loads(self.process.stdout.readline())["address"]
        self.client = httpx.Client(base_url=self.address, timeout=60)

    def upload(self, path: Path) -> str:
        """Upload a picture and return its id."""
        answer = self.client.post("/api/pictures", files={"file": (path.name, path.read_bytes())})
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    def job(self, name: str) -> dict[str, Any]:
        """Return a job."""
        return dict(self.client.get(f"/api/jobs/{name}").json())

    def end(self, number: int = signal.SIGTERM) -> int:
        """End the server and return its exit code."""
        self.client.close()
        self.process.send_signal(number)
        code = self.process.wait(WAIT_S)
        assert self.process.stdout is not None
        self.process.stdout.close()
        return code


@contextlib.contextmanager
def serving(folder: Path) -> Iterator[Server]:
    """Yield a server, which is ended."""
    server = Server(folder)
    try:
        yield server
    finally:
        if server.process.poll() is None:
            server.end(signal.SIGKILL)


def wait_for(condition: Callable[[], Any]) -> None:
    """Wait until something is true."""
    start_s = time.monotonic()
    while not condition():
        assert time.monotonic() - start_s < WAIT_S
        time.sleep(0.05)


def children(process: int) -> list[int]:
    """The child processes of a process, and theirs."""
    listed = subprocess.run(["ps", "-o", "pid=", "--ppid", str(process)], capture_output=True, text=True).stdout.split()
    return [each for child in map(int, listed) for each in (child, *children(child))]


def is_running(process: int) -> bool:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


def follow(server: Server, job: str, until: Callable[[dict[str, Any]], bool]) -> list[dict[str, Any]]:
    """Read server-sent events until one of a job says what is waited for; return all of the job's."""
    seen: list[dict[str, Any]] = []
    with server.client.stream("GET", "/api/events") as stream:
        name = ""
        for line in stream.iter_lines():
            if line.startswith("event: "):
                name = line.removeprefix("event: ")
            elif line.startswith("data: ") and name == "job":
                values = json.loads(line.removeprefix("data: "))
                if values["id"] == job:
                    seen.append(values)
                    if until(values):
                        return seen
    return seen


def ask_client(address: str, folder: Path) -> None:
    """Paint by the example of a client."""
    client = Path(__file__).parents[2] / "examples" / "studio_client.py"
    words = ["photo.png", "painting.png", "-o", "client.png", "--size", "64", "--studio", address]
    code = client.read_text("utf-8").replace("strength=options.strength", 'strength=0.4, weights="tiny", steps=2')
    asked = subprocess.run([sys.executable, "-c", code, *words], cwd=folder, capture_output=True, text=True)
    assert asked.returncode == 0 and asked.stdout.startswith("client.png: 64x48 in "), asked.stderr
    assert read_image(folder / "client.png").shape == (1, 3, 48, 64)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")
def test_a_job_killed_in_its_middle_ends_with_the_same_bytes(tmp_path: Path, picture: Callable[..., Tensor]) -> None:
    folder = tmp_path / "studio"
    for seed, name in enumerate(("photo.png", "painting.png")):
        write_image(picture(96, 128, seed), tmp_path / name)
    with serving(folder) as server:
        content, style = (server.upload(tmp_path / name) for name in ("photo.png", "painting.png"))
        body = {"content": content, "styles": [style], "recipe": RECIPE}
        limits = server.client.get("/api/status").json()["limits"]
        assert [limits[name] for name in ("size", "jobs", "film_s", "upload_bytes", "film_bytes")] == [
            *(700, 7, 9.0),
            *(3 * 2**20, 24 * 2**20),
        ]
        job = server.client.post("/api/jobs", json=body).json()["id"]
        waiting = server.client.post("/api/jobs", json={**body, "recipe": {**RECIPE, "steps": 3}}).json()["id"]
        wait_for(lambda: (server.job(job)["step"] or 0) >= 5)
        assert server.client.post(f"/api/jobs/{job}/pause").status_code == 200
        wait_for(lambda: server.job(job)["state"] == "paused")  # so that there is a checkpoint
        paused = server.job(job)["step"]
        wait_for(lambda: server.job(waiting)["state"] == "done")
        again = [sys.executable, "-m", "impasto", "studio", "--port", "0", "--no-open", "--folder", str(folder)]
        second = subprocess.run(again, capture_output=True, text=True, timeout=WAIT_S)
        assert second.returncode == 2 and "is in use by process" in second.stderr
        assert server.client.post(f"/api/jobs/{job}/resume").status_code == 200
        waiting = server.client.post("/api/jobs", json={**body, "recipe": {**RECIPE, "steps": 3}}).json()["id"]
        started = children(server.process.pid)
        assert started
        follow(server, job, lambda values: (values["step"] or 0) > paused)
        server.end(signal.SIGKILL)
        assert json.loads((folder / "jobs" / job / "job.json").read_bytes())["state"] == "painting"
    wait_for(lambda: not any(map(is_running, started)))
    with serving(folder) as server:
        assert server.client.get("/api/jobs").json()["jobs"][0]["id"] == waiting
        seen = follow(server, waiting, lambda values: values["state"] == "done")
        assert [values["state"] for values in seen][-2:] == ["painting", "done"]
        shown = server.job(job)
        assert (shown["state"], shown["step"], shown["position"]) == ("done", RECIPE["steps"], None)
        curve = server.client.get(f"/api/jobs/{job}/curve").json()
        assert curve["steps"] == [*range(1, RECIPE["steps"] + 1)]
        result = server.client.get(f"/api/jobs/{job}/result")
        assert result.headers["content-type"] == "image/png"
        ask_client(server.address, tmp_path)
        assert server.end() == 0

    def source(name: str) -> str:
        return str(folder / "pictures" / name / "picture.png")

    nothing = dict.fromkeys(("only", "protect", "fine_style", "init"))
    order = {"kind": "stylize", "recipe": shown["recipe"], "content": source(content), "styles": [source(style)]}
    order |= {**nothing, "content_masks": [], "style_masks": [], "folder": str(tmp_path / "whole"), "wish": ""}
    (tmp_path / "whole").mkdir()
    paint_order(order, {"device": "cpu", "threads": 1}, Control(), lambda kind, values: None)
    assert (tmp_path / "whole" / "run" / "result.png").read_bytes() == result.content


@pytest.mark.slow
def test_a_film_killed_in_its_middle_has_the_same_frames(tmp_path: Path, picture: Callable[..., Tensor]) -> None:
    pytest.importorskip("av", reason="films need the extra video")
    from films import write_film

    folder, part = tmp_path / "studio", {"method": "optimize", "start_s": 0.25, "duration_s": 0.5}
    for seed, name in enumerate(("painting.png", "mask.png")):
        write_image(picture(48, 64, seed).round() if seed else picture(48, 64, seed), tmp_path / name)
    film = write_film(tmp_path / "film.mp4", pictures=[picture(48, 64, 0).roll(k, 3) for k in range(24)])
    with serving(folder) as server:
        sent = server.client.post("/api/films", files={"file": (film.name, film.read_bytes())}).json()
        style, mask = (server.upload(tmp_path / name) for name in ("painting.png", "mask.png"))
        recipe = {**RECIPE, "steps": 4, "frame_steps": 4, "only_feather": 0}
        body = {"kind": "film", "content": sent["id"], "styles": [style], "only": mask, "recipe": recipe, "film": part}
        job = server.client.post("/api/jobs", json=body).json()["id"]
        seen = follow(server, job, lambda values: (values["step"] or 0) >= 5)
        assert [values["steps"] for values in seen if values["step"]][-1] == 12 and seen[-1]["has"]["preview"]
        assert server.client.post(f"/api/jobs/{job}/pause").status_code == 200
        wait_for(lambda: server.job(job)["state"] == "paused")
        assert server.job(job)["has"]["film"]  # that plays, with the frames so far
        server.client.post(f"/api/jobs/{job}/resume")
        follow(server, job, lambda values: (values["step"] or 0) >= 8)
        started = children(server.process.pid)
        server.end(signal.SIGKILL)
    wait_for(lambda: not any(map(is_running, started)))
    with serving(folder) as server:
        wait_for(lambda: server.job(job)["state"] == "done")
        (tmp_path / "resumed.mp4").write_bytes(server.client.get(f"/api/jobs/{job}/film").content)
        shown = server.job(job)
    stored = folder / "pictures"
    order = {"recipe": shown["recipe"], "film": {**part, "path": str(stored / sent["id"] / "film")}}
    order |= {"styles": [str(stored / style / "picture.png")], "only": str(stored / mask / "picture.png")}
    order |= {"folder": str(tmp_path / "whole")}
    (tmp_path / "whole").mkdir()
    paint_film(order, {"device": "cpu", "threads": 1}, Control(), lambda kind, values: None)
    films = [open_source(path).frames() for path in (tmp_path / "resumed.mp4", tmp_path / "whole/run/result.mp4")]
    pairs = [*zip(*films, strict=True)]
    assert len(pairs) == 12 and all(torch.equal(one.image, other.image) for one, other in pairs)


def test_a_port_that_is_taken_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        assert main(["studio", "--port", port, "--no-open", "--folder", str(tmp_path / "new")]) == 2
    error = capsys.readouterr().err
    assert f"port {port} of 127.0.0.1 is taken" in error and "--port 0" in error
    assert not (tmp_path / "new").exists()


def test_the_server_does_without_torch() -> None:
    """So it starts at once and takes little memory: what computes is in processes of its own."""
    code = "import sys, impasto.studio.app, impasto.studio.server; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
