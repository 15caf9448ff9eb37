"""One request and its answer, free of the HTTP library: what HTTP, in-process callers and tests all use."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any

from msgspec import Struct, field

from corral.api.objects import Object
from corral.api.resources import Resource

if TYPE_CHECKING:
    from corral.server.audit.auditor import Audited
    from corral.server.watching import Watch

#: The media type of answers that are meant for people.
TEXT = "text/plain; charset=utf-8"


class User(Struct, frozen=True):
    """Who asks: `authentication.k8s.io` UserInfo."""

    name: str
    uid: str = ""
    groups: tuple[str, ...] = ()
    extra: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


ANONYMOUS = User("system:anonymous", groups=("system:unauthenticated",))
#: The identity of in-process callers such as controllers; bound to cluster-admin.
LOOPBACK = User("system:apiserver", groups=("system:masters", "system:authenticated"))


class Request(Struct):
    """A request. `user` is set by authentication; the parts from `verb` on are set by `server.paths` from the path."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes = b""
    user: User = ANONYMOUS
    remote: str = ""
    #: Who acts as `user`, where somebody impersonates.
    actor: User | None = None
    #: What allows him to, where it is constrained impersonation: `impersonate:user-info`.
    constraint: str = ""
    #: The verb in RBAC's words (get, list, watch, create, update, patch, delete, deletecollection; or the method).
    verb: str = ""
    #: None for non-resource paths such as /healthz.
    resource: Resource | None = None
    namespace: str = ""
    name: str = ""
    subresource: str = ""
    #: What follows the subresource in the path (proxy).
    subpath: str = ""
    #: Texts for `Warning:` headers of the answer.
    warnings: list[str] = field(default_factory=list)
    #: What parts of the server, admission plugins above all, add to the request's audit event; see `annotate`.
    annotations: dict[str, str] = field(default_factory=dict)
    #: What is remembered for the audit log; None where nothing is to be written.
    audit: "Audited | None" = None
    #: Reads the body, which comes after authentication and authorization; None where it is there already.
    read_body: Callable[[], Awaitable[bytes]] | None = None

    def annotate(self, key: str, value: str) -> None:
        """Add an annotation to the audit event. Keys are `domain/name`; the first value of a key stays."""
        self.annotations.setdefault(key, value)


class Response(Struct):
    """An answer: `body`, or the `pieces` of a long one, or a `stream` of chunks that ends when the request does."""

    status: int = 200
    body: bytes = b""
    content_type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)
    #: See `server.pieces`.
    pieces: AsyncIterator[bytes] | None = None
    stream: AsyncIterator[bytes] | None = None
    #: What the stream is of, where it is a watch: HTTP connections follow it without a task of their own.
    watch: "Watch | None" = None
    #: Texts for `Warning:` headers.
    warnings: list[str] = field(default_factory=list)
    #: Header lines as they are sent.
    marks: bytes = b""
    #: Called when a stream or upgrade has ended.
    ended: Callable[[], None] | None = None
    #: Takes the connection over instead: called with the HTTP library's request, answers with its response.
    upgrade: Callable[[Any], Awaitable[Any]] | None = None

    def end(self) -> None:
        """A stream or upgrade has ended."""
        if self.ended is not None:
            self.ended()

    @property
    def is_open(self) -> bool:
        """Whether it lasts as long as both sides like: `ended` is called then."""
        return self.stream is not None or self.watch is not None or self.upgrade is not None

    @property
    def goes_on(self) -> bool:
        """Whether its end is not its beginning."""
        return self.pieces is not None or self.is_open


def plain(status: int, text: str, headers: Mapping[str, str] | None = None) -> Response:
    """A refusal in plain text, with further headers: from where nothing is known of objects, as in the reference."""
    return Response(status, f"{text}\n".encode(), TEXT, headers={**(headers or {}), "X-Content-Type-Options": "nosniff"})


class Rounds:
    """Of one write: which round of changes it is in, whether another is needed, and what webhooks and policies remember."""

    __slots__ = ("again", "memory", "number")

    def __init__(self) -> None:
        self.number = 0
        self.again = False
        self.memory: dict[object, Any] = {}


class Admission(Struct):
    """What admission plugins see of a write. Mutating ones change `object` in place."""

    request: Request
    resource: Resource
    #: CREATE, UPDATE, DELETE or CONNECT.
    operation: str
    object: Object | None
    old_object: Object | None
    subresource: str = ""
    dry_run: bool = False
    #: The resource in the version that the client speaks, where `resource` is the one that is stored.
    asked: Resource | None = None
    #: Makes the options of the operation (CreateOptions, ...), where the request's query does not hold them.
    options: Callable[[], Object] | None = None
    _rounds: Rounds | None = None

    @property
    def user(self) -> User:
        """Who asks."""
        return self.request.user

    @property
    def rounds(self) -> Rounds:
        """The rounds of changes; made when first asked for."""
        if self._rounds is None:
            self._rounds = Rounds()
        return self._rounds

    @property
    def changed_again(self) -> bool:
        """Whether plugins that come earlier have to look again: one of the later ones has changed the object."""
        return self._rounds is not None and self._rounds.again
