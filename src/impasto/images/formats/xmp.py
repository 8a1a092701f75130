"""XMP packets, the RDF inside a picture file, parsed without danger."""

from xml.etree import ElementTree


def parse_xmp(packet: bytes | str) -> ElementTree.Element | None:
    """Return the root of a packet, or None where it is no XML, or XML with entities of its own."""
    packet = packet if isinstance(packet, bytes) else packet.encode()
    # No XMP has a document type, and its entities are how XML blows up. XMP in files is UTF-8, whatever it declares.
    if b"<!DOCTYPE" in packet:
        return None
    try:
        return ElementTree.fromstring(packet.strip(b"\0 \n"), ElementTree.XMLParser(encoding="utf-8"))
    except ElementTree.ParseError:
        return None
