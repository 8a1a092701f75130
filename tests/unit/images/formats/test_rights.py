"""Copyright, artist and description that are not in EXIF, carried into every format."""

import struct
from io import BytesIO

import pytest
import torch
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from impasto.images.formats.rights import find_rights
from impasto.images.io import read_picture, write_image

COPYRIGHT, ARTIST, DESCRIPTION = 33432, 315, 270
XMP = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    '<rdf:Description xmlns:dc="http://purl.org/dc/elements/1.1/" %s>%s</rdf:Description></rdf:RDF></x:xmpmeta>'
)
RIGHTS = (
    '<dc:rights><rdf:Alt><rdf:li xml:lang="de">(c) Werkstatt</rdf:li><rdf:li xml:lang="x-default">© Stüdio</rdf:li>'
    "</rdf:Alt></dc:rights><dc:creator><rdf:Seq><rdf:li>Ann</rdf:li><rdf:li>Bo</rdf:li></rdf:Seq></dc:creator>"
)


def encoded(**options):
    file = BytesIO()
    Image.new("RGB", (8, 8), "teal").save(file, **options)
    return file.getvalue()


def loaded(data):
    picture = Image.open(BytesIO(data))
    picture.load()
    return picture


def with_iptc(*entries, utf8=True):
    """A JPEG with IPTC entries (number, bytes) of record 2."""
    iptc = b"\x1c\x01\x5a\0\x03\x1b%G" if utf8 else b""
    iptc += b"".join(b"\x1c\x02" + struct.pack(">BH", number, len(text)) + text for number, text in entries)
    block = b"Photoshop 3.0\x008BIM\x04\x04\0\0" + struct.pack(">I", len(iptc)) + iptc + bytes(len(iptc) % 2)
    data = encoded(format="JPEG")
    return data[:2] + b"\xff\xed" + struct.pack(">H", len(block) + 2) + block + data[2:]


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_rights_in_xmp(format):
    packet = (XMP % ("", RIGHTS)).encode()
    if format == "PNG":
        info = PngInfo()
        info.add_itxt("XML:com.adobe.xmp", packet.decode())
        options = {"pnginfo": info}
    else:
        options = {"tiffinfo": {700: packet}} if format == "TIFF" else {"xmp": packet}
    assert find_rights(loaded(encoded(format=format, **options))) == {COPYRIGHT: "© Stüdio", ARTIST: "Ann; Bo"}


def test_rights_in_iptc():
    entries = [(116, "© Stüdio".encode()), (80, b"Ann"), (80, b"Bo"), (120, b"A caption")]
    expected = {COPYRIGHT: "© Stüdio", ARTIST: "Ann; Bo", DESCRIPTION: "A caption"}
    assert find_rights(loaded(with_iptc(*entries))) == expected
    assert find_rights(loaded(with_iptc((116, b"\xa9 Ann"), utf8=False))) == {COPYRIGHT: "© Ann"}


def test_rights_in_texts_of_a_png():
    info = PngInfo()
    info.add_text("Copyright", "(c) Ann")
    assert find_rights(loaded(encoded(format="PNG", pnginfo=info))) == {COPYRIGHT: "(c) Ann"}


def test_a_simple_value_and_damaged_packets():
    assert find_rights(loaded(encoded(format="JPEG", xmp=(XMP % ('dc:rights="(c) Ann"', "")).encode()))) == {
        COPYRIGHT: "(c) Ann"
    }
    assert find_rights(loaded(encoded(format="JPEG", xmp=b"<no xml"))) == {}
    assert find_rights(loaded(with_iptc((116, b"x")).replace(b"\x1c\x02\x74\0\x01", b"\x1c\x02\x74\xff\xff"))) == {}


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".tif"])
def test_rights_go_into_exif_where_it_has_none(tmp_path, suffix):
    exif = Image.Exif()
    exif[ARTIST] = "of EXIF"
    (tmp_path / "in.jpg").write_bytes(encoded(format="JPEG", exif=exif, xmp=(XMP % ("", RIGHTS)).encode()))
    carried = read_picture(tmp_path / "in.jpg").carried
    for strip in (False, True):
        out = tmp_path / f"out{suffix}"
        write_image(torch.zeros(1, 3, 8, 8), out, carried=carried, strip=strip)
        assert ("© Stüdio".encode() in out.read_bytes()) is not strip
        assert loaded(out.read_bytes()).getexif().get(ARTIST) == (None if strip else "of EXIF")
