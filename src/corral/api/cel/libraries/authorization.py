"""Asking who may do what: https://kubernetes.io/docs/reference/using-api/cel/#kubernetes-authorizer-library.

The asking is done by a callback that the caller puts into an Authorizer: it gets a Check and gives a Decision, synchronously.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from corral.api import names
from corral.api.cel.errors import EvaluationError
from corral.api.cel.functions import Library
from corral.api.cel.types import OPAQUE
from corral.api.cel.values import Opaque

LIBRARY = Library()
_overload = LIBRARY.overload
#: So that one expression can ask twice, as in the reference.
_CHECK_COST = 350_000


@dataclass(frozen=True, slots=True)
class Decision(Opaque):
    """The answer; `error` says why there is none."""

    cel_type = OPAQUE["Decision"]
    allowed: bool
    reason: str = ""
    error: str = ""


@dataclass(frozen=True, slots=True)
class Check:
    """What is asked: a verb on a path, or on a resource.

    `service_account`: (namespace, name) if it is not about the request's user.
    """

    service_account: tuple[str, str] | None = None
    verb: str = ""
    path: str = ""
    group: str = ""
    resource: str = ""
    subresource: str = ""
    namespace: str = ""
    name: str = ""
    field_selector: str = ""
    label_selector: str = ""


Ask = Callable[[Check], Decision]


@dataclass(frozen=True, slots=True)
class _Asking(Opaque):
    ask: Ask
    check: Check = field(default_factory=Check)


@dataclass(frozen=True, slots=True)
class Authorizer(_Asking):
    """The variable `authorizer`."""

    cel_type = OPAQUE["Authorizer"]


@dataclass(frozen=True, slots=True)
class PathCheck(_Asking):
    """A question about a path, without its verb."""

    cel_type = OPAQUE["PathCheck"]


@dataclass(frozen=True, slots=True)
class GroupCheck(_Asking):
    """A question about a group, without its resource."""

    cel_type = OPAQUE["GroupCheck"]


@dataclass(frozen=True, slots=True)
class ResourceCheck(_Asking):
    """The variable `authorizer.requestResource`, or a question about a resource, without its verb."""

    cel_type = OPAQUE["ResourceCheck"]


def _filled(text: str, what: str) -> str:
    if not text.strip():
        raise EvaluationError(f"{what} must not be empty")
    return text


@_overload("Authorizer.path(string) -> PathCheck")
def _path(value: Authorizer, path: str) -> PathCheck:
    return PathCheck(value.ask, replace(value.check, path=_filled(path, "path")))


@_overload("Authorizer.group(string) -> GroupCheck")
def _group(value: Authorizer, group: str) -> GroupCheck:
    return GroupCheck(value.ask, replace(value.check, group=group))


@_overload("Authorizer.serviceAccount(string, string) -> Authorizer")
def _service_account(value: Authorizer, namespace: str, name: str) -> Authorizer:
    if names.dns_subdomain(name):
        raise EvaluationError("Invalid service account name")
    if names.dns_label(namespace):
        raise EvaluationError("Invalid service account namespace")
    return Authorizer(value.ask, Check(service_account=(namespace, name)))


@_overload("GroupCheck.resource(string) -> ResourceCheck")
def _resource(value: GroupCheck, resource: str) -> ResourceCheck:
    return ResourceCheck(value.ask, replace(value.check, resource=_filled(resource, "resource")))


def _narrowed(attribute: str) -> Callable[[ResourceCheck, str], ResourceCheck]:
    def narrow(value: ResourceCheck, text: str) -> ResourceCheck:
        changed: dict[str, Any] = {attribute: text}
        return ResourceCheck(value.ask, replace(value.check, **changed))

    return narrow


for _function, _attribute in (
    *(("subresource", "subresource"), ("namespace", "namespace"), ("name", "name")),
    *(("fieldSelector", "field_selector"), ("labelSelector", "label_selector")),
):
    LIBRARY.add(f"ResourceCheck.{_function}(string) -> ResourceCheck", _narrowed(_attribute))


@_overload(
    *("PathCheck.check(string) -> Decision", "ResourceCheck.check(string) -> Decision"), cost=lambda _args, _result: _CHECK_COST
)
def _check(value: _Asking, verb: str) -> Decision:
    return value.ask(replace(value.check, verb=verb))


@_overload("Decision.allowed() -> bool")
def _allowed(value: Decision) -> bool:
    return value.allowed


@_overload("Decision.reason() -> string")
def _reason(value: Decision) -> str:
    return value.reason


@_overload("Decision.errored() -> bool")
def _errored(value: Decision) -> bool:
    return bool(value.error)


@_overload("Decision.error() -> string")
def _error(value: Decision) -> str:
    return value.error
