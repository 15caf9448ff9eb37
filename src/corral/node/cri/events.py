"""What happens to containers, as it happens: whose container ended, without asking again and again.

containerd 1.7 and later stream this through the CRI (KEP-3386, evented PLEG). Earlier ones do not, but containerd's own event
service (`containerd.services.events.v1.Events/Subscribe`) has told of ended tasks since 1.0. Where there is neither, the
caller lists at intervals.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import Any

import grpc
import grpc.aio
from google.protobuf import any_pb2, descriptor_pb2, descriptor_pool, message_factory  # type: ignore[import-untyped]
from msgspec import Struct

from corral.node.cri.channel import Channel
from corral.node.cri.stubs import messages, services

log = logging.getLogger(__name__)

SUBSCRIBE = "/containerd.services.events.v1.Events/Subscribe"
NAMESPACE = "k8s.io"
TOPICS = ("/tasks/exit", "/tasks/oom")
RELIST_S = 1.0
RECONNECT_FIRST_S, RECONNECT_MAX_S = 0.2, 5.0
_CRI_STOPPED = 2


class RuntimeEvent(Struct, frozen=True):
    """`id` is a container's or a sandbox's; '' means: anything may have happened, list everything."""

    id: str
    ended: bool


EVERYTHING = RuntimeEvent("", False)


async def events(channel: Channel) -> AsyncIterator[RuntimeEvent]:
    """What happens from now on, for ever. EVERYTHING comes whenever something may have been missed."""
    sources = [_from_cri, _from_containerd]
    delay_s = RECONNECT_FIRST_S
    while sources:
        try:
            async for event in sources[0](channel):
                yield event
                if event.id:
                    delay_s = RECONNECT_FIRST_S
        except grpc.aio.AioRpcError as error:
            if error.code() == grpc.StatusCode.UNIMPLEMENTED:
                sources.pop(0)
                continue
            log.warning("the runtime's events stopped: %s; again in %.1f s", error.details(), delay_s)
        await asyncio.sleep(delay_s)
        delay_s = min(delay_s * 2, RECONNECT_MAX_S)
    while True:
        yield EVERYTHING
        await asyncio.sleep(RELIST_S)


async def _from_cri(channel: Channel) -> AsyncIterator[RuntimeEvent]:
    stream = services.RuntimeServiceStub(channel.grpc).GetContainerEvents(messages.GetEventsRequest(), wait_for_ready=True)
    yield EVERYTHING
    async for event in stream:
        yield RuntimeEvent(event.container_id, event.container_event_type == _CRI_STOPPED)


async def _from_containerd(channel: Channel) -> AsyncIterator[RuntimeEvent]:
    subscribe = channel.grpc.unary_stream(
        SUBSCRIBE,
        request_serializer=lambda message: message.SerializeToString(),
        response_deserializer=_ENVELOPE.FromString,
    )
    filters = [f'namespace=={NAMESPACE},topic=="{topic}"' for topic in TOPICS]
    stream = subscribe(_SUBSCRIBE_REQUEST(filters=filters), wait_for_ready=True)
    yield EVERYTHING
    async for envelope in stream:
        event = _TASK_EVENT.FromString(envelope.event.value)
        ended = envelope.topic == "/tasks/exit"
        # `id` is the exec's id where a command in the container ended, which is nobody's concern here.
        if ended and event.id and event.id != event.container_id:
            continue
        yield RuntimeEvent(event.container_id, ended)


def _messages() -> tuple[Any, Any, Any]:
    """The three small messages of containerd's event service; the PyPI stubs hold only the CRI."""
    field = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(
        name="corral/containerd_events.proto", package="corral.containerd", dependency=["google/protobuf/any.proto"]
    )
    request = file.message_type.add(name="SubscribeRequest")
    request.field.add(name="filters", number=1, type=field.TYPE_STRING, label=field.LABEL_REPEATED)
    envelope = file.message_type.add(name="Envelope")
    envelope.field.add(name="namespace", number=2, type=field.TYPE_STRING, label=field.LABEL_OPTIONAL)
    envelope.field.add(name="topic", number=3, type=field.TYPE_STRING, label=field.LABEL_OPTIONAL)
    envelope.field.add(
        name="event", number=4, type=field.TYPE_MESSAGE, type_name=".google.protobuf.Any", label=field.LABEL_OPTIONAL
    )
    task = file.message_type.add(name="TaskEvent")
    task.field.add(name="container_id", number=1, type=field.TYPE_STRING, label=field.LABEL_OPTIONAL)
    task.field.add(name="id", number=2, type=field.TYPE_STRING, label=field.LABEL_OPTIONAL)
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(any_pb2.DESCRIPTOR.serialized_pb)
    pool.Add(file)
    found = (pool.FindMessageTypeByName(f"corral.containerd.{name}") for name in ("SubscribeRequest", "Envelope", "TaskEvent"))
    request_class, envelope_class, task_class = (message_factory.GetMessageClass(descriptor) for descriptor in found)
    return request_class, envelope_class, task_class


_SUBSCRIBE_REQUEST, _ENVELOPE, _TASK_EVENT = _messages()
