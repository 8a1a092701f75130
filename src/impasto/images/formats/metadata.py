"""What a picture says about itself: a JSON object inside PNG, JPEG, WebP and TIFF files.

PNG carries it in an iTXt chunk "impasto"; the others in an XMP packet, in one element of our own namespace.
JSON is kept to ASCII, so that file names of any bytes survive XML and UTF-8. Nothing here depends on the clock.
"""

import json
from collections.abc import Mapping
from typing import Any
from xml.parsers import expat
from xml.sax.saxutils import escape

from PIL import PngImagePlugin

from impasto.images.formats.chunks import PNG_KEY, XMP_KEY

XMP_NAMESPACE = "http://ns.impasto/1.0/"

_XMP_ELEMENT = f"{XMP_NAMESPACE} metadata"  # as expat spells a name with its namespace
_XMP_PACKET = (
    '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>\n'
    '<x:xmpmeta xmlns:x="adobe:ns:meta/">'
    '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    f'<rdf:Description rdf:about="" xmlns:impasto="{XMP_NAMESPACE}">'
    "<impasto:metadata>%s</impasto:metadata>"
    "</rdf:Description></rdf:RDF></x:xmpmeta>\n"
    '<?xpacket end="w"?>'
)
_TIFF_XMP_TAG = 700


def add_metadata(options: Mapping[str, Any], pillow_format: str, metadata: Mapping[str, object]) -> dict[str, Any]:
    """The options of PIL's `save`, and among them those that put `metadata` into a file of this format.

    Raises TypeError or ValueError for what JSON cannot hold.
    """
    text = json.dumps(dict(metadata), ensure_ascii=True, allow_nan=False)
    if pillow_format == "PNG":
        chunks = PngImagePlugin.PngInfo()
        chunks.add_itxt(PNG_KEY, text)
        return {**options, "pnginfo": chunks}
    packet = (_XMP_PACKET % escape(text)).encode("utf-8")
    if pillow_format == "TIFF":
        return {**options, "tiffinfo": {**options.get("tiffinfo", {}), _TIFF_XMP_TAG: packet}}
    return {**options, "xmp": packet}


def find_metadata(texts: Mapping[str, bytes]) -> dict[str, object] | None:
    """The metadata in the texts of a picture, as `read_texts` gives them, or None where it has none of ours.

    Raises ValueError if ours is there and damaged.
    """
    text = texts[PNG_KEY].decode("utf-8") if PNG_KEY in texts else _find_in_xmp(texts.get(XMP_KEY, b""))
    if text is None:
        return None
    try:
        metadata = json.loads(text)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    if not isinstance(metadata, dict):
        raise ValueError(f"it holds {type(metadata).__name__}, not an object")
    return metadata


def _find_in_xmp(packet: bytes) -> str | None:
    """The text of our first element or attribute, or None where the packet is not XML or has none."""
    found: list[str] = []
    inside = False

    def begin(name: str, attributes: dict[str, str]) -> None:
        nonlocal inside
        inside = name == _XMP_ELEMENT and not found
        if not found and _XMP_ELEMENT in attributes:  # exiftool and others may rewrite an element as an attribute
            found.append(attributes[_XMP_ELEMENT])

    def end(name: str) -> None:
        nonlocal inside
        inside = False

    def read(text: str) -> None:
        if inside:
            found.append(text)

    def refuse(*doctype: object) -> None:
        raise ValueError("no XMP has a document type; entities are how XML blows up")

    # No tree is built, which could be many times the packet. UTF-8 is what XMP is in files, whatever it says of itself.
    parser = expat.ParserCreate("utf-8", " ")
    parser.StartElementHandler, parser.EndElementHandler, parser.CharacterDataHandler = begin, end, read
    parser.StartDoctypeDeclHandler = refuse
    try:
        parser.Parse(packet.strip(b"\0 \n"), True)
    except (expat.ExpatError, ValueError):
        return None
    return "".join(found) if found else None
