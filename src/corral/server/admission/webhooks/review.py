"""The wire format: AdmissionReview (admission.k8s.io/v1), its request and what an answer may hold. Pure.

https://kubernetes.io/docs/reference/config-api/apiserver-admission.v1/
"""

import base64
import binascii
from typing import Any, NamedTuple

import orjson

from corral.api.errors import ApiError
from corral.api.objects import Object
from corral.api.resources import Resource
from corral.server.admission.requests import admission_request
from corral.server.request import Admission

GROUP = "admission.k8s.io"


class ReviewError(Exception):
    """The answer is none; the text completes `received invalid webhook response: `."""


class Verdict(NamedTuple):
    """What a webhook answers."""

    allowed: bool
    #: The Status of a refusal, as far as the webhook gave one.
    status: Object
    #: JSON patch; None where nothing is to be changed.
    patch: list[Any] | None
    annotations: dict[str, str]
    warnings: list[str]


def review(admission: Admission, target: Resource, obj: Object | None, old: Object | None, version: str, uid: str) -> bytes:
    """The AdmissionReview that asks about a write; `obj` and `old` are in the version of `target`."""
    shown = obj if obj is not None else old
    request = {"uid": uid, **admission_request(admission, target, shown), "object": obj, "oldObject": old}
    return orjson.dumps({"kind": "AdmissionReview", "apiVersion": f"{GROUP}/{version}", "request": request})


def verdict(answer: Any, version: str, uid: str, *, mutating: bool) -> Verdict:
    """What an answer says. Raises ReviewError where it is none to this review."""
    if not isinstance(answer, dict):
        raise ReviewError("expected an AdmissionReview object")
    response = answer.get("response")
    if not isinstance(response, dict):
        raise ReviewError("webhook response was absent")
    if version == "v1":
        if response.get("uid") != uid:
            raise ReviewError(f'expected response.uid="{uid}", got "{response.get("uid") or ""}"')
        wanted, got = (
            _version_kind(f"{GROUP}/v1", "AdmissionReview"),
            _version_kind(answer.get("apiVersion"), answer.get("kind")),
        )
        if got != wanted:
            raise ReviewError(f"expected webhook response of {wanted}, got {got}")
    status = response.get("status")
    return Verdict(
        response.get("allowed") is True,
        status if isinstance(status, dict) else {},
        _patch(response, strict=version == "v1", mutating=mutating),
        _texts(response.get("auditAnnotations")),
        [str(text) for text in response.get("warnings") or ()] if isinstance(response.get("warnings"), list) else [],
    )


def _texts(found: Any) -> dict[str, str]:
    return {str(key): str(value) for key, value in found.items()} if isinstance(found, dict) else {}


def _version_kind(api_version: Any, kind: Any) -> str:
    return f"{api_version or ''}, Kind={kind or ''}"


def _patch(response: Object, *, strict: bool, mutating: bool) -> list[Any] | None:
    patch, kind = response.get("patch"), response.get("patchType")
    if not mutating:
        if strict and patch:
            raise ReviewError("validating webhook may not return response.patch")
        if strict and kind is not None:
            raise ReviewError("validating webhook may not return response.patchType")
        return None
    if strict and patch and kind is None:
        raise ReviewError("webhook returned response.patch but not response.patchType")
    if strict and not patch and kind is not None:
        raise ReviewError("webhook returned response.patchType but not response.patch")
    if not patch:
        return None
    if strict and kind != "JSONPatch":
        raise ReviewError(f'webhook returned invalid response.patchType of "{kind}"')
    try:
        made = orjson.loads(base64.b64decode(patch, validate=True))
    except (ValueError, TypeError, binascii.Error) as error:
        raise ReviewError(f"response.patch cannot be decoded: {error}") from None
    if made is not None and not isinstance(made, list):
        raise ReviewError("response.patch is no list of operations")
    return made


def denied(name: str, status: Object) -> ApiError:
    """The refusal of the webhook called `name`, with what it gave as Status."""
    code = status.get("code")
    if not isinstance(code, int) or isinstance(code, bool) or not 400 <= code <= 599:
        code = 400
    message, reason = str(status.get("message") or ""), str(status.get("reason") or "")
    text = f'admission webhook "{name}" denied the request'
    text += f": {message or reason}" if message or reason else " without explanation"
    details = status.get("details")
    return ApiError(code, reason, text, details if isinstance(details, dict) else None)
