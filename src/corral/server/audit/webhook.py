"""Audit events to a service outside: lists of them, in batches, by the kubeconfig `config/audit-webhook.kubeconfig`.

No request waits for it. What a service does not take in time is tried again, and then lost: the file has it still. See
https://kubernetes.io/docs/tasks/debug/debug-cluster/audit/#webhook-backend.
"""

import asyncio
import logging
from collections import deque

from corral.api.errors import ApiError
from corral.base.clock import Clock
from corral.client.transport import Call, Transport

log = logging.getLogger(__name__)

#: The reference's defaults of `--audit-webhook-batch-*`.
KEPT_EVENTS = 10_000
BATCH_EVENTS = 400
BATCH_WAIT_S = 30.0
TRIES = 5
FIRST_RETRY_S = 10.0
_HEAD = b'{"kind":"EventList","apiVersion":"audit.k8s.io/v1","metadata":{},"items":['


class AuditWebhook:
    """Sends events until `run` is cancelled. A batch goes when it is full, or `BATCH_WAIT_S` after its first event."""

    def __init__(self, transport: Transport, clock: Clock) -> None:
        self._transport = transport
        self._clock = clock
        self._events: deque[bytes] = deque()
        self._some = asyncio.Event()
        self._full = asyncio.Event()
        self.lost = 0

    def write(self, event: bytes) -> None:
        """Keep an event; the oldest is lost where the service is too slow."""
        if len(self._events) >= KEPT_EVENTS:
            self._events.popleft()
            self.lost += 1
        self._events.append(event)
        self._some.set()
        if len(self._events) >= BATCH_EVENTS:
            self._full.set()

    async def run(self) -> None:
        """Send batches."""
        while True:
            await self._some.wait()
            timer = self._clock.call_later(BATCH_WAIT_S, self._full.set)
            await self._full.wait()
            timer.cancel()
            await self.flush()

    async def flush(self) -> None:
        """Send one batch of what there is."""
        batch = [self._events.popleft() for _ in range(min(BATCH_EVENTS, len(self._events)))]
        if not self._events:
            self._some.clear()
        if len(self._events) < BATCH_EVENTS:
            self._full.clear()
        if batch:
            await self._send(batch)

    async def close(self) -> None:
        """Close the connections."""
        await self._transport.close()

    async def _send(self, batch: list[bytes]) -> None:
        body = _HEAD + b",".join(batch) + b"]}"
        delay_s = FIRST_RETRY_S
        for left in reversed(range(TRIES)):
            try:
                await self._transport.call(Call("POST", "", {}, body))
            except (ApiError, OSError, TimeoutError) as error:
                # What cannot be taken now may be taken later; what is refused as it is, will be again.
                if not left or (isinstance(error, ApiError) and 400 <= error.code < 500 and error.code != 429):
                    self.lost += len(batch)
                    log.warning("the audit webhook has not taken %d events: %s", len(batch), error or type(error).__name__)
                    return
                await self._clock.sleep(delay_s)
                delay_s *= 1.5
            else:
                return
