"""The chain of plugins, and what they all need: which writes they want to see, and how they refuse."""

from collections.abc import Awaitable, Sequence

from corral.api import errors
from corral.api.errors import ApiError
from corral.server.request import Admission


class Plugin:
    """One plugin. Only what differs is overridden; both methods may be `async def` (or return an awaitable)."""

    #: `pods`, `deployments.apps`, ...; None for all.
    resources: frozenset[str] | None = None
    operations: frozenset[str] = frozenset({"CREATE", "UPDATE"})

    def admit(self, admission: Admission) -> Awaitable[None] | None:
        """Change `admission.object`, in place, or refuse. Raises ApiError."""
        return None

    def validate(self, admission: Admission) -> Awaitable[None] | None:
        """Refuse what must not be. Raises ApiError."""
        return None


class AdmissionChain:
    """Plugins in their order. `mutate` runs before the kind's rules validate, `validate` after."""

    def __init__(self, plugins: Sequence[Plugin]) -> None:
        self.plugins = tuple(plugins)
        self._admitting: dict[tuple[str, str], tuple[Plugin, ...]] = {}
        self._validating: dict[tuple[str, str], tuple[Plugin, ...]] = {}

    async def mutate(self, admission: Admission) -> None:
        """Let every plugin change the object; once more where a webhook or policy has changed it. Raises ApiError."""
        key = (admission.resource.group_resource, admission.operation)
        plugins = self._admitting.get(key)
        if plugins is None:
            plugins = self._admitting[key] = self._interested(key, "admit")
        for plugin in plugins:
            pending = plugin.admit(admission)
            if pending is not None:
                await pending
        if admission.changed_again:
            admission.rounds.number, admission.rounds.again = 1, False
            for plugin in plugins:
                pending = plugin.admit(admission)
                if pending is not None:
                    await pending

    async def judge(self, admission: Admission) -> None:
        """Both at once, for requests that write no object of their own kind. Raises ApiError."""
        await self.mutate(admission)
        await self.validate(admission)

    async def validate(self, admission: Admission) -> None:
        """Let every plugin judge the object. Raises ApiError."""
        key = (admission.resource.group_resource, admission.operation)
        plugins = self._validating.get(key)
        if plugins is None:
            plugins = self._validating[key] = self._interested(key, "validate")
        for plugin in plugins:
            pending = plugin.validate(admission)
            if pending is not None:
                await pending

    def _interested(self, key: tuple[str, str], method: str) -> tuple[Plugin, ...]:
        group_resource, operation = key
        base = getattr(Plugin, method)
        return tuple(
            plugin
            for plugin in self.plugins
            if operation in plugin.operations
            and (plugin.resources is None or group_resource in plugin.resources)
            and getattr(type(plugin), method) is not base
        )


def name_of(admission: Admission) -> str:
    """What a refusal calls the object: its name, or the prefix that its name will have."""
    if admission.request.name:
        return admission.request.name
    meta = (admission.object or {}).get("metadata") or {}
    return str(meta.get("name") or meta.get("generateName") or "Unknown/errorGettingName")


def forbidden(admission: Admission, why: str) -> ApiError:
    """The 403 of a plugin; `why` completes the sentence."""
    resource = admission.resource
    return errors.forbidden(resource.plural, resource.group, name_of(admission), why)
