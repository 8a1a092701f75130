"""The page of examples/browser in a real browser: it paints what Python paints, and live; mistakes are reported."""

import base64
import io
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from browser import needs_browser, open_browser
from painter_network import random_network
from PIL import Image
from torch import Tensor

from impasto import write_image
from impasto.fast.export import encode_onnx

pytest.importorskip("onnx", reason="the browser example needs the extra export")

FOLDER = Path(__file__).parents[2] / "examples" / "browser"
CAMERA = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
WEBGPU = ["--enable-unsafe-webgpu"]  # a graphics card made of programs, which Chromium brings along
WAIT_MS = 120_000

pytestmark = [
    *needs_browser,
    pytest.mark.skipif(not (FOLDER / "onnxruntime").is_dir(), reason="the browser example is run after `make web`"),
]


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of the page, served with a small untrained network."""
    network = tmp_path_factory.mktemp("served") / "random.onnx"
    network.write_bytes(encode_onnx(random_network(), torch.tensor([0, 0.5, 0.5])))
    command = [sys.executable, str(FOLDER / "serve.py"), str(network), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            yield server.stdout.readline().strip()
        finally:
            server.terminate()
            server.wait(20)


@pytest.fixture
def page(address: str, request: pytest.FixtureRequest) -> Iterator[Any]:
    """The page, its network loaded. At the end of the test no error may stand in the console."""
    said: list[str] = []
    engine = getattr(request, "param", "WebAssembly")
    with open_browser(*CAMERA, *(WEBGPU if engine == "WebGPU" else [])) as browser:
        page = browser.new_page()
        page.set_default_timeout(WAIT_MS)
        page.on("console", lambda line: said.append(line.text) if line.type == "error" else None)
        page.on("pageerror", lambda error: said.append(str(error)))
        page.goto(address)
        page.locator("#status", has_text=f"random.onnx is ready, {engine}").wait_for()
        yield page
    assert said == []


def wait_for_status(page: Any, text: str) -> None:
    page.locator("#status", has_text=text).wait_for()


@pytest.mark.parametrize("page", ["WebAssembly", "WebGPU"], indirect=True)
def test_the_page_paints_what_python_paints(page: Any, tmp_path: Path, picture: Callable[..., Tensor]) -> None:
    photograph = (picture(61, 83) * 255).round() / 255
    write_image(photograph, tmp_path / "photo.png")
    page.locator("#edge").select_option("0")
    page.locator("#photograph").set_input_files(tmp_path / "photo.png")
    wait_for_status(page, "Painted by random.onnx")
    address = page.evaluate("document.getElementById('picture').toDataURL('image/png')")
    shown = np.asarray(Image.open(io.BytesIO(base64.b64decode(address.split(",")[1]))).convert("RGB"))
    with torch.no_grad():
        expected = random_network()(photograph, torch.tensor([[0, 0.5, 0.5]])[..., None, None])
    difference = np.abs(shown / 255 - expected[0].permute(1, 2, 0).numpy())
    assert shown.shape == (61, 83, 3) and difference.mean() < 1 / 255
    assert difference.max() < 2 / 255  # each value is only rounded
    page.locator("#edge").select_option("256")  # smaller pictures are not enlarged
    wait_for_status(page, "Painted by random.onnx")
    with page.expect_download() as download:
        page.locator("#save").click()
    with Image.open(download.value.path()) as saved:
        assert saved.size == (83, 61)


def test_the_camera_is_painted_live(page: Any) -> None:
    page.locator("#edge").select_option("256")
    page.locator("#camera").click()
    wait_for_status(page, "frames a second, WebAssembly")
    assert page.evaluate("document.getElementById('picture').width") == 256
    page.locator("#camera").click()
    assert page.locator("#camera").get_attribute("aria-pressed") == "false"


def test_mistakes_are_reported(page: Any, tmp_path: Path) -> None:
    (tmp_path / "notes.onnx").write_bytes(b"not a network")
    page.locator("#network").set_input_files(tmp_path / "notes.onnx")
    wait_for_status(page, "notes.onnx cannot be read as a network")
    (tmp_path / "notes.png").write_bytes(b"not a picture")
    page.locator("#photograph").set_input_files(tmp_path / "notes.png")
    wait_for_status(page, "notes.png is no picture that this browser can read")


def test_a_network_that_does_not_exist() -> None:
    command = [sys.executable, str(FOLDER / "serve.py"), "nowhere.onnx"]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 1 and ended.stderr.startswith("nowhere.onnx does not exist; expected an .onnx file")
