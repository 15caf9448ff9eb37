"""Impersonation: a user who may, acts as another.

Constrained impersonation (KEP-5284) is tried first: it needs the right to be the other (`impersonate:MODE`) and the right to do
as the other just what the request does (`impersonate-on:MODE:VERB`). The old verb `impersonate` allows all that the other may.
See https://kubernetes.io/docs/reference/access-authn-authz/user-impersonation/.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple
from urllib.parse import unquote

from corral.api.errors import ApiError
from corral.api.names import dns_subdomain
from corral.server.authentication.authenticator import AUTHENTICATED, UNAUTHENTICATED
from corral.server.authentication.frontproxy import all_of
from corral.server.authorization import Attributes, Authorizer, of_request
from corral.server.authorization.node import NODE_PREFIX, NODES_GROUP
from corral.server.request import ANONYMOUS, Request, User

USER = "Impersonate-User"
GROUP = "Impersonate-Group"
UID = "Impersonate-Uid"
EXTRA_PREFIX = "impersonate-extra-"
SERVICE_ACCOUNT_PREFIX = "system:serviceaccount:"
IDENTITY_GROUP = "authentication.k8s.io"
POD_KEY = "authentication.kubernetes.io/pod-name"
NODE_KEY = "authentication.kubernetes.io/node-name"
LEGACY = "impersonate"


class Impersonated(NamedTuple):
    """Whom a request acts as. `constraint` is the verb that allows it, "" for the old one."""

    user: User
    constraint: str


class _Wish(NamedTuple):
    """The user as the headers describe him, and what his name says of his kind."""

    user: User
    node: str
    account: tuple[str, str] | None


async def impersonate(request: Request, authorizer: Authorizer) -> Impersonated | None:
    """Whom a request, a resolved one, asks to act as; None where for nobody. Raises ApiError (403, or 500 for half a wish)."""
    headers = request.headers
    name = headers.get(USER, "")
    if not name and not _wishes(headers):
        return None
    user = User(name, headers.get(UID, ""), tuple(all_of(headers, GROUP)), _extra(headers))
    if not name:
        raise _without_user(user)
    wish = _Wish(user, _node_of(name), _account_of(name))
    asked = of_request(request)
    for mode in _modes(wish, request.user):
        doing = asked._replace(verb=f"impersonate-on:{mode}:{asked.verb}")
        verb = f"impersonate:{mode}"
        questions = (doing, *_questions(request.user, wish, verb, IDENTITY_GROUP))
        if all([(await authorizer.ask(question)).allowed for question in questions]):
            return Impersonated(_completed(wish, constrained=True), verb)
    for question in _questions(request.user, wish, LEGACY, ""):
        await authorizer.require(question)
    return Impersonated(_completed(wish, constrained=False), "")


def _wishes(headers: Mapping[str, str]) -> bool:
    for header in headers:
        # Most requests wish for nothing, and every request comes by here.
        if header[:1] in "iI" and header.lower().startswith(("impersonate-group", "impersonate-uid", EXTRA_PREFIX)):
            return True
    return False


def _modes(wish: _Wish, actor: User) -> Iterator[str]:
    """The modes of constrained impersonation that such a wish falls under."""
    name_only = not (wish.user.uid or wish.user.groups or wish.user.extra)
    if wish.node:
        if name_only:
            if _account_of(actor.name) and actor.extra.get(POD_KEY) and actor.extra.get(NODE_KEY) == (wish.node,):
                yield "associated-node"
            yield "arbitrary-node"
    elif wish.account:
        if name_only:
            yield "serviceaccount"
    else:
        yield "user-info"


def _questions(actor: User, wish: _Wish, verb: str, group: str) -> Iterator[Attributes]:
    """What the actor must be allowed to be; users and groups are of API group `group`."""
    user = wish.user
    if wish.node and verb != LEGACY:
        # Who may be the node he runs on need not say which one that is.
        name = "" if verb.endswith("associated-node") else wish.node
        yield Attributes(actor, verb, group, "v1", "nodes", name=name or "*")
    elif wish.account:
        yield Attributes(actor, verb, group, "v1", "serviceaccounts", namespace=wish.account[0], name=wish.account[1])
    else:
        yield Attributes(actor, verb, group, "v1", "users", name=user.name)
    if user.uid:
        yield Attributes(actor, verb, IDENTITY_GROUP, "v1", "uids", name=user.uid)
    for name in user.groups:
        yield Attributes(actor, verb, group, "v1", "groups", name=name)
    for key, values in user.extra.items():
        for value in values:
            yield Attributes(actor, verb, IDENTITY_GROUP, "v1", "userextras", key, name=value)


def _completed(wish: _Wish, *, constrained: bool) -> User:
    """The user with the groups that follow from his name, and whether he counts as authenticated."""
    user, groups = wish.user, wish.user.groups
    if not groups and wish.account:
        groups = ("system:serviceaccounts", f"system:serviceaccounts:{wish.account[0]}")
    if not groups and wish.node and constrained:
        groups = (NODES_GROUP,)
    standing = UNAUTHENTICATED if user.name == ANONYMOUS.name else AUTHENTICATED
    if standing not in groups and UNAUTHENTICATED not in groups:
        groups = (*groups, standing)
    return User(user.name, user.uid, groups, user.extra)


def _account_of(name: str) -> tuple[str, str] | None:
    """Namespace and name of the service account that a user name stands for."""
    parts = name.removeprefix(SERVICE_ACCOUNT_PREFIX).split(":") if name.startswith(SERVICE_ACCOUNT_PREFIX) else []
    return (parts[0], parts[1]) if len(parts) == 2 and all(parts) else None


def _node_of(name: str) -> str:
    """The node that a user name stands for, "" if none."""
    node = name.removeprefix(NODE_PREFIX) if name.startswith(NODE_PREFIX) else ""
    return node if node and not dns_subdomain(node) else ""


def _extra(headers: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    extra = {}
    for header in headers:
        if header.lower().startswith(EXTRA_PREFIX):
            extra[unquote(header.lower().removeprefix(EXTRA_PREFIX))] = tuple(all_of(headers, header))
    return extra


def _without_user(user: User) -> ApiError:
    wishes: Iterable[str] = [f"Group/{group}" for group in user.groups]
    wishes = [*wishes, *(f"UserExtra/{key}={value}" for key, values in user.extra.items() for value in values)]
    wishes = [*wishes, *([f"UID/{user.uid}"] if user.uid else [])]
    message = f"requested {wishes} without impersonating a user"
    return ApiError(500, "InternalError", f"Internal error occurred: {message}", {"causes": [{"message": message}]})
