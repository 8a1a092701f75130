"""A film that we write plays in a browser's video element: pictures, sound, colors, turned as it was held."""

import base64
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("av", reason="films need the extra video")

from browser import needs_browser, open_browser
from films import COLORS, write_film

from impasto.video.sink import join_segments, write_segment
from impasto.video.source import open_source

pytestmark = needs_browser

PLAY = """async (address) => {
    const video = document.createElement("video");
    video.muted = true;
    video.src = address;
    await new Promise((resolve, reject) => {
        video.onloadeddata = resolve;
        video.onerror = () => reject(new Error(video.error.message));
    });
    const canvas = document.createElement("canvas");
    const colors = [];
    for (const time of [0.02, 0.06, 0.1]) {
        const sought = new Promise((resolve) => { video.onseeked = resolve; });
        video.currentTime = time;
        await sought;
        canvas.width = video.videoWidth;
        canvas.height = video.videoHeight;
        const context = canvas.getContext("2d");
        context.drawImage(video, 0, 0);
        colors.push(Array.from(context.getImageData(20, 20, 1, 1).data).slice(0, 3));
    }
    video.currentTime = 0;
    const ended = new Promise((resolve) => { video.onended = resolve; });
    await video.play();
    await ended;
    return {
        colors, width: video.videoWidth, height: video.videoHeight, duration: video.duration,
        sound: video.webkitAudioDecodedByteCount, played: video.played.end(0),
    };
}"""


def play(path: Path) -> Any:
    kind = "video/webm" if path.suffix == ".webm" else "video/mp4"
    address = f"data:{kind};base64,{base64.b64encode(path.read_bytes()).decode()}"
    with open_browser() as browser:
        return browser.new_page().evaluate(PLAY, address)


@pytest.mark.parametrize("suffix", [".mp4", ".webm"])
def test_a_written_film_plays(suffix: str, tmp_path: Path) -> None:
    path = write_film(tmp_path / "film.mp4", sounds=["aac"], turn=(90, False, False), size=(49, 64), pixels="yuv444p")
    source, segment, output = open_source(path), tmp_path / "segment.mp4", tmp_path / f"output{suffix}"
    write_segment(segment, source.frames(), output=output, source=source)
    join_segments([segment], output, source=source)
    film = play(output)
    assert (film["width"], film["height"]) == (50, 64) and film["sound"] > 0
    assert film["duration"] == pytest.approx(1, abs=0.07) == film["played"]
    for color, wanted in zip(film["colors"], COLORS, strict=False):
        assert color == pytest.approx(wanted, abs=8)
