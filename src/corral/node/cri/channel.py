"""One gRPC connection to the runtime's socket, and the calls over it."""

import os
from typing import Any

# Child processes exec at once and never call back into gRPC; its handlers for forks only cost time and print warnings.
os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")
os.environ.setdefault("GRPC_VERBOSITY", "ERROR")

import grpc
import grpc.aio

from corral.node.cri.errors import CriError

CALL_TIMEOUT_S = 120.0
MAX_MESSAGE_BYTES = 16 * 1024 * 1024
_OPTIONS = (
    ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
    ("grpc.enable_http_proxy", 0),
    ("grpc.initial_reconnect_backoff_ms", 50),
    ("grpc.min_reconnect_backoff_ms", 50),
    ("grpc.max_reconnect_backoff_ms", 1000),
)


class Channel:
    """A connection that makes itself again when the runtime restarts. `socket` is a path, with or without unix://."""

    def __init__(self, socket: str) -> None:
        self.socket = socket.removeprefix("unix://")
        self.grpc = grpc.aio.insecure_channel(f"unix://{self.socket}", options=_OPTIONS)

    async def close(self) -> None:
        """Give the connection back."""
        await self.grpc.close()


async def call(method: Any, request: Any, timeout_s: float | None = CALL_TIMEOUT_S) -> Any:
    """One call; waits for the connection to come up. Raises CriError."""
    try:
        return await method(request, timeout=timeout_s, wait_for_ready=True)
    except grpc.aio.AioRpcError as error:
        raise translate(error) from None


def translate(error: grpc.aio.AioRpcError) -> CriError:
    """The CriError of a gRPC error."""
    return CriError(error.code().name, error.details() or "")
