"""Writes one pod's status: the newest, never two at a time, again after a failure."""

import asyncio
import logging

from corral.api.errors import ApiError
from corral.api.objects import Object
from corral.client.client import Client
from corral.client.events import Recorder

log = logging.getLogger(__name__)

RETRY_FIRST_S = 0.1
RETRY_MAX_S = 10.0


class StatusWriter:
    """The way of one pod's status to the API. `set` never waits. `recorder` is hurried once a pod is seen to be under way."""

    def __init__(self, client: Client, recorder: Recorder, pod: Object) -> None:
        self._client = client
        self._recorder = recorder
        self._meta = pod["metadata"]
        self._known: Object = dict(pod.get("status") or {})
        self._next: Object | None = None
        self._task: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None

    def set(self, status: Object, delay_s: float = 0.0) -> None:
        """Have `status` written, in `delay_s` unless another one comes before; one not yet written is dropped for it."""
        self._next = status
        if delay_s == 0:
            self._begin()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(delay_s, self._begin)

    @property
    def busy(self) -> bool:
        """Whether something is yet to be written."""
        return self._next is not None or (self._task is not None and not self._task.done())

    def _begin(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._write(), name=f"status of {self._meta['name']}")

    async def flush(self) -> None:
        """Return when all has been written (or the pod is gone)."""
        if self._next is not None:
            self._begin()
        if self._task is not None:
            await self._task

    def close(self) -> None:
        """Write nothing any more."""
        if self._timer is not None:
            self._timer.cancel()
        if self._task is not None:
            self._task.cancel()

    async def _write(self) -> None:
        delay_s = RETRY_FIRST_S
        while self._next is not None:
            status, self._next = self._next, None
            gone = {key: None for key in self._known if key not in status}
            patch = {"metadata": {"uid": self._meta["uid"]}, "status": {**status, **gone}}
            try:
                name, namespace = self._meta["name"], self._meta["namespace"]
                await self._client.patch("pods", name, patch, namespace, subresource="status")
            except ApiError as error:
                if error.code in (404, 409, 422):
                    log.debug("status of %s not written: %s", self._meta["name"], error)
                    return
                log.warning("status of %s: %s; again in %.1f s", self._meta["name"], error, delay_s)
            except Exception as error:  # The connection may fail in many ways; the status must arrive nevertheless.
                log.debug("status of %s: %r; again in %.1f s", self._meta["name"], error, delay_s)
            else:
                self._known = status
                delay_s = RETRY_FIRST_S
                if status.get("phase") != "Pending":
                    self._recorder.hurry()
                continue
            self._next = self._next or status
            await asyncio.sleep(delay_s)
            delay_s = min(delay_s * 2, RETRY_MAX_S)
