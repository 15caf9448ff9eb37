"""Makes an APIService for each group version of custom resources, and takes it away with the last of their definitions.

As the reference's autoregister controller does; those that people made themselves are left alone.
"""

from collections.abc import Iterable

from corral.api.objects import Key, Object
from corral.base.clock import Clock
from corral.client.client import Client
from corral.loop.controller import Controller
from corral.server.aggregation.backends import API_SERVICES, CUSTOM_PRIORITY
from corral.server.cache import Cache
from corral.server.changes import Change
from corral.server.customresources import DEFINITIONS

MANAGED = "kube-aggregator.kubernetes.io/automanaged"


def wanted(name: str, definitions: Iterable[Object]) -> Object | None:
    """The APIService called `name` (`v1.example.com`), None where no definition has that group version."""
    version, _, group = name.partition(".")
    for definition in definitions:
        spec = definition["spec"]
        if spec["group"] == group and any(one["name"] == version and one.get("served") for one in spec["versions"]):
            group_priority, version_priority = CUSTOM_PRIORITY
            return {
                "kind": "APIService",
                "apiVersion": "apiregistration.k8s.io/v1",
                "metadata": {"name": name, "labels": {MANAGED: "true"}},
                "spec": {
                    "group": group,
                    "version": version,
                    "groupPriorityMinimum": group_priority,
                    "versionPriority": version_priority,
                },
            }
    return None


def is_managed(api_service: Object) -> bool:
    """Whether it was made here."""
    return (api_service["metadata"].get("labels") or {}).get(MANAGED) == "true"


def build(cache: Cache, client: Client, clock: Clock) -> Controller:
    """The controller; its keys are names of APIServices."""
    definitions, api_services = cache.collection(DEFINITIONS), cache.collection(API_SERVICES)

    async def reconcile(key: Key) -> float | None:
        want = wanted(key.name, (item.object for item in definitions.list()))
        found = api_services.get("", key.name)
        if found is None:
            if want is not None:
                await client.create(API_SERVICES, want)
            return None
        present = found.object
        if not is_managed(present):
            return None
        if want is None:
            await client.delete(API_SERVICES, key.name, uid=present["metadata"]["uid"])
        elif present["spec"] != want["spec"]:
            await client.update(API_SERVICES, {**present, "spec": want["spec"]})
        return None

    controller = Controller("autoregister", reconcile, clock=clock)

    def of_definition(definition: Object) -> None:
        for version in definition["spec"]["versions"]:
            controller.queue.add(Key("", f"{version['name']}.{definition['spec']['group']}"))

    def definition_changed(change: Change) -> None:
        for item in (change.old, change.new):
            if item is not None:
                of_definition(item.object)

    def api_service_changed(change: Change) -> None:
        if change.old is not None and is_managed(change.old.object):
            controller.queue.add(Key("", change.old.name))

    for item in definitions.list():
        of_definition(item.object)
    for item in api_services.list():
        if is_managed(item.object):
            controller.queue.add(Key("", item.name))
    definitions.listen(definition_changed)
    api_services.listen(api_service_changed)
    return controller
