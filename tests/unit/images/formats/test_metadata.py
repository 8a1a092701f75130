"""Metadata beside the pixels: found wherever a file may carry them, read without its pixels, and never too much."""

import io
import json
import struct
import tracemalloc
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image, ImageFile, WebPImagePlugin

from impasto.errors import ImageReadError
from impasto.images.formats.metadata import add_metadata
from impasto.images.io import read_metadata

LIMIT = 16 * 2**20
PACKET = b"""<a xmlns:z="http://ns.impasto/1.0/"><z:metadata>{"seed": 4}</z:metadata></a>"""


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(*chunks: bytes, side: int = 4) -> bytes:
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(chunks) + chunk(b"IEND", b"")


def itxt(text: bytes, *, keyword: bytes = b"impasto", packed: bool = False) -> bytes:
    return chunk(b"iTXt", keyword + b"\0" + bytes([packed, 0]) + b"en\0\0" + (zlib.compress(text) if packed else text))


def tiff(order: str, packet: bytes, *, big: bool = False, count: int | None = None) -> bytes:
    """A TIFF of 4 x 4 grey pixels, with XMP."""
    mark = b"II" if order == "<" else b"MM"
    shorts = [(256, 4), (257, 4), (258, 8), (259, 1), (262, 1), (273, 8), (277, 1), (278, 4), (279, 16)]
    number, head = ("Q", struct.pack(f"{order}HHHQ", 43, 8, 0, 16)) if big else ("I", struct.pack(f"{order}HI", 42, 8))
    entry = struct.Struct(f"{order}HH{number}{number}")
    short = struct.Struct(f"{order}HH{number}H{entry.size - struct.calcsize(f'{order}HH{number}H')}x")
    begin = 2 + len(head) + (8 if big else 2) + 10 * entry.size + struct.calcsize(number)
    rows = b"".join(short.pack(tag, 3, 1, value) for tag, value in shorts)
    xmp = entry.pack(700, 7, len(packet) if count is None else count, begin)
    count_of_tags, no_more = struct.pack(order + ("Q" if big else "H"), 10), bytes(struct.calcsize(number))
    return mark + head + count_of_tags + rows + xmp + no_more + packet


def saved(kind: str, **options: object) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (4, 4)).save(file, kind, **options)
    return file.getvalue()


def jpeg(*segments: bytes) -> bytes:
    parts = (b"\xff\xe1" + struct.pack(">H", len(segment) + 2) + segment for segment in segments)
    return b"\xff\xd8" + b"".join(parts) + saved("JPEG")[2:]


XAP = b"http://ns.adobe.com/xap/1.0/\0"

CARRIERS = {
    "iTXt": png(itxt(b'{"seed": 4}')),
    "iTXt, packed": png(itxt(b'{"seed": 4}', packed=True)),
    "tEXt": png(chunk(b"tEXt", b'impasto\0{"seed": 4}')),
    "zTXt": png(chunk(b"zTXt", b"impasto\0\0" + zlib.compress(b'{"seed": 4}'))),
    "XMP in PNG": png(itxt(PACKET, keyword=b"XML:com.adobe.xmp")),
    "behind the pixels": png(chunk(b"IDAT", zlib.compress(bytes(52))), itxt(b'{"seed": 4}')),
    "behind others' texts": png(itxt(b"hello", keyword=b"Comment"), chunk(b"tEXt", b"x"), itxt(b'{"seed": 4}')),
    "JPEG": jpeg(b"Exif\0\0abc", XAP + PACKET),
    "JPEG with fill bytes": b"\xff\xd8\xff\xff\xff" + jpeg(XAP + PACKET)[3:],
    "WebP": saved("WEBP", xmp=PACKET),
    "little-endian TIFF": tiff("<", PACKET),
    "big-endian TIFF": tiff(">", PACKET),
    "BigTIFF": tiff("<", PACKET, big=True),
    "padded": tiff("<", PACKET + b" \n\0"),
}


@pytest.mark.parametrize("name", CARRIERS)
def test_texts_are_found_wherever_they_may_stand(name: str, tmp_path: Path) -> None:
    (tmp_path / "a.bin").write_bytes(CARRIERS[name])
    assert read_metadata(tmp_path / "a.bin") == {"seed": 4}


NOTHING = {
    "PNG": png(),
    "cut behind the header": png(side=9)[:20],
    "JPEG": jpeg(b"Exif\0\0abc"),
    "a thumbnail's XMP behind the scan": jpeg() + jpeg(XAP + PACKET),
    "WebP": saved("WEBP"),
    "TIFF": saved("TIFF"),
    "TIFF, cut": tiff("<", PACKET)[:20],
    "malformed": png(chunk(b"iTXt", b"impasto\0\0\0")),
    "BMP": b"BM" + bytes(60),
    "text": b"this is no picture at all\n",
}


