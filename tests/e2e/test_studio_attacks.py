"""Attacks on the studio: each is refused with a message, writes nothing outside its folder, and makes it serve nothing
that a browser would run."""

import contextlib
import io
import itertools
import json
import socket
import struct
import threading
import time
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

httpx = pytest.importorskip("httpx", reason="the studio's attacks need httpx: pip install 'impasto[test]'")
uvicorn = pytest.importorskip("uvicorn", reason="the studio's attacks need the extra studio")

from impasto.images.io import write_image  # noqa: E402
from impasto.recipe.recipe import Recipe  # noqa: E402
from impasto.studio.access import Access  # noqa: E402
from impasto.studio.app import create_app  # noqa: E402
from impasto.studio.guard import Guard  # noqa: E402
from impasto.studio.limits import Limits  # noqa: E402
from impasto.studio.server import bind  # noqa: E402

LIMITS = Limits(
    upload_bytes=300_000,
    film_bytes=300_000,
    film_s=3.0,
    film_frames=90,
    film_pixels=500_000,
    body_bytes=20_000,
    pixels=1_000_000,
    idle_s=2.0,
    jobs=3,
    streams=2,
)

TOKENS = {"a" * 43: "ann", "b" * 43: "bob"}

RUN_BY_BROWSERS = ("html", "svg", "xml", "javascript", "pdf", "css", "flash", "x-")


