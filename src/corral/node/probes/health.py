"""grpc: the standard health service says SERVING (https://github.com/grpc/grpc/blob/master/doc/health-checking.md, KEP-2727).

The two messages are one field each, so they are written here by hand.
"""

import asyncio

import grpc
import grpc.aio

from corral.api.objects import Object
from corral.base.addresses import bracketed
from corral.node.config import KUBELET_VERSION
from corral.node.cri.channel import translate

CHECK = "/grpc.health.v1.Health/Check"
_NAMES = ("UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN")
_MAJOR_MINOR = ".".join(KUBELET_VERSION.removeprefix("v").split(".")[:2])
_OPTIONS = (("grpc.enable_http_proxy", 0), ("grpc.primary_user_agent", f"kube-probe/{_MAJOR_MINOR}"))


async def probe(action: Object, pod_ip: str, timeout_s: float) -> tuple[bool, str]:
    """Success and what to say of it. The time is for connecting and asking together."""
    address = f"{bracketed(pod_ip)}:{action['port']}"
    deadline_s = asyncio.get_running_loop().time() + timeout_s
    async with grpc.aio.insecure_channel(address, options=_OPTIONS) as channel:
        try:
            async with asyncio.timeout_at(deadline_s):
                await channel.channel_ready()
        except TimeoutError:
            return False, f'timeout: failed to connect service "{address}" within {timeout_s:g}s: context deadline exceeded'
        left_s = max(0.0, deadline_s - asyncio.get_running_loop().time())
        try:
            answer = await channel.unary_unary(CHECK)(_request(action.get("service") or ""), timeout=left_s)
        except grpc.aio.AioRpcError as error:
            return False, _failure(error, timeout_s)
    status = _NAMES[answer[1]] if len(answer) == 2 and answer[0] == 8 and answer[1] < len(_NAMES) else "UNKNOWN"
    if status == "SERVING":
        return True, "service healthy"
    return False, f'service unhealthy (responded with "{status}")'


def _request(service: str) -> bytes:
    """A HealthCheckRequest: field 1 is the service's name, its length a varint of one byte or two."""
    name = service.encode()
    size = len(name)
    length = bytes([size]) if size < 0x80 else bytes([size & 0x7F | 0x80, size >> 7])
    return b"\x0a" + length + name if name else b""


def _failure(error: grpc.aio.AioRpcError, timeout_s: float) -> str:
    if error.code() == grpc.StatusCode.UNIMPLEMENTED:
        words = "this server does not implement the grpc health protocol (grpc.health.v1.Health)"
        return f"error: {words}: {error.details()}"
    if error.code() == grpc.StatusCode.DEADLINE_EXCEEDED:
        return f"timeout: health rpc did not complete within {timeout_s:g}s"
    return f"error: health rpc probe failed: {translate(error)}"
