"""The ConfigMap `kube-root-ca.crt` of every namespace: with it, pods check the API server's certificate.

https://kubernetes.io/docs/reference/access-authn-authz/service-accounts-admin/#bound-service-account-token-volume
"""

from corral.api.objects import Key, Object
from corral.client.client import Client
from corral.client.informer import Informers
from corral.controllers.actions import Action, Actor, Create, Update
from corral.loop.controller import Controller

NAME = "kube-root-ca.crt"
DESCRIPTION_KEY = "kubernetes.io/description"
DESCRIPTION = (
    "Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the internal "
    "service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes clusters."
)


def plan(namespace: Object | None, config_map: Object | None, root_ca: str) -> list[Action]:
    """Make the map, or put back what somebody changed in it. `root_ca` is PEM."""
    if namespace is None or namespace["metadata"].get("deletionTimestamp"):
        return []
    data = {"ca.crt": root_ca}
    if config_map is None:
        metadata = {"name": NAME, "namespace": namespace["metadata"]["name"], "annotations": {DESCRIPTION_KEY: DESCRIPTION}}
        return [Create("configmaps", {"kind": "ConfigMap", "apiVersion": "v1", "metadata": metadata, "data": data})]
    annotations = config_map["metadata"].get("annotations", {})
    if config_map.get("data") == data and annotations.get(DESCRIPTION_KEY) == DESCRIPTION:
        return []
    metadata = {**config_map["metadata"], "annotations": {**annotations, DESCRIPTION_KEY: DESCRIPTION}}
    return [Update("configmaps", {**config_map, "metadata": metadata, "data": data})]


def build(client: Client, informers: Informers, root_ca: str) -> Controller:
    """The controller; its keys are namespaces."""
    namespaces, config_maps = informers.get("namespaces"), informers.get("configmaps")
    actor = Actor(client)

    async def reconcile(key: Key) -> float | None:
        return await actor.act(plan(namespaces.get("", key.name), config_maps.get(key.name, NAME), root_ca))

    def of_map(config_map: Object) -> list[Key]:
        meta = config_map["metadata"]
        return [Key("", meta["namespace"])] if meta["name"] == NAME else []

    controller = Controller("root-ca", reconcile)
    controller.watch(namespaces)
    controller.watch(config_maps, of_map)
    return controller