@dataclass
class Studio:
    """A running studio that nobody paints in, and the folder around its own."""

    client: Any
    port: int
    around: Path
    app: Any

    def upload(self, data: bytes, name: str = "a.png", **options: Any) -> Any:
        return self.client.post("/api/pictures", files={"file": (name, data)}, **options)

    def picture(self) -> str:
        answer = self.upload(png())
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    def files(self) -> set[str]:
        return {str(path.relative_to(self.around)) for path in self.around.rglob("*")}

    def raw(self, data: bytes, wait_s: float = 20.0) -> bytes:
        """What the server answers to bytes on a connection, until it closes it."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=wait_s) as connection:
            connection.sendall(data)
            answer = b""
            while part := connection.recv(65536):
                answer += part
        return answer


def start_studio(folder: Path, tokens: dict[str, str]) -> Iterator[Studio]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("impasto.studio.app.start_work", lambda *arguments: None)
        app = create_app(folder / "studio", limits=LIMITS, device="cpu", threads=1)
        listening = bind("127.0.0.1", 0)
        port = listening.getsockname()[1]
        guard = Guard(app, access=Access(port=port, tokens=tokens), limits=LIMITS)
        config = uvicorn.Config(guard, access_log=False, log_level="critical", server_header=False, proxy_headers=False)
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.01)
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60, event_hooks={"response": [check]}) as client:
            yield Studio(client, port, folder, app)
        server.should_exit = True
        thread.join()
        listening.close()


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    yield from start_studio(tmp_path_factory.mktemp("attacked"), {})


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    """A studio that asks for tokens."""
    yield from start_studio(tmp_path_factory.mktemp("closed"), TOKENS)


def check(answer: Any) -> None:
    """Whatever is answered has the headers, no type that a browser runs, and a message if it refuses."""
    answer.read()
    headers, page = answer.headers, answer.request.url.path
    assert answer.status_code < 500, answer.text
    assert headers["x-content-type-options"] == "nosniff" and "access-control-allow-origin" not in headers
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    if page != "/" and not page.startswith("/static/"):
        assert headers["cache-control"] == "no-store"
        kind = headers.get("content-type", "")
        assert not any(name in kind for name in RUN_BY_BROWSERS), kind
    if answer.status_code >= 400:
        values = answer.json()
        assert values["error"] and values["hint"] and "Traceback" not in answer.text


def png(width: int = 24, height: int = 16) -> bytes:
    pixels = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return encode(pixels, "PNG")


def encode(pixels: Any, kind: str, **options: Any) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, kind, **options)
    return file.getvalue()


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def bomb(width: int, height: int) -> bytes:
    """A PNG of a few kilobytes whose header claims so many pixels."""
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    rest = chunk(b"IDAT", zlib.compress(bytes(10**6))) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + rest


# Uploads


@pytest.mark.parametrize(
    "name",
    [
        *("../../../evil.png", "..\\..\\evil.png", "/etc/passwd", "C:\\evil.png", "\\\\server\\share\\evil.png"),
        *("evil\0.png", "a\r\nSet-Cookie: x=1.png", "<img src=x onerror=alert(1)>.png", "a" * 5000, "..", "con"),
    ],
    ids=range(11),
)
def test_a_file_name_is_never_a_path(studio: Studio, name: str) -> None:
    before = studio.files()
    answer = studio.upload(png(), name)
    if answer.status_code == 201:
        values = answer.json()
        assert not any(sign in values["name"] for sign in "/\\\0\r\n") and len(values["name"]) <= 120
        new = studio.files() - before
        assert new and all(path.startswith(f"studio/pictures/{values['id']}") for path in new)
        studio.client.delete(values["picture"])
    assert studio.files() == before and not list(studio.around.parent.glob("evil*"))


SVG = b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>'
HTML = b"<!doctype html><script>alert(1)</script>"


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (SVG, 415),
        (HTML, 415),
        (b"<?xml version='1.0'?>" + SVG, 415),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(/etc/passwd) run", 415),
        (b"\xc5\xd0\xd3\xc6" + bytes(60), 415),
        (b"%PDF-1.7\n", 415),
        (b"MZ" + bytes(200), 415),
        (b"PK\x03\x04" + bytes(200), 415),
        (b"", 415),
        (b"BM" + bytes(200), 415),
        (b"P6 9 9 255 " + bytes(243), 415),
        (b"\x89PNG\r\n\x1a\n" + HTML, 422),
        (b"GIF89a/*" + HTML, 422),
        (b"\xff\xd8\xff\xe0" + SVG, 422),
        (b"RIFF\0\0\0\0WEBP" + HTML, 422),
        (b"II*\0" + HTML, 422),
        (b"\0\0\0\x18ftypavif" + HTML, 422),
        (b"\0\0\0\x18ftypheic" + HTML, 422),
    ],
    ids=range(18),
)
def test_what_is_no_picture_is_refused_whatever_it_is_called(studio: Studio, data: bytes, status: int) -> None:
    before = studio.files()
    for kind in ("image/png", "image/svg+xml"):
        answer = studio.client.post("/api/pictures", files={"file": ("photo.png", data, kind)})
        assert answer.status_code == status and answer.json()["field"] == "file"
    assert studio.files() == before


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "WEBP", "TIFF"])
def test_a_polyglot_is_encoded_anew(studio: Studio, kind: str) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (16, 24, 3), dtype=np.uint8)
    options: dict[str, Any] = {"exif": Image.Exif()} if kind in ("PNG", "JPEG", "WEBP") else {}
    if options:
        options["exif"][0x010E] = HTML.decode()  # the description
        options["exif"][0x8825] = {1: "N", 2: (48.0, 51.0, 30.0)}  # where it was taken
    answer = studio.upload(encode(pixels, kind, **options) + HTML + SVG, "a.html")
    assert answer.status_code == 201, answer.text
    for address in (answer.json()["picture"], answer.json()["thumbnail"]):
        served = studio.client.get(address)
        assert served.headers["content-type"] in ("image/jpeg", "image/png")
        assert b"script" not in served.content and b"svg" not in served.content and b"Exif" not in served.content
        with Image.open(io.BytesIO(served.content)) as picture:
            assert not picture.getexif()


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (HTML, 415),
        (b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n", 415),
        (b"ffconcat version 1.0\nfile /etc/passwd\n", 415),
        (b"\0\0\0\x18ftypisom" + HTML, 422),
        (b"\x1a\x45\xdf\xa3#EXTM3U\nhttp://127.0.0.1:1/a.ts\n", 422),
        (b"RIFF\0\0\0\0AVI " + bytes(99), 422),
        (b"\0\0\0\x18ftypisom" + bytes(400_000), 413),
    ],
)
def test_what_is_no_film_is_refused(studio: Studio, data: bytes, status: int) -> None:
    pytest.importorskip("av", reason="films need the extra video")
    before = studio.files()
    answer = studio.client.post("/api/films", files={"file": ("../../film.mp4", data)})
    assert answer.status_code == status, answer.text
    assert str(studio.around) not in answer.text and studio.files() == before


def test_films_beyond_the_limits_are_refused(studio: Studio, tmp_path: Path) -> None:
    """A broken film, films that declare huge frames or have them, one without an end, one of a thousand frames."""
    pytest.importorskip("av", reason="films need the extra video")
    from films import write_film

    film = write_film(tmp_path / "film.mp4", count=24).read_bytes()
    raw = write_film(tmp_path / "raw.avi", count=2, size=(16, 16), codec="rawvideo", pixels="bgr24").read_bytes()
    small = struct.pack("<iiHH", 16, -16, 1, 24)
    assert small in raw
    live = write_film(tmp_path / "live.mkv", count=80, options={"crf": "51"})
    fast = [Fraction(k, 1000) for k in range(100)]
    before = studio.files()
    for name, data, status in (
        ("broken.mp4", film[: len(film) // 2], 422),
        ("huge.avi", raw.replace(small, struct.pack("<iiHH", 100_000, -100_000, 1, 24)), 422),
        ("large.avi", raw.replace(small, struct.pack("<iiHH", 16_000, -16_000, 1, 24)), 422),
        ("wide.mp4", write_film(tmp_path / "wide.mp4", count=2, size=(720, 1280)).read_bytes(), 413),
        ("long.mkv", live.read_bytes(), 422),
        ("fast.mkv", write_film(tmp_path / "fast.mkv", times=fast, tick=Fraction(1, 1000)).read_bytes(), 422),
    ):
        answer = studio.client.post("/api/films", files={"file": (name, data)})
        assert answer.status_code == status, (name, answer.text)
    assert studio.files() == before


def test_a_picture_has_no_film(studio: Studio) -> None:
    photo = studio.picture()
    assert studio.client.post(f"/api/films/{photo}/still", json={"time_s": 1}).status_code == 422
    body = {"kind": "film", "content": photo, "styles": [photo]}
    assert studio.client.post("/api/jobs", json=body).status_code == 422


def test_decompression_bombs_are_refused(studio: Studio) -> None:
    before = studio.files()
    for data in (bomb(50_000, 50_000), bomb(1_000_000, 2), bomb(2**31 - 1, 2**31 - 1), bomb(0, 5)):
        answer = studio.upload(data)
        assert answer.status_code in (413, 422)
    large = encode(np.zeros((1001, 1000), np.uint8), "PNG")
    assert len(large) < 10_000
    answer = studio.upload(large)
    assert answer.status_code == 413 and "1,000,000" in answer.json()["error"]
    text = chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(5 * 10**7)))
    assert studio.upload(png()[:33] + text + png()[33:]).status_code in (201, 413, 422)
    assert all(path.startswith("studio/pictures/") for path in studio.files() - before)


def test_decoding_has_limits_of_memory_and_time(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    from impasto.studio.uploads import Pictures

    pictures = Pictures(studio.around / "studio", Limits(decode_bytes=20 * 2**20))
    data = encode(np.zeros((3000, 3000, 3), np.uint8), "PNG")
    with pytest.raises(Exception, match="to decode; expected less"):
        pictures.store(io.BytesIO(data), "large.png")
    pictures = Pictures(studio.around / "studio", Limits(decode_s=0.05))
    with pytest.raises(Exception, match=r"0\.05 s to decode"):
        pictures.store(io.BytesIO(data), "slow.png")


def test_forms_and_bodies_are_limited(studio: Studio) -> None:
    before = studio.files()
    answer = studio.upload(png() + bytes(400_000))
    assert answer.status_code == 413 and "300,000" in answer.json()["error"]
    two = [("file", ("a.png", png())), ("file", ("b.png", png()))]
    assert studio.client.post("/api/pictures", files=two).status_code == 422
    many = {f"field{number}": "x" for number in range(9)}
    assert studio.client.post("/api/pictures", files={"file": ("a.png", png())}, data=many).status_code == 422
    for body in (b"", b"--x--", b"\0" * 100):
        kind = {"content-type": "multipart/form-data; boundary=x"}
        assert studio.client.post("/api/pictures", content=body, headers=kind).status_code == 422
    assert studio.client.post("/api/pictures", content=png()).status_code in (415, 422)
    assert studio.client.post("/api/pictures", data={"file": "a path"}).status_code == 422
    json_body = {"content-type": "application/json"}
    for body in (b'{"a":' * 3000, b"[" * 15_000, b"\xff\xfe", b"1e999999", b"null", rb'{"name": "\ud800"}', b"NaN"):
        assert studio.client.post("/api/jobs", content=body, headers=json_body).status_code in (400, 422)
    assert studio.client.post("/api/jobs", content=b"x" * 20_001, headers=json_body).status_code == 413
    chunks = (b"x" * 10_000 for _ in range(50))
    assert studio.client.post("/api/jobs", content=chunks, headers=json_body).status_code == 413
    assert studio.files() == before


def test_slow_and_broken_bodies_are_given_up(studio: Studio) -> None:
    head = f"POST /api/jobs HTTP/1.1\r\nHost: 127.0.0.1:{studio.port}\r\nContent-Type: application/json\r\n"
    answer = studio.raw(f"{head}Content-Length: 100\r\n\r\n{{".encode())
    assert answer.startswith(b"HTTP/1.1 408") and b"guard-late" in answer
    assert studio.raw(f"{head}Content-Length: 9\r\nContent-Length: 5\r\n\r\n".encode()).startswith(b"HTTP/1.1 400")
    for broken in ("Transfer-Encoding: chunked\r\n\r\nzz\r\n", "Content-Length: -5\r\n\r\n"):
        assert studio.raw((head + broken).encode()).startswith(b"HTTP/1.1 4")
    assert studio.client.get("/api/status").status_code == 200


def test_open_event_streams_are_limited(studio: Studio) -> None:
    lines = f"GET /api/events HTTP/1.1\r\nHost: 127.0.0.1:{studio.port}\r\n\r\n".encode()
    opened = []
    for _ in range(LIMITS.streams):
        opened.append(socket.create_connection(("127.0.0.1", studio.port), timeout=20))
        opened[-1].sendall(lines)
        assert opened[-1].recv(100).startswith(b"HTTP/1.1 200")
    answer = studio.client.get("/api/events")
    assert answer.status_code == 429 and "at most 2" in answer.json()["error"]
    for each in opened:
        each.close()


# Who asks


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1", "localhost:1", "127.0.0.1.evil.example:80", "[::1]"])
def test_a_foreign_host_is_refused(studio: Studio, host: str) -> None:
    for path in ("/", "/api/status", "/static/js/main.js"):
        answer = studio.client.get(path, headers={"host": host, "x-forwarded-host": f"127.0.0.1:{studio.port}"})
        assert answer.status_code == 403 and "--allow-host" in answer.json()["hint"]
    assert studio.raw(b"GET / HTTP/1.0\r\n\r\n").startswith(b"HTTP/1.1 403")


def test_other_pages_change_nothing(studio: Studio) -> None:
    before, own = studio.files(), f"http://127.0.0.1:{studio.port}"
    for headers in (
        {"origin": "null"},
        {"origin": "http://evil.example"},
        {"origin": f"http://localhost:{studio.port}"},
        {"origin": own, "sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "none"},
    ):
        assert studio.upload(png(), headers=headers).status_code == 403
        assert studio.client.delete("/api/jobs", headers=headers).status_code == 403
        assert studio.client.put("/api/queue", json={"order": []}, headers=headers).status_code == 403
    assert studio.client.get("/api/jobs", headers={"sec-fetch-site": "cross-site"}).status_code == 403
    assert studio.client.options("/api/jobs", headers={"origin": "http://evil.example"}).status_code == 405
    assert studio.files() == before
    ours = {"origin": own, "sec-fetch-site": "same-origin"}
    assert studio.client.put("/api/queue", json={"order": []}, headers=ours).status_code == 200


def test_get_changes_nothing(studio: Studio) -> None:
    studio.picture()
    before = studio.files()
    for route in studio.client.get("/openapi.json").json()["paths"]:
        if "events" not in route:
            studio.client.get(route.replace("{id}", "a" * 32))
    assert studio.files() == before


def test_without_the_right_token_nothing_is_answered(closed: Studio) -> None:
    with httpx.Client(base_url=closed.client.base_url, event_hooks={"response": [check]}) as client:
        paths = client.get("/openapi.json", headers={"authorization": f"Bearer {'a' * 43}"}).json()["paths"]
        assert len(paths) > 15
        for path, methods in paths.items():
            if path.startswith("/api/") or path == "/openapi.json":
                for method in methods:
                    answer = client.request(method, path.replace("{id}", "a" * 32))
                    assert answer.status_code == 401, (method, path)
        in_query = "/api/status?token=" + "a" * 43
        for path in (in_query, "/openapi.json", "/docs", "/redoc", "//api/status", "/API/status"):
            assert client.get(path).status_code == 401
        assert client.get("/").status_code in (200, 404)
        assert client.get("/api/status", headers={"authorization": f"Bearer {'c' * 43}"}).status_code == 401
        assert client.get("/api/status", headers={"authorization": f"Basic {'a' * 43}"}).status_code == 401


def test_a_token_opens_its_own_gallery_and_no_other(closed: Studio) -> None:
    ann, bob = ({"authorization": f"Bearer {token}"} for token in TOKENS)
    answer = closed.upload(png(), headers=ann)
    picture = answer.json()["picture"]
    assert closed.client.get(picture, headers=ann).status_code == 200
    for method, address in (("GET", picture), ("GET", f"{picture}/thumbnail"), ("DELETE", picture)):
        assert closed.client.request(method, address, headers=bob).status_code == 404
    body = {"content": answer.json()["id"], "styles": [answer.json()["id"]], "preset": "draft"}
    assert closed.client.post("/api/jobs", json=body, headers=bob).status_code == 422
    job = closed.client.post("/api/jobs", json=body, headers=ann)
    assert job.status_code == 201, job.text
    address = f"/api/jobs/{job.json()['id']}"
    assert closed.client.get(address, headers=ann).status_code == 200
    for method, path, json_body in (
        ("GET", address, None),
        ("GET", f"{address}/recipe", None),
        ("POST", f"{address}/stop", None),
        ("POST", f"{address}/again", {}),
        ("PUT", address, {"name": "mine"}),
        ("DELETE", address, None),
    ):
        assert closed.client.request(method, path, json=json_body, headers=bob).status_code == 404, path
    assert closed.client.get("/api/jobs", headers=bob).json()["total"] == 0
    assert closed.client.request("DELETE", "/api/jobs", json={"all": True}, headers=bob).status_code < 300
    assert closed.client.get(address, headers=ann).status_code == 200


def test_the_cookie_of_a_login_is_enough(closed: Studio) -> None:
    with httpx.Client(base_url=closed.client.base_url) as client:
        assert client.post("/api/login").status_code == 401
        answer = client.post("/api/login", headers={"authorization": f"Bearer {'a' * 43}"})
        cookie = answer.headers["set-cookie"]
        assert answer.status_code == 204 and "HttpOnly" in cookie and "SameSite=Strict" in cookie
        assert client.get("/api/status").status_code == 200
        assert client.post("/api/login", headers={"origin": "http://evil.example"}).status_code == 403


# Recipes and jobs

NAMES = [
    *("/etc/passwd", "../../../etc/passwd", "\\\\evil.example\\share\\a.png", "//evil.example/a.png", "C:\\boot.ini"),
    *("file:///etc/passwd", "http://evil.example/a.png", "https://evil.example/a.pth", "network.pth", "torchvision"),
    *("/proc/self/environ", "./content", "0" * 32),
]


@pytest.mark.parametrize("name", NAMES)
def test_no_request_opens_a_path_or_an_address(
    studio: Studio, name: str, own: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    monkeypatch.setattr("impasto.images.io.read_file", lambda path, *rest: opened.append(str(path)))
    good = {"content": own, "styles": [own]}
    for body in (
        *({**good, field: name} for field in ("content", "only", "protect", "fine_style", "preset")),
        *({**good, field: [name]} for field in ("styles", "content_masks", "style_masks")),
        *({**good, "recipe": {field: name}} for field in ("init", "weights")),
        {**good, "recipe": {"run_dir": name}},
        {**good, "run_dir": name},
    ):
        answer = studio.client.post("/api/jobs", json=body)
        assert answer.status_code == 422 and answer.json()["field"], answer.text
    assert studio.client.post("/api/estimate", json={**good, "recipe": {"init": name}}).status_code == 422
    sweep = {**good, "field": "init", "values": [name]}
    assert studio.client.post("/api/jobs/sweep", json=sweep).status_code == 422
    for body in ({"content": name, "styles": [own]}, {"content": own, "styles": [name]}, {**good, "network": name}):
        assert studio.client.post("/api/instant", json=body).status_code in (404, 422)
    assert opened == []
    assert studio.client.get("/api/jobs").json()["total"] == 0


@pytest.fixture(scope="module")
def own(studio: Studio) -> str:
    """The id of a picture."""
    return studio.picture()


@pytest.mark.parametrize("name", NAMES[:9])
def test_a_recipe_inside_a_picture_comes_without_its_files(studio: Studio, name: str, tmp_path: Path) -> None:
    values = {**Recipe(steps=7).to_dict(), "init": name, "weights": name}
    pixels = np.zeros((16, 24, 3), np.float32)
    for suffix in (".png", ".jpg"):
        path = tmp_path / f"pastiche{suffix}"
        write_image(torch.from_numpy(pixels).permute(2, 0, 1)[None], path, metadata={"recipe": values})
        answer = studio.upload(path.read_bytes(), path.name)
        assert answer.status_code == 201, answer.text
        found = answer.json()
        assert found["recipe"]["steps"] == 7 and not {"init", "weights"} & set(found["recipe"])
        assert len(found["warnings"]) == 2


def test_a_damaged_recipe_inside_a_picture_is_told_and_left_out(studio: Studio, tmp_path: Path) -> None:
    for metadata in ({"recipe": {"run_dir": "/tmp"}}, {"recipe": {"steps": "<script>"}}, {"recipe": [1]}):
        write_image(torch.zeros(1, 3, 16, 16), tmp_path / "a.png", metadata=metadata)
        found = studio.upload((tmp_path / "a.png").read_bytes()).json()
        assert found["recipe"] is None


def test_jobs_are_limited(studio: Studio, own: str) -> None:
    body = {"content": own, "styles": [own], "preset": "draft"}
    for field, value in (("size", 20_000), ("steps", 10**6), ("style_scale", 999.0), ("history", 10**8)):
        answer = studio.client.post("/api/jobs", json={**body, "recipe": {field: value}})
        assert answer.status_code == 422 and answer.json()["field"] == field
    assert studio.client.post("/api/jobs", json={**body, "styles": [own] * 9}).status_code == 422
    sweep = {**body, "field": "strength", "values": [0.1] * 201}
    assert studio.client.post("/api/jobs/sweep", json=sweep).status_code == 422
    made = [studio.client.post("/api/jobs", json=body).json()["id"] for _ in range(LIMITS.jobs)]
    answer = studio.client.post("/api/jobs", json=body)
    assert answer.status_code == 429 and "3" in answer.json()["error"]
    json_body = {"content-type": "application/json"}
    for method, address, body in (
        ("DELETE", "/api/jobs", rb'{"ids": ["\ud800"]}'),
        ("DELETE", "/api/jobs", b'{"ids": ["../../x"]}'),
        ("PUT", "/api/queue", rb'{"order": ["\ud800"]}'),
        ("PUT", f"/api/jobs/{made[0]}", rb'{"name": "\ud800"}'),
        ("PUT", f"/api/jobs/{made[0]}", rb'{"name": "a\u0000b\nc"}'),
    ):
        assert studio.client.request(method, address, content=body, headers=json_body).status_code == 422
    for name in made:
        for part in ("result", "preview", "evolution", "nonsense", "..%2f..%2fjob.json", "run%2fresult.png"):
            assert studio.client.get(f"/api/jobs/{name}/{part}").status_code in (400, 404, 409)
    assert studio.client.request("DELETE", "/api/jobs", json={"ids": made}).status_code < 300


@pytest.mark.parametrize(
    "path",
    [
        *("/static/../../../../etc/passwd", "/static/%2e%2e/%2e%2e/app.py", "/static/..%2fapp.py", "/static/%00"),
        *("/static//etc/passwd", "/static/..%5capp.py", "/%2e%2e/app.py", "/static/../app.py", "/static/"),
        *("/api/pictures/..", "/api/pictures/%2e%2e%2fabout.json", "/api/pictures/..%2f..%2fstudio.db/thumbnail"),
        *("/api/jobs/../../studio.db", "/api/jobs/%2e%2e", "/docs", "/redoc", "/studio.db", "/.git/config"),
    ],
)
def test_a_path_that_climbs_finds_nothing(studio: Studio, path: str) -> None:
    answer = studio.raw(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{studio.port}\r\nConnection: close\r\n\r\n".encode())
    assert answer.startswith((b"HTTP/1.1 400", b"HTTP/1.1 404")) and b"root:" not in answer


def test_a_link_in_the_folder_is_not_followed(studio: Studio, tmp_path: Path) -> None:
    secret = tmp_path / "secret.jpg"
    secret.write_bytes(b"secret")
    picture = studio.upload(png()).json()
    folder = studio.around / "studio" / "pictures" / picture["id"]
    thumbnail = folder / "thumbnail.jpg"
    thumbnail.unlink()
    thumbnail.symlink_to(secret)
    assert studio.client.get(picture["thumbnail"]).status_code == 404
    other = folder.with_name("d" * 32)
    other.symlink_to(folder)
    assert studio.client.get(f"/api/pictures/{'d' * 32}").status_code == 404
    other.unlink()


def test_the_fuzzed_api_never_fails(studio: Studio) -> None:
    schemathesis = pytest.importorskip("schemathesis", reason="the fuzzed API needs schemathesis")
    import hypothesis

    schema = schemathesis.openapi.from_dict(studio.client.get("/openapi.json").json())
    before = studio.files()

    answered = set()

    for result, mode in itertools.product(schema.get_all_operations(), schemathesis.GenerationMode):
        operation = result.ok()
        sends = bool(list(operation.body)) or bool(list(operation.query))
        if operation.path == "/api/events" or (mode is not schemathesis.GenerationMode.POSITIVE and not sends):
            continue

        @hypothesis.settings(
            max_examples=3,
            derandomize=True,
            database=None,
            deadline=None,
            suppress_health_check=list(hypothesis.HealthCheck),
        )
        @hypothesis.given(case=operation.as_strategy(generation_mode=mode))
        def attack(case: Any) -> None:
            answer = case.call(base_url=str(studio.client.base_url), timeout=30)
            answered.add(answer.status_code)
            assert answer.status_code < 500, answer.text
            assert answer.headers["x-content-type-options"] == ["nosniff"]
            assert answer.status_code < 400 or answer.json()["error"]

        with contextlib.suppress(hypothesis.errors.Unsatisfiable):  # of some nothing is wrong
            attack()
    assert {200, 404, 422} <= answered
    assert all(path.startswith("studio/") for path in studio.files() - before)
    assert json.loads(studio.client.get("/api/jobs").content)["total"] == 0
