"""What a plan may ask for, and the one place that does it.

Plans are pure: they return actions. `Actor.act` carries them out in order and decides nothing, except that what is wanted and
already so (created by another, deleted by another) is no failure.
"""

from collections.abc import Iterable
from typing import Literal

from msgspec import Struct

from corral.api.errors import ApiError
from corral.api.objects import Key, Object
from corral.client.client import Client, PatchType
from corral.client.events import Recorder


class Create(Struct, frozen=True):
    """Create `object`; with `exists_ok`, one of that name that is there already will do."""

    resource: str
    object: Object
    exists_ok: bool = True


class Update(Struct, frozen=True):
    """Replace by `object`, which carries the resourceVersion that it was made from."""

    resource: str
    object: Object
    subresource: str = ""


class Patch(Struct, frozen=True):
    """Change the object `key`."""

    resource: str
    key: Key
    patch: object
    type: PatchType = "merge"
    subresource: str = ""


class Delete(Struct, frozen=True):
    """Delete the object `key` if it still has this `uid`."""

    resource: str
    key: Key
    uid: str
    propagation: Literal["", "Background", "Foreground", "Orphan"] = ""
    grace_period_s: int | None = None


class Note(Struct, frozen=True):
    """Tell people, by an event about `about`."""

    about: Object
    type: Literal["Normal", "Warning"]
    reason: str
    message: str


class Again(Struct, frozen=True):
    """Look again in `after_s` seconds."""

    after_s: float


Action = Create | Update | Patch | Delete | Note | Again


class Actor:
    """Carries out actions."""

    def __init__(self, client: Client, recorder: Recorder | None = None) -> None:
        self.client = client
        self.recorder = recorder

    async def act(self, actions: Iterable[Action]) -> float | None:
        """Do all in order; the seconds until the earliest `Again`. Raises ApiError of the first that fails."""
        again_s: float | None = None
        for action in actions:
            if isinstance(action, Again):
                again_s = action.after_s if again_s is None else min(again_s, action.after_s)
            else:
                await self._do(action)
        return again_s

    async def _do(self, action: Create | Update | Patch | Delete | Note) -> None:
        match action:
            case Create(resource, obj, exists_ok):
                await self.create(resource, obj, exists_ok=exists_ok)
            case Update(resource, obj, subresource):
                await self.client.update(resource, obj, subresource=subresource)
            case Patch(resource, key, patch, type, subresource):
                await self.client.patch(resource, key.name, patch, key.namespace, type=type, subresource=subresource)
            case Delete(resource, key, uid, propagation, grace_period_s):
                await self._delete(resource, key, uid, propagation, grace_period_s)
            case Note(about, type, reason, message):
                if self.recorder is not None:
                    self.recorder.record(about, type, reason, message)

    async def create(self, resource: str, obj: Object, *, exists_ok: bool = True) -> Object | None:
        """The object as it was made; None where it is there already, or its namespace is being deleted."""
        try:
            return await self.client.create(resource, obj)
        except ApiError as error:
            if not exists_ok or (error.reason != "AlreadyExists" and not namespace_terminating(error)):
                raise
            return None

    async def _delete(
        self,
        resource: str,
        key: Key,
        uid: str,
        propagation: Literal["", "Background", "Foreground", "Orphan"],
        grace_period_s: int | None,
    ) -> None:
        try:
            await self.client.delete(
                resource, key.name, key.namespace, uid=uid, grace_period_s=grace_period_s, propagation=propagation
            )
        except ApiError as error:
            if error.code not in (404, 409):  # 409: another object of that name by now.
                raise


def namespace_terminating(error: ApiError) -> bool:
    """Whether a create was refused because its namespace is being deleted: nothing to retry."""
    causes = (error.details or {}).get("causes", ())
    return error.code == 403 and any(cause.get("reason") == "NamespaceTerminating" for cause in causes)
