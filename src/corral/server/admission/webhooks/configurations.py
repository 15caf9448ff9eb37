"""The cluster's webhooks, compiled when configurations change, and which of them a kind of request concerns."""

from collections.abc import Iterable, Iterator

from msgspec import Struct

from corral.api.objects import Object
from corral.api.resources import Resource
from corral.server.admission.concerned import Concerned
from corral.server.admission.matching import EXEMPT, GROUP, Rule, matched, rules_of
from corral.server.admission.versions import Versions
from corral.server.cache import Collection
from corral.server.request import Admission
from corral.server.webhookclient import Target, target_of

MUTATING = f"mutatingwebhookconfigurations.{GROUP}"
VALIDATING = f"validatingwebhookconfigurations.{GROUP}"
REVIEW_VERSIONS = ("v1", "v1beta1")
DEFAULT_TIMEOUT_S = 10


class Hook(Struct, frozen=True, eq=False):
    """One webhook of a configuration."""

    configuration: str
    name: str
    rules: tuple[Rule, ...]
    target: Target
    #: Another apiVersion of the resource counts as the same.
    equivalent: bool
    namespace_selector: Object
    object_selector: Object
    conditions: tuple[Object, ...]
    #: What becomes of a request that the webhook does not answer: True lets it pass.
    fails_open: bool
    timeout_s: float
    #: It may be called for a dry run.
    dry_runs: bool
    review_version: str
    reinvoked: bool
    #: Tells it from others in what a write remembers.
    uid: str = ""
    #: Its place among all webhooks.
    index: int = 0


def compiled(configurations: Iterable[Object]) -> Iterator[Hook]:
    """The webhooks of configurations, in the order in which they are asked: that of names, then as listed."""
    index = 0
    for configuration in sorted(configurations, key=lambda one: one["metadata"]["name"]):
        name = configuration["metadata"]["name"]
        for i, hook in enumerate(configuration.get("webhooks") or ()):
            versions = hook.get("admissionReviewVersions") or ()
            yield Hook(
                name,
                hook["name"],
                rules_of(hook.get("rules")),
                target_of(hook.get("clientConfig") or {}),
                hook.get("matchPolicy") != "Exact",
                hook.get("namespaceSelector") or {},
                hook.get("objectSelector") or {},
                tuple(hook.get("matchConditions") or ()),
                hook.get("failurePolicy") == "Ignore",
                hook.get("timeoutSeconds") or DEFAULT_TIMEOUT_S,
                hook.get("sideEffects") in ("None", "NoneOnDryRun"),
                next((version for version in versions if version in REVIEW_VERSIONS), ""),
                hook.get("reinvocationPolicy") == "IfNeeded",
                f"{name}/{hook['name']}/{i}",
                index,
            )
            index += 1


class Configurations:
    """The webhooks of one kind of configuration. Where there are none, asking costs a comparison."""

    def __init__(self, configurations: Collection, versions: Versions) -> None:
        self._configurations = configurations
        self._versions = versions
        self._seen = -1
        self._hooks: tuple[Hook, ...] = ()
        self._concerned = Concerned(versions, self._matching)

    def concerned(self, admission: Admission) -> tuple[tuple[Hook, Resource], ...]:
        """The webhooks whose rules match the request, each with the version in which it wants the object."""
        if self._seen != self._configurations.version:
            self._seen = self._configurations.version
            self._hooks = tuple(compiled(item.object for item in self._configurations.list()))
            self._concerned.forget()
        if not self._hooks or admission.resource.group_resource in EXEMPT:
            return ()
        return self._concerned.by(admission)

    def _matching(self, operation: str, resource: Resource, subresource: str) -> Iterator[tuple[Hook, Resource]]:
        for hook in self._hooks:
            others = self._versions.equivalents(resource) if hook.equivalent else ()
            found = next(matched(hook.rules, operation, resource, subresource, others), None)
            if found is not None:
                yield hook, found[0]
