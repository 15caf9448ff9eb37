"""The ServiceAccount `default` of every active namespace.

https://kubernetes.io/docs/reference/access-authn-authz/service-accounts-admin/#serviceaccount-controller
"""

from corral.api.objects import Key, Object
from corral.client.client import Client
from corral.client.informer import Informers
from corral.controllers.actions import Action, Actor, Create
from corral.loop.controller import Controller

NAME = "default"


def plan(namespace: Object | None, account: Object | None) -> list[Action]:
    """Make the account where an active namespace has none."""
    if namespace is None or account is not None or namespace["metadata"].get("deletionTimestamp"):
        return []
    name = namespace["metadata"]["name"]
    metadata = {"name": NAME, "namespace": name}
    return [Create("serviceaccounts", {"kind": "ServiceAccount", "apiVersion": "v1", "metadata": metadata})]


def build(client: Client, informers: Informers) -> Controller:
    """The controller; its keys are namespaces."""
    namespaces, accounts = informers.get("namespaces"), informers.get("serviceaccounts")
    actor = Actor(client)

    async def reconcile(key: Key) -> float | None:
        return await actor.act(plan(namespaces.get("", key.name), accounts.get(key.name, NAME)))

    controller = Controller("serviceaccount", reconcile)
    controller.watch(namespaces)
    controller.watch(accounts, lambda account: [Key("", account["metadata"]["namespace"])])
    return controller
