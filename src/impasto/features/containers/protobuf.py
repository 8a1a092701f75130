"""Protobuf messages: the values of their fields by number, as files of Caffe and ONNX have them.

The wire format: https://protobuf.dev/programming-guides/encoding. It does not say what a field is: its reader knows.
"""

from collections.abc import Iterator
from typing import Any

Message = dict[int, list[Any]]
"""The values of each field by its number: an int, or the bytes of a string, a message or a float."""


def parse_message(message: Any) -> Message:
    """Return the fields of a message. Raises ValueError, IndexError where it is cut short or no message."""
    fields: Message = {}
    data, at = memoryview(message), 0
    while at < len(data):
        tag, at = _varint(data, at)
        number, wire_type = tag >> 3, tag & 7
        if number == 0 or wire_type not in (0, 1, 2, 5):
            raise ValueError(f"no field begins at byte {at - 1}")
        value: Any
        if wire_type == 0:
            value, at = _varint(data, at)
        else:
            length = {1: 8, 5: 4}.get(wire_type, 0)
            if wire_type == 2:
                length, at = _varint(data, at)
            value, at = data[at : at + length], at + length
        fields.setdefault(number, []).append(value)
    if at > len(data):
        raise ValueError("it is cut short")
    return fields


def read_varints(values: list[Any]) -> Iterator[int]:
    """Yield repeated numbers, packed into bytes or not."""
    for value in values:
        if isinstance(value, int):
            yield value
            continue
        at = 0
        while at < len(value):
            number, at = _varint(value, at)
            yield number


def _varint(data: memoryview, at: int) -> tuple[int, int]:
    """A number of seven bits a byte, the lowest first, and the place after it."""
    value = shift = 0
    while data[at] & 0x80:
        if shift > 63:
            raise ValueError(f"no number ends at byte {at}")
        value |= (data[at] & 0x7F) << shift
        at, shift = at + 1, shift + 7
    return value | data[at] << shift, at + 1
