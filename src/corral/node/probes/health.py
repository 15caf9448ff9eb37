"""grpc: the standard health service says SERVING (https://github.com/grpc/grpc/blob/master/doc/health-checking.md).

The two messages are one field each, so they are written here by hand.
"""

import grpc
import grpc.aio

from corral.api.objects import Object

CHECK = "/grpc.health.v1.Health/Check"
_NAMES = ("UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN")


async def probe(action: Object, pod_ip: str, timeout_s: float) -> tuple[bool, str]:
    """Success and what to say of it."""
    service = str(action.get("service") or "").encode()
    request = b"\x0a" + bytes([len(service)]) + service if service else b""
    target = f"[{pod_ip}]:{action['port']}" if ":" in pod_ip else f"{pod_ip}:{action['port']}"
    async with grpc.aio.insecure_channel(target, options=(("grpc.enable_http_proxy", 0),)) as channel:
        try:
            answer = await channel.unary_unary(CHECK)(request, timeout=timeout_s)
        except grpc.aio.AioRpcError as error:
            if error.code() == grpc.StatusCode.UNIMPLEMENTED:
                return False, "error: this server does not implement the grpc health protocol (grpc.health.v1.Health)"
            if error.code() == grpc.StatusCode.DEADLINE_EXCEEDED:
                return False, f"timeout: health rpc did not complete within {timeout_s:g}s"
            return False, f"error: health rpc failed: {error.details()}"
    status = _NAMES[answer[1]] if len(answer) == 2 and answer[0] == 8 and answer[1] < len(_NAMES) else "UNKNOWN"
    if status == "SERVING":
        return True, ""
    return False, f'service unhealthy (responded with "{status}")'
