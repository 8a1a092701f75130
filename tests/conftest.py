"""Fixtures shared by all tests: determinism, a small encoder, pictures drawn by code, the data folder if present."""

import hashlib
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from instant_network import write_package
from torch import Tensor

from impasto.features.encoder import build_encoder
from impasto.features.vgg import Vgg
from impasto.images.formats.profiles import srgb_profile
from impasto.images.io import write_image
from impasto.recipe.recipe import Recipe
from impasto.runs.result import Result

DATA = Path(__file__).parents[2] / "shared" / "data"


def pytest_configure() -> None:
    """One thread for each of several workers, and for the processes that they start."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        os.environ["OMP_NUM_THREADS"] = "1"
        torch.set_num_threads(1)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """One line for each reason why tests were skipped."""
    reasons = Counter(report.longrepr[-1] for report in terminalreporter.getreports("skipped"))
    for reason, count in reasons.items():
        terminalreporter.line(f"{count} skipped: {reason.removeprefix('Skipped: ')}")


@pytest.fixture(autouse=True, scope="session")
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The user's cache and data folders are neither read nor written."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("IMPASTO_CACHE", str(tmp_path_factory.mktemp("cache")))
        patch.setenv("IMPASTO_DATA", str(tmp_path_factory.mktemp("data")))
        yield


@pytest.fixture(autouse=True)
def _deterministic() -> None:
    torch.use_deterministic_algorithms(True)
    torch.manual_seed(0)


@pytest.fixture
def tiny_encoder() -> Vgg:
    return build_encoder(Recipe(weights="tiny"))[0]


@pytest.fixture
def picture() -> Callable[..., Tensor]:
    """picture(height, width, seed): smooth colored waves, (1, 3, H, W) in [0, 1]."""

    def paint(height: int = 32, width: int = 32, seed: int = 0) -> Tensor:
        generator = torch.Generator().manual_seed(seed)
        rows, columns = torch.linspace(0, 6, height).view(1, -1, 1), torch.linspace(0, 6, width).view(1, 1, -1)
        a, b, c = torch.rand(3, 3, 1, 1, generator=generator) * 3
        return (0.5 + 0.45 * torch.sin(a * rows + b * columns + 2 * c)).unsqueeze(0)

    return paint


@pytest.fixture
def instant_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The installed package of the network "instant", with a few random filters; the folder that it is in."""
    site = tmp_path / "site"
    data = write_package(site)
    monkeypatch.syspath_prepend(site)
    monkeypatch.setattr("impasto.fast.instant.SHA256", hashlib.sha256(data).hexdigest())
    return site


@pytest.fixture
def folder(tmp_path: Path, picture: Callable[..., Tensor], monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, with photo.png and painting.png, 64 x 48 and 40 x 50."""
    write_image(picture(48, 64, 1), tmp_path / "photo.png")
    write_image(picture(50, 40, 2), tmp_path / "painting.png")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def start(folder: Path) -> Iterator[Callable[..., "subprocess.Popen[str]"]]:
    """start(*arguments, code=""): a process of `python -m impasto`, or of that code; killed after the test."""
    started: list[subprocess.Popen[str]] = []

    def start(*arguments: str, code: str = "") -> "subprocess.Popen[str]":
        process = subprocess.Popen(
            [sys.executable, *(["-c", code] if code else ["-m", "impasto"]), *arguments],
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "OMP_NUM_THREADS": "1", "COLUMNS": "100"},
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


@pytest.fixture
def whole_and_tiled() -> Callable[[Callable[[int | None], Result]], tuple[Result, Result]]:
    """whole_and_tiled(paint): the results of paint(None), and of paint(max_memory) with a byte less than that needs."""

    def paint_whole_and_tiled(paint: Callable[[int | None], Result]) -> tuple[Result, Result]:
        whole = paint(None)
        tiled = paint(whole.memory.needed_bytes - 1)
        assert whole.memory.tile is None and tiled.memory.tile is not None
        return whole, tiled

    return paint_whole_and_tiled


@pytest.fixture
def other_profile() -> bytes:
    """A sound RGB profile that nobody can overlook: sRGB with red and green exchanged."""
    profile = bytearray(srgb_profile())
    places = {bytes(profile[132 + 12 * i : 136 + 12 * i]): 132 + 12 * i for i in range(profile[131])}
    red, green = places[b"rXYZ"], places[b"gXYZ"]
    profile[red : red + 4], profile[green : green + 4] = b"gXYZ", b"rXYZ"
    return bytes(profile)


@pytest.fixture
def data() -> Path:
    """The folder of pictures and reference weights that lies beside a developer's checkout."""
    if not DATA.is_dir():
        pytest.skip(f"real pictures and Oxford's float32 weights are not at {DATA}")
    return DATA
