"""How an extension server is told who asks: the headers of a front proxy, which only its own client certificate may send.

https://kubernetes.io/docs/tasks/extend-kubernetes/configure-aggregation-layer/#original-request-username-and-group
"""

from collections.abc import Iterator
from string import ascii_letters, digits

from corral.server.request import User

USERNAME, UID, GROUP, EXTRA = "X-Remote-User", "X-Remote-Uid", "X-Remote-Group", "X-Remote-Extra-"
#: What names of headers may hold (RFC 9110), without the sign of the escape itself.
_NAME_CHARACTERS = frozenset(ascii_letters + digits + "!#$&'*+-.^_`|~")
#: How the server presents itself where no user asks.
AGGREGATOR = User("system:kube-aggregator", groups=("system:masters",))


def headers_of(user: User) -> Iterator[tuple[str, str]]:
    """The headers that stand for a user. Whoever sends them takes those of the client away first (see `is_claim`)."""
    yield USERNAME, _line(user.name)
    if user.uid:
        yield UID, _line(user.uid)
    for group in user.groups:
        yield GROUP, _line(group)
    for key, values in user.extra.items():
        for value in values:
            yield EXTRA + escaped(key), _line(value)


def is_claim(name: str) -> bool:
    """Whether a header says who asks: from a client it is not believed, and not handed on."""
    return name.lower().startswith(("x-remote-", "impersonate-")) or name.lower() == "authorization"


def escaped(key: str) -> str:
    """A key of `extra` as part of a header's name: what may not stand there is percent-encoded."""
    return "".join(char if char in _NAME_CHARACTERS else "".join(f"%{byte:02X}" for byte in char.encode()) for char in key)


def _line(value: str) -> str:
    """A value as a header may carry it: names can hold what would end the line."""
    return value.replace("\r", " ").replace("\n", " ")
