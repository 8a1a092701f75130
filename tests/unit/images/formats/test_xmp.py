"""XMP packets."""

import pytest

from impasto.images.formats.xmp import parse_xmp


def test_a_packet_is_parsed_with_what_pads_it():
    root = parse_xmp(b'<?xpacket begin="\xef\xbb\xbf"?>\n<a><b>\xc3\xa4</b></a>\n<?xpacket end="w"?> \0\0')
    assert root is not None and root[0].text == "ä"


@pytest.mark.parametrize("packet", ["", "plain text", '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', "<a>"])
def test_other_bytes_are_no_packet(packet):
    assert parse_xmp(packet) is None
