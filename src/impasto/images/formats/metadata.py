"""Metadata of a picture file: one JSON object inside a PNG, JPEG, WebP or TIFF.

PNG carries it in an iTXt chunk "impasto"; the others in an XMP packet, in one element of our own namespace.
The JSON is ASCII, so that file names of any bytes survive XML and UTF-8. Nothing here depends on the clock.
"""

import json
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from types import NoneType
from typing import Any, BinaryIO
from xml.sax.saxutils import escape

from PIL import Image, PngImagePlugin, UnidentifiedImageError

from impasto.errors import ImageReadError
from impasto.images.formats.decoding import check_file, guarded_pillow, one_line
from impasto.images.formats.png import MAX_TEXT_BYTES, SIGNATURE, read_texts
from impasto.images.formats.xmp import parse_xmp

XMP_NAMESPACE = "http://ns.impasto/1.0/"

_PNG_KEY, _PNG_XMP_KEY = "impasto", "XML:com.adobe.xmp"
_XMP_NAME = f"{{{XMP_NAMESPACE}}}metadata"
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
_ANY_SIZE = 2**62


def add_metadata(options: Mapping[str, Any], pillow_format: str, metadata: Mapping[str, object]) -> dict[str, Any]:
    """Return the options of PIL's `save`, extended by those that put `metadata` into a file of this format.

    Raises TypeError or ValueError for what JSON cannot hold.
    """
    text = json.dumps(dict(metadata), ensure_ascii=True, allow_nan=False)
    if pillow_format == "PNG":
        chunks = PngImagePlugin.PngInfo()
        chunks.add_itxt(_PNG_KEY, text)
        return {**options, "pnginfo": chunks}
    packet = (_XMP_PACKET % escape(text)).encode("utf-8")
    if pillow_format == "TIFF":
        return {**options, "tiffinfo": {**options.get("tiffinfo", {}), _TIFF_XMP_TAG: packet}}
    return {**options, "xmp": packet}


def find_metadata(source: Path | bytes, label: str) -> dict[str, object] | None:
    """Return the metadata inside a picture file or its bytes, or None where there is none of ours. No pixel is decoded.

    Raises ImageReadError (missing, damaged, or metadata beyond MAX_TEXT_BYTES).
    """
    if isinstance(source, Path):
        check_file(source, label)
    with guarded_pillow(label, _ANY_SIZE), BytesIO(source) if isinstance(source, bytes) else source.open("rb") as file:
        try:
            text = _find_text(file)
            metadata = None if text is None else json.loads(text)
            if not isinstance(metadata, (dict, NoneType)):
                raise ValueError(f"it holds {type(metadata).__name__}, not an object")
        except (SyntaxError, ValueError, RecursionError) as error:  # SyntaxError: Pillow's for a damaged PNG
            raise ImageReadError(
                f"{label} holds damaged impasto metadata ({one_line(error)}); "
                f"expected a JSON object of at most {MAX_TEXT_BYTES:,} bytes.",
                "Use the picture as impasto wrote it, before another program changed it.",
            ) from error
    return metadata


def _find_text(file: BinaryIO) -> str | None:
    if file.read(len(SIGNATURE)) == SIGNATURE:
        texts = read_texts(file, (_PNG_KEY, _PNG_XMP_KEY))
        return texts[_PNG_KEY] if _PNG_KEY in texts else _find_in_xmp(texts.get(_PNG_XMP_KEY, "").encode())
    file.seek(0)
    try:
        with Image.open(file, formats=("JPEG", "WEBP", "TIFF")) as picture:
            packet = picture.info.get("xmp", b"")
    except UnidentifiedImageError:
        return None
    return _find_in_xmp(packet if isinstance(packet, bytes) else str(packet).encode())


def _find_in_xmp(packet: bytes) -> str | None:
    """Return the text of our first element or attribute, or None where the packet has none or is no XML."""
    if len(packet) > MAX_TEXT_BYTES:
        raise ValueError(f"its XMP has {len(packet):,} bytes")
    root = parse_xmp(packet)
    for element in [] if root is None else root.iter():
        # exiftool and other programs may rewrite an element as an attribute.
        text = element.text or "" if element.tag == _XMP_NAME else element.get(_XMP_NAME)
        if text is not None:
            return text
    return None
