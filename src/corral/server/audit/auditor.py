"""Follows each request through its stages, and hands events to the sinks.

`received` when the user is known, `started` where an answer goes on (watches, exec), `completed` at its end. What the policy
does not want written costs one look into a dict.
"""

from collections.abc import Sequence
from typing import Any, Protocol

import orjson

from corral.api.objects import Object
from corral.base.clock import Clock, rfc3339_micro
from corral.server.audit.event import audit_id, head, response_status, shown_body
from corral.server.audit.policy import LEVEL_NAMES, Decision, Level, Policy
from corral.server.audit.secrecy import is_secret, without_values
from corral.server.request import Request, User

DECISION = "authorization.k8s.io/decision"
REASON = "authorization.k8s.io/reason"
#: An id that a client sends is taken, if it is no longer than this.
MAX_ID = 64
#: Whoever could not be authenticated.
NOBODY = User("")


class Sink(Protocol):
    """Where events go: one JSON text each, without an end of line. Never waits, never raises."""

    def write(self, event: bytes) -> None:
        """Keep an event."""


class Audited:
    """What is remembered of one request that is written about."""

    __slots__ = ("decision", "id", "meta", "received")

    def __init__(self, decision: Decision, id: str, received: str) -> None:
        self.decision = decision
        self.id = id
        self.received = received
        self.meta: Object = {}

    @property
    def wants_answer(self) -> bool:
        """Whether what is answered is written down."""
        return self.decision.level >= Level.REQUEST_RESPONSE

    def about(self, obj: Object) -> None:
        """The object that the request brings: what its path does not say of it is taken from there."""
        meta = obj.get("metadata") or {}
        self.meta = {name: meta[name] for name in ("name", "uid", "resourceVersion") if meta.get(name)}


class Auditor:
    """Writes what `policy` wants to every one of `sinks`."""

    def __init__(self, policy: Policy, sinks: Sequence[Sink], clock: Clock) -> None:
        self._policy = policy
        self._sinks = tuple(sinks)
        self._clock = clock

    def received(self, request: Request, received_s: float) -> None:
        """The request is there, and authenticated. `received_s` is since the epoch."""
        decision = self._policy.decide(request, request.user)
        if decision.level is Level.NOTHING:
            return
        given = request.headers.get("Audit-ID", "")
        id = given if given and len(given) <= MAX_ID else audit_id()
        request.audit = Audited(decision, id, rfc3339_micro(received_s))
        if "RequestReceived" not in decision.omit_stages:
            self._write(request, request.audit, "RequestReceived", None, None)

    def unauthenticated(self, request: Request, received_s: float, code: int) -> None:
        """Somebody showed credentials that are no good."""
        decision = self._policy.decide(request, NOBODY)
        if decision.level is not Level.NOTHING and "ResponseStarted" not in decision.omit_stages:
            request.user = NOBODY
            audited = Audited(decision, audit_id(), rfc3339_micro(received_s))
            tried = " bearer" if "Authorization" in request.headers else " x509"
            status = {"metadata": {}, "message": f"Authentication failed, attempted:{tried}", "code": code}
            self._write(request, audited, "ResponseStarted", status, None)

    def started(self, request: Request, code: int) -> None:
        """An answer begins that goes on."""
        audited = request.audit
        if audited is not None and "ResponseStarted" not in audited.decision.omit_stages:
            self._write(request, audited, "ResponseStarted", response_status(code, None), None)

    def completed(self, request: Request, code: int, status: Object | None, body: bytes = b"", media: str = "") -> None:
        """The answer is given. `status` is the Status of a refusal; `body`, of type `media`, what else was answered."""
        audited = request.audit
        if audited is not None and "ResponseComplete" not in audited.decision.omit_stages:
            shown = None
            if audited.wants_answer and request.resource is not None:
                shown = status or shown_body(body, media, omit_managed_fields=audited.decision.omit_managed_fields)
            outcome = response_status(code, status if status is None or not is_secret(request) else without_values(status))
            self._write(request, audited, "ResponseComplete", outcome, shown)

    def panicked(self, request: Request, status: Object) -> None:
        """Something failed that must not."""
        audited = request.audit
        if audited is not None and "Panic" not in audited.decision.omit_stages:
            self._write(request, audited, "Panic", response_status(500, status), None)

    def _write(self, request: Request, audited: Audited, stage: str, outcome: Object | None, answer: Any) -> None:
        decision = audited.decision
        event = head(request, LEVEL_NAMES[decision.level], audited.id, audited.meta)
        event["stage"] = stage
        if outcome is not None:
            event["responseStatus"] = outcome
        if decision.level >= Level.REQUEST and request.body and request.resource is not None:
            media = request.headers.get("Content-Type", "")
            sent = shown_body(request.body, media, omit_managed_fields=decision.omit_managed_fields)
            if sent is not None:
                event["requestObject"] = sent
        if answer is not None:
            event["responseObject"] = answer
        event["requestReceivedTimestamp"] = audited.received
        event["stageTimestamp"] = rfc3339_micro(self._clock.now())
        if request.annotations:
            event["annotations"] = request.annotations
        line = orjson.dumps(event)
        for sink in self._sinks:
            sink.write(line)
