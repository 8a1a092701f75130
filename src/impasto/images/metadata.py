"""What a picture says about itself: a JSON object inside PNG, JPEG, WebP and TIFF files.

PNG carries it in an iTXt chunk "impasto"; the others in an XMP packet, in one element of our own namespace.
JSON is kept to ASCII, so that file names of any bytes survive XML and UTF-8. Nothing here depends on the clock.
"""

import json
from collections.abc import Mapping
from typing import Any
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from PIL import PngImagePlugin

PNG_KEY = "impasto"
XMP_NAMESPACE = "http://ns.impasto/1.0/"

_XMP_ELEMENT = f"{{{XMP_NAMESPACE}}}metadata"  # as ElementTree spells a name with its namespace
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


def find_metadata(info: Mapping[Any, object]) -> dict[str, object] | None:
    """The metadata in the `info` of an opened PIL picture, or None where it has none of ours.

    Raises ValueError if ours is there and damaged.
    """
    text = info.get(PNG_KEY)
    if text is None and isinstance(packet := info.get("xmp"), bytes):
        text = _find_in_xmp(packet)
    if not isinstance(text, str):
        return None
    metadata = json.loads(text)
    if not isinstance(metadata, dict):
        raise ValueError(f"it holds {type(metadata).__name__}, not an object")
    return metadata


def _find_in_xmp(packet: bytes) -> str | None:
    if b"<!DOCTYPE" in packet:  # no XMP has one; entities are how XML blows up
        return None
    try:
        root = ElementTree.fromstring(packet.strip(b"\0 \n"))
    except ElementTree.ParseError:
        return None
    for element in root.iter():
        if element.tag == _XMP_ELEMENT:
            return element.text
        if _XMP_ELEMENT in element.attrib:  # exiftool and others may rewrite an element as an attribute
            return element.attrib[_XMP_ELEMENT]
    return None
