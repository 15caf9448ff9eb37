"""Kubernetes' protobuf form of objects, to and from the JSON shape, without generated classes.

An object is the magic `k8s\\0` and a `runtime.Unknown` that names apiVersion and kind and holds the object's message. Go embeds
some messages whose fields JSON shows one level up; those are the fields that the JSON type does not have.
See https://kubernetes.io/docs/reference/using-api/api-concepts/#protobuf-encoding.
"""

from corral.api.protobuf.decode import decode_object
from corral.api.protobuf.encode import encode_message, encode_object, enveloped, list_item, list_parts, watch_frame
from corral.api.protobuf.messages import ProtobufError, message_of

__all__ = [
    "ProtobufError",
    "decode_object",
    "encode_message",
    "encode_object",
    "enveloped",
    "list_item",
    "list_parts",
    "message_of",
    "watch_frame",
]
