"""The audit log: who asked for what, when, and what came of it; a JSON object a line (`audit.k8s.io/v1` Event, level Metadata).

Neither bodies nor headers are written, so that no secret gets in. Lines are buffered and written together; a crash may lose the
last second. See https://kubernetes.io/docs/tasks/debug/debug-cluster/audit/.
"""

import asyncio
import logging
import os
from pathlib import Path
from typing import BinaryIO

import orjson

from corral.api.objects import Object
from corral.base.clock import Clock, rfc3339_micro
from corral.server.authorization.reviews import user_info
from corral.server.request import Request

log = logging.getLogger(__name__)

MAX_BYTES = 100 * 1024 * 1024
KEPT_FILES = 5
BUFFER_BYTES = 64 * 1024
FLUSH_AFTER_S = 1.0
#: Paths that are asked for all the time and say nothing.
IGNORED_PATHS = ("/healthz", "/livez", "/readyz", "/metrics", "/version")


class AuditLog:
    """Writes events to `path`, which is rotated to `path.1`, `path.2`, ... when it has grown to `max_bytes`."""

    def __init__(self, path: Path, clock: Clock, *, max_bytes: int = MAX_BYTES, kept_files: int = KEPT_FILES) -> None:
        self._path = path
        self._clock = clock
        self._max_bytes = max_bytes
        self._kept_files = kept_files
        self._lines: list[bytes] = []
        self._pending_bytes = 0
        self._timer: asyncio.TimerHandle | None = None
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._file = self._open()

    def record(self, request: Request, began_s: float, code: int, *, message: str = "", started: bool = False) -> None:
        """Note a request whose answer is complete, or has `started` (a stream). `began_s` is since the epoch."""
        if request.path.startswith(IGNORED_PATHS):
            return
        event = _event(request, began_s, self._clock.now(), code, message)
        if started:
            event["stage"] = "ResponseStarted"
        line = orjson.dumps(event) + b"\n"
        self._lines.append(line)
        self._pending_bytes += len(line)
        if self._pending_bytes >= BUFFER_BYTES:
            self.flush()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(FLUSH_AFTER_S, self.flush)

    def flush(self) -> None:
        """Write what is buffered. A full disk costs the lines, not the request."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if not self._lines:
            return
        data, self._lines, self._pending_bytes = b"".join(self._lines), [], 0
        try:
            self._file.write(data)
            if self._file.tell() >= self._max_bytes:
                self._rotate()
        except OSError as error:
            log.error("cannot write the audit log %s: %s", self._path, error)

    def close(self) -> None:
        """Write what is buffered and close the file."""
        self.flush()
        self._file.close()

    def _open(self) -> BinaryIO:
        file = os.fdopen(os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab", buffering=0)
        self._path.chmod(0o600)
        return file

    def _rotate(self) -> None:
        self._file.close()
        for number in range(self._kept_files - 1, 0, -1):
            older = self._numbered(number)
            if older.exists():
                older.replace(self._numbered(number + 1))
        self._path.replace(self._numbered(1))
        self._file = self._open()

    def _numbered(self, number: int) -> Path:
        return self._path.with_name(f"{self._path.name}.{number}")


def _event(request: Request, began_s: float, ended_s: float, code: int, message: str) -> Object:
    actor = request.actor
    event: Object = {
        "kind": "Event",
        "apiVersion": "audit.k8s.io/v1",
        "level": "Metadata",
        "auditID": _audit_id(),
        "stage": "ResponseComplete",
        "requestURI": _uri(request),
        "verb": request.verb or request.method.lower(),
        "user": user_info(actor or request.user),
        "sourceIPs": [request.remote] if request.remote else [],
        "userAgent": request.headers.get("User-Agent", ""),
    }
    if actor is not None:
        event["impersonatedUser"] = user_info(request.user)
    if request.resource is not None:
        event["objectRef"] = _object_ref(request)
    status: Object = {"metadata": {}, "code": code}
    if message:
        status["message"] = message
    event["responseStatus"] = status
    event["requestReceivedTimestamp"] = rfc3339_micro(began_s)
    event["stageTimestamp"] = rfc3339_micro(ended_s)
    if request.annotations:
        event["annotations"] = dict(request.annotations)
    return event


def _audit_id() -> str:
    """A random UUID (version 4)."""
    digits = os.urandom(16).hex()
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"


def _object_ref(request: Request) -> Object:
    resource = request.resource
    assert resource is not None
    ref: Object = {"resource": resource.plural}
    if request.namespace:
        ref["namespace"] = request.namespace
    if request.name:
        ref["name"] = request.name
    if resource.group:
        ref["apiGroup"] = resource.group
    ref["apiVersion"] = resource.version
    if request.subresource:
        ref["subresource"] = request.subresource
    return ref


def _uri(request: Request) -> str:
    """Path and query; a token in the query (which nobody should send) stays out."""
    if not request.query:
        return request.path
    pairs = [f"{key}={'...' if 'token' in key.lower() else value}" for key, value in request.query.items()]
    return request.path + ("?" + "&".join(pairs) if pairs else "")
