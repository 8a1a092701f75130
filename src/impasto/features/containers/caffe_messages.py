"""The few messages of caffe.proto that hold weights, made at run time: name, type and blobs of a layer.

`layer` (LayerParameter) since 2014, `layers` (V1LayerParameter) before; all other fields are passed over.
"""

from functools import cache
from typing import Any

from impasto.features.containers.content import import_extra

NOTE = 20150826
"""A field of ours in NetParameter, a string; Caffe passes over fields that it does not know."""

# (name, number, type, repeated, packed), the type a scalar of protobuf or a message.
MESSAGES: dict[str, tuple[tuple[str, int, str, bool, bool], ...]] = {
    "BlobShape": (("dim", 1, "int64", True, True),),
    "BlobProto": (
        ("num", 1, "int32", False, False),
        ("channels", 2, "int32", False, False),
        ("height", 3, "int32", False, False),
        ("width", 4, "int32", False, False),
        ("data", 5, "float", True, True),
        ("shape", 7, "BlobShape", False, False),
        ("double_data", 8, "double", True, True),
    ),
    "TransformationParameter": (("scale", 1, "float", False, False), ("mean_value", 5, "float", True, False)),
    "LayerParameter": (
        ("name", 1, "bytes", False, False),
        ("type", 2, "bytes", False, False),
        ("blobs", 7, "BlobProto", True, False),
        ("transform_param", 100, "TransformationParameter", False, False),
    ),
    "V1LayerParameter": (
        ("name", 4, "bytes", False, False),
        ("type", 5, "int32", False, False),  # an enumeration
        ("blobs", 6, "BlobProto", True, False),
        ("transform_param", 36, "TransformationParameter", False, False),
    ),
    "NetParameter": (
        ("name", 1, "bytes", False, False),
        ("layers", 2, "V1LayerParameter", True, False),
        ("layer", 100, "LayerParameter", True, False),
        ("impasto", NOTE, "bytes", False, False),
    ),
}


def net_parameter(label: str) -> Any:
    """An empty NetParameter. Raises MissingExtraError naming the label where protobuf is not installed."""
    import_extra("google.protobuf", label)
    return _net_parameter_class()()


@cache
def _net_parameter_class() -> Any:
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory  # type: ignore[import-untyped]

    kinds = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(name="impasto/caffe.proto", package="impasto.caffe", syntax="proto2")
    for message_name, fields in MESSAGES.items():
        message = file.message_type.add(name=message_name)
        for name, number, kind, repeated, packed in fields:
            field = message.field.add(name=name, number=number)
            field.label = kinds.LABEL_REPEATED if repeated else kinds.LABEL_OPTIONAL
            if kind in MESSAGES:
                field.type, field.type_name = kinds.TYPE_MESSAGE, f".impasto.caffe.{kind}"
            else:
                field.type = getattr(kinds, f"TYPE_{kind.upper()}")
            if packed:
                field.options.packed = True
    pool = descriptor_pool.DescriptorPool()  # of our own: no clash with Caffe's
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("impasto.caffe.NetParameter"))