@pytest.mark.parametrize("name", NOTHING)
def test_a_file_without_them_has_none(name: str, tmp_path: Path) -> None:
    (tmp_path / "a.bin").write_bytes(NOTHING[name])
    assert read_metadata(tmp_path / "a.bin") is None


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (png(itxt(b'{"seed": 4}').replace(b"4", b"5")), "checksum"),
        (png(chunk(b"zTXt", b"impasto\0\0abc")), "Expecting value"),
        (png(itxt(b"[" * 100_000)), "recursion"),
        (png(itxt(b"[4]")), "it holds list, not an object"),
    ],
)
def test_damaged_texts_are_an_error(content: bytes, says: str, tmp_path: Path) -> None:
    (tmp_path / "a.bin").write_bytes(content)
    with pytest.raises(ImageReadError, match=f"damaged impasto metadata .*{says}.* Use the picture as impasto"):
        read_metadata(tmp_path / "a.bin")


@pytest.mark.parametrize("content", [png(itxt(b'{"seed": 4}'))[:60], saved("WEBP", xmp=PACKET)[:-40]])
def test_a_text_that_is_cut_short_is_an_error(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(ImageReadError, match="cut short"):
        read_metadata(tmp_path / "a.png")


def sparse(head: bytes, size: int) -> Callable[[Path], None]:
    """Writes a file that begins so and is that long, with nothing on the disk behind it."""

    def write(path: Path) -> None:
        with path.open("wb") as file:
            file.write(head)
            file.truncate(size)

    return write


def itxt_head(length: int) -> bytes:
    return png()[:33] + struct.pack(">I", length) + b"iTXtimpasto\0\0\0\0\0"


TOO_LARGE = {
    "iTXt": sparse(itxt_head(LIMIT + 20), 3 * LIMIT),
    "TIFF": sparse(tiff("<", b"", count=LIMIT + 1), 2 * LIMIT),
    "packed": lambda path: path.write_bytes(png(itxt(b" " * (LIMIT + 1), packed=True))),
    "zTXt": lambda path: path.write_bytes(png(chunk(b"zTXt", b"impasto\0\0" + zlib.compress(bytes(LIMIT + 1))))),
}


@pytest.mark.parametrize("name", TOO_LARGE)
def test_more_than_16_megabytes_are_refused(name: str, tmp_path: Path) -> None:
    TOO_LARGE[name](tmp_path / "a.bin")
    tracemalloc.start()
    try:
        with pytest.raises(ImageReadError, match="damaged .*expected a JSON object of at most 16,777,216 bytes"):
            read_metadata(tmp_path / "a.bin")
        assert tracemalloc.get_traced_memory()[1] < 3 * LIMIT
    finally:
        tracemalloc.stop()


def test_a_length_beyond_the_file_gives_none(tmp_path: Path) -> None:
    sparse(tiff("<", b"", big=True, count=2**60), LIMIT)(tmp_path / "a.tif")
    assert read_metadata(tmp_path / "a.tif") is None


def test_no_pixel_is_decoded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*given: object, **how: object) -> None:
        raise AssertionError("decoded")

    monkeypatch.setattr(ImageFile.ImageFile, "load", fail)
    monkeypatch.setattr(WebPImagePlugin.WebPImageFile, "load", fail)
    (tmp_path / "bomb.png").write_bytes(png(itxt(b'{"seed": 4}'), side=2**31 - 1))
    assert read_metadata(tmp_path / "bomb.png") == {"seed": 4}
    large = jpeg(XAP + PACKET)
    start = large.index(b"\xff\xc0") + 5  # height and width
    (tmp_path / "bomb.jpg").write_bytes(large[:start] + b"\xff\xdc\xff\xdc" + large[start + 4 :])
    assert read_metadata(tmp_path / "bomb.jpg") == {"seed": 4}
    for suffix, content in ((".webp", saved("WEBP", xmp=PACKET)), (".tif", tiff("<", PACKET))):
        (tmp_path / f"a{suffix}").write_bytes(content)
        assert read_metadata(tmp_path / f"a{suffix}") == {"seed": 4}


def test_others_texts_may_be_of_any_size(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(png(itxt(bytes(LIMIT + 1), keyword=b"Comment"), itxt(b'{"seed": 4}')))
    assert read_metadata(tmp_path / "a.png") == {"seed": 4}


def test_xml_is_read_as_utf_8_whatever_it_says_of_itself(tmp_path: Path) -> None:
    """In another encoding, a document type would not be seen, and its entities would be unfolded."""
    xml = PACKET.decode()
    bomb = "<?xml version='1.0' encoding='utf-16'?><!DOCTYPE a [<!ENTITY b '4'>]>" + xml.replace("4", "&b;")
    for packet in (bomb.encode("utf-16"), bomb.encode("utf-8"), xml.encode("utf-16")):
        (tmp_path / "a.webp").write_bytes(saved("WEBP", xmp=packet))
        assert read_metadata(tmp_path / "a.webp") is None


@pytest.mark.parametrize("kind", ["JPEG", "WEBP", "TIFF", "PNG"])
def test_pillow_finds_them_too(kind: str, tmp_path: Path) -> None:
    Image.new("RGB", (4, 4)).save(tmp_path / "a.bin", kind, **add_metadata({}, kind, {"seed": 4}))
    assert read_metadata(tmp_path / "a.bin") == {"seed": 4}
    with Image.open(tmp_path / "a.bin") as picture:
        text = picture.info.get("impasto") or picture.info["xmp"].decode("utf-8")
    assert json.dumps({"seed": 4}) in text
