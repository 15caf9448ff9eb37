"""The generated messages and stubs, untyped: their hints do not know that a message can be made from nested dicts."""

from typing import Any

from cri_api.v1 import api_pb2, api_pb2_grpc

messages: Any = api_pb2
services: Any = api_pb2_grpc
