"""Impersonation: a user who may, acts as another. See https://kubernetes.io/docs/reference/access-authn-authz/authentication/#user-impersonation."""

from collections.abc import Iterable, Mapping
from urllib.parse import unquote

from corral.api.errors import ApiError
from corral.server.authentication.authenticator import AUTHENTICATED, UNAUTHENTICATED
from corral.server.authorization import Attributes, Authorizer
from corral.server.request import ANONYMOUS, Request, User

USER = "Impersonate-User"
GROUP = "Impersonate-Group"
UID = "Impersonate-Uid"
EXTRA_PREFIX = "impersonate-extra-"
SERVICE_ACCOUNT_PREFIX = "system:serviceaccount:"


def impersonate(request: Request, authorizer: Authorizer) -> User | None:
    """The user that the request asks to act as, None where it asks for none. Raises ApiError (403, or 500 for half a wish)."""
    headers = request.headers
    name = headers.get(USER, "")
    if not name and not _wishes(headers):
        return None
    groups = tuple(_all(headers, GROUP))
    uid = headers.get(UID, "")
    extra = _extra(headers)
    if not name:
        raise _without_user(groups, uid, extra)
    for attributes in _questions(request.user, name, groups, uid, extra):
        authorizer.require(attributes)
    return User(name, uid, _groups(name, groups), extra)


def _wishes(headers: Mapping[str, str]) -> bool:
    for header in headers:
        # Most requests wish for nothing, and every request comes by here.
        if header[:1] in "iI" and header.lower().startswith(("impersonate-group", "impersonate-uid", EXTRA_PREFIX)):
            return True
    return False


def _questions(
    actor: User, name: str, groups: Iterable[str], uid: str, extra: Mapping[str, tuple[str, ...]]
) -> Iterable[Attributes]:
    """What the actor must be allowed to do."""
    account = name.removeprefix(SERVICE_ACCOUNT_PREFIX).split(":") if name.startswith(SERVICE_ACCOUNT_PREFIX) else []
    if len(account) == 2:
        yield Attributes(actor, "impersonate", "", "v1", "serviceaccounts", namespace=account[0], name=account[1])
    else:
        yield Attributes(actor, "impersonate", "", "v1", "users", name=name)
    for group in groups:
        yield Attributes(actor, "impersonate", "", "v1", "groups", name=group)
    for key, values in extra.items():
        for value in values:
            yield Attributes(actor, "impersonate", "authentication.k8s.io", "v1", "userextras", key, name=value)
    if uid:
        yield Attributes(actor, "impersonate", "authentication.k8s.io", "v1", "uids", name=uid)


def _groups(name: str, groups: tuple[str, ...]) -> tuple[str, ...]:
    """The groups asked for, or a service account's own; and whether the user counts as authenticated."""
    account = name.removeprefix(SERVICE_ACCOUNT_PREFIX).split(":") if name.startswith(SERVICE_ACCOUNT_PREFIX) else []
    if not groups and len(account) == 2:
        groups = ("system:serviceaccounts", f"system:serviceaccounts:{account[0]}")
    standing = UNAUTHENTICATED if name == ANONYMOUS.name else AUTHENTICATED
    return groups if standing in groups or UNAUTHENTICATED in groups else (*groups, standing)


def _extra(headers: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    extra = {}
    for header in headers:
        if header.lower().startswith(EXTRA_PREFIX):
            extra[unquote(header.lower().removeprefix(EXTRA_PREFIX))] = tuple(_all(headers, header))
    return extra


def _all(headers: Mapping[str, str], name: str) -> list[str]:
    """Every value of a header that may be repeated; plain mappings have one."""
    getall = getattr(headers, "getall", None)
    if getall is not None:
        return list(getall(name, []))
    return [headers[name]] if name in headers else []


def _without_user(groups: Iterable[str], uid: str, extra: Mapping[str, tuple[str, ...]]) -> ApiError:
    wishes = [f"Group/{group}" for group in groups]
    wishes += [f"UserExtra/{key}={value}" for key, values in extra.items() for value in values]
    wishes += [f"UID/{uid}"] if uid else []
    message = f"requested {wishes} without impersonating a user"
    return ApiError(500, "InternalError", f"Internal error occurred: {message}", {"causes": [{"message": message}]})
