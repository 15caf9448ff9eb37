"""What the server asks of a kind: defaults, what a write may change, validation, and its row in a table.

Each kind's module in `api/kinds` makes one `Rules` (a subclass, or an instance with functions) and registers it. `Rules` itself
is right for a kind with no rules of its own. Everything here is pure; `Context` brings what a rule may depend on from outside.

Order of a create: `default` → admission mutates → `prepare_create` → `validate_create` (and admission validates).
Order of an update: `default` → admission mutates → `prepare_update` → `validate_update`.
The server itself handles metadata (names, uid, generation, finalizers, ownership) and the `status` subresource's isolation:
`prepare_update` is called with `subresource=""` or `"status"` and, by default, keeps the other half of the old object.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from msgspec import Struct, field

from corral.api.fields import Errors
from corral.api.objects import Object
from corral.api.resources import Resource

if TYPE_CHECKING:
    from corral.api.cel import Budget


class Context(Struct, frozen=True):
    """The facts a rule may depend on: time in seconds since the epoch, the user's name, groups, and extra as in the request."""

    now_s: float
    user: str = ""
    user_uid: str = ""
    groups: tuple[str, ...] = ()
    extra: dict[str, list[str]] = field(default_factory=dict)


#: What a status write keeps of the metadata where it writes nothing but the status.
OWN_METADATA = ("labels", "annotations", "finalizers", "ownerReferences")


class Rules:
    """The default rules, for kinds that have none of their own. Subclasses override what differs."""

    #: Whether the kind has `spec`-driven `metadata.generation` (bumped when anything but metadata and status changes).
    has_generation = False
    #: Whether another set of labels is another generation too (EndpointSlices).
    generation_counts_labels = False
    #: Whether the kind has a `status` subresource: a main write keeps the old status, a status write keeps all but it.
    has_status = False
    #: The fields of the metadata that a status write keeps too.
    status_keeps: tuple[str, ...] = ()
    #: Whether PUT to a missing name creates it (Leases, Events and a few others).
    allow_create_on_update = False
    #: Whether an update without a resourceVersion is accepted (most kinds; not e.g. custom resources).
    allow_unconditional_update = True
    #: Whether deletion is graceful (pods).
    graceful = False
    #: The names of the objects of this kind are checked by this function of `api.names` ("dns_subdomain", "dns_label", ...).
    name_format = "dns_subdomain"
    #: What every request for objects of a deprecated kind is warned of; '' for the others.
    deprecation = ""

    def default(self, obj: Object) -> None:
        """Fill in defaults, in place, as the versioned type's `SetDefaults_*` do. Must be idempotent."""

    def prepare_create(self, obj: Object, context: Context) -> None:
        """Drop what a client may not set on create, in place."""
        if self.has_status:
            obj.pop("status", None)

    def prepare_update(self, new: Object, old: Object, subresource: str, context: Context) -> None:
        """Keep what this write may not change, in place on `new`."""
        if not self.has_status:
            return
        if subresource == "status":
            status = new.get("status")
            for name in list(new):
                if name not in ("kind", "apiVersion", "metadata", "status"):
                    del new[name]
            new.update({k: v for k, v in old.items() if k not in ("kind", "apiVersion", "metadata", "status")})
            if status is not None:
                new["status"] = status
            _keep(new["metadata"], old["metadata"], self.status_keeps)
        elif "status" in old:
            new["status"] = old["status"]
        else:
            new.pop("status", None)

    def validate_create(self, obj: Object) -> Errors:
        """Everything wrong with a new object, metadata excepted."""
        return Errors()

    def validate_update(self, new: Object, old: Object, subresource: str) -> Errors:
        """Everything wrong with a change, metadata excepted."""
        return Errors() if subresource else self.validate_create(new)

    @property
    def has_expressions(self) -> bool:
        """Whether there is anything for `evaluate` to do."""
        return False

    def evaluate(
        self, faults: Errors, obj: Object, old: Object | None, make_budget: "Callable[[float], Budget]"
    ) -> tuple[Errors, list[str]]:
        """The part of validation that may take long: what else is wrong than `faults`, and warnings.

        It has no effects, may be called again and from any thread; what `make_budget` makes says how long it may take.
        """
        return Errors(), []

    def warnings(self, obj: Object, old: Object | None) -> list[str]:
        """The texts of `Warning:` headers for this write."""
        return []

    def cells(self, obj: Object, now_s: float) -> list[object]:
        """The object's row in a table: one value a column of `api.tables.columns(resource)`."""
        from corral.api.tables import age

        return [obj["metadata"].get("name", ""), age(obj, now_s)]

    def columns(self, resource: Resource) -> list[Object]:
        """The columns of the kind's table. Shared: read only."""
        from corral.api.tables import columns

        return columns(resource)

    def selectable_fields(self, obj: Object) -> dict[str, str]:
        """The fields that a field selector may name, beside `metadata.name` and `metadata.namespace`."""
        return {}

    def unselectable(self, field: str, api_version: str) -> str:
        """What is said of another field, where the kind has such fields."""
        return f"field label not supported: {field}"


def _keep(new: Object, old: Object, fields: tuple[str, ...]) -> None:
    for name in fields:
        if name in old:
            new[name] = old[name]
        else:
            new.pop(name, None)
