"""Copyright, artist and description where EXIF does not have them: in IPTC, XMP and the texts of a PNG."""

from collections.abc import Sequence

from PIL import Image, ImageFile, IptcImagePlugin

from impasto.images.formats.xmp import parse_xmp

# EXIF tag: number in IPTC record 2, element of Dublin Core in XMP, keyword of a PNG text.
_PLACES = {
    33432: (116, "rights", "Copyright"),
    315: (80, "creator", "Author"),
    270: (120, "description", "Description"),
}
_DUBLIN_CORE = "{http://purl.org/dc/elements/1.1/}"
_RDF_ITEM = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}li"
_LANGUAGE = "{http://www.w3.org/XML/1998/namespace}lang"


def find_rights(picture: Image.Image) -> dict[int, str]:
    """Return copyright, artist and description of a loaded picture by EXIF tag, as far as they are there.

    XMP comes before IPTC, which comes before the texts of a PNG; damaged ones are skipped.
    """
    in_xmp, in_iptc = _read_xmp(picture), _read_iptc(picture)
    found = {
        tag: in_xmp.get(element) or in_iptc.get(number) or picture.info.get(keyword)
        for tag, (number, element, keyword) in _PLACES.items()
    }
    return {tag: str(text) for tag, text in found.items() if text}


def _read_xmp(picture: Image.Image) -> dict[str, str]:
    root = parse_xmp(picture.info.get("xmp") or picture.info.get("XML:com.adobe.xmp") or b"")
    found: dict[str, str] = {}
    for element in [] if root is None else root.iter():
        attributes = {name: value for name, value in element.attrib.items() if name.startswith(_DUBLIN_CORE)}
        if element.tag.startswith(_DUBLIN_CORE):
            items = list(element.iter(_RDF_ITEM))
            if any(item.get(_LANGUAGE) for item in items):  # one text in several languages
                items = [next((item for item in items if item.get(_LANGUAGE) == "x-default"), items[0])]
            attributes[element.tag] = _join([item.text or "" for item in items or [element]])
        for name, text in attributes.items():
            found.setdefault(name.removeprefix(_DUBLIN_CORE), text.strip())
    return found


def _read_iptc(picture: Image.Image) -> dict[int, str]:
    if not isinstance(picture, ImageFile.ImageFile):
        return {}
    try:
        entries = IptcImagePlugin.getiptcinfo(picture) or {}
    except Exception:  # Pillow raises nearly anything on damaged bytes
        return {}
    found = {}
    for (record, number), values in entries.items():
        if record == 2:
            found[number] = _join([_decode(value) for value in ([values] if isinstance(values, bytes) else values)])
    return found


def _decode(value: bytes) -> str:
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return value.decode("latin-1")


def _join(texts: Sequence[str]) -> str:
    return "; ".join(text.strip("\0 \n") for text in texts if text.strip("\0 \n"))
