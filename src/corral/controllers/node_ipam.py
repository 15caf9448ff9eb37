"""Gives each node its range of pod addresses (`spec.podCIDR`) out of the cluster's.

https://kubernetes.io/docs/concepts/architecture/nodes/#node-controller
"""

import ipaddress
from collections.abc import Iterable

from corral.api.objects import Key, Object
from corral.base.clock import Clock
from corral.client.client import Client
from corral.client.events import Recorder
from corral.client.informer import Change, Informers
from corral.controllers.actions import Action, Actor, Note, Patch
from corral.loop.controller import Controller

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

#: Prefix lengths of a node's range, by IP version.
NODE_PREFIXES = {4: 24, 6: 64}


def plan(node: Object, networks: Iterable[Network], taken: set[str]) -> list[Action]:
    """The range for a node that has none: the first of each cluster network that is not `taken`."""
    if node["spec"].get("podCIDRs") or node["spec"].get("podCIDR") or node["metadata"].get("deletionTimestamp"):
        return []
    chosen = []
    for network in networks:
        prefix = max(NODE_PREFIXES[network.version], network.prefixlen)
        free = next((str(subnet) for subnet in network.subnets(new_prefix=prefix) if str(subnet) not in taken), "")
        if not free:
            name = node["metadata"]["name"]
            return [Note(node, "Normal", "CIDRNotAvailable", f"Node {name} status is now: CIDRNotAvailable")]
        chosen.append(free)
    key = Key("", node["metadata"]["name"])
    return [Patch("nodes", key, {"spec": {"podCIDR": chosen[0], "podCIDRs": chosen}}, "strategic")] if chosen else []


def build(client: Client, informers: Informers, clock: Clock, cluster_cidrs: Iterable[str]) -> Controller:
    """The controller; its keys are nodes. One worker: two must not choose at once."""
    networks = [ipaddress.ip_network(cidr) for cidr in cluster_cidrs]
    recorder = Recorder(client, "cidrAllocator", clock)
    actor = Actor(client, recorder)
    nodes = informers.get("nodes")
    taken: dict[str, list[str]] = {}

    def remember(change: Change) -> None:
        if change.new is None:
            taken.pop(change.key.name, None)
        elif change.object["spec"].get("podCIDRs"):
            taken[change.key.name] = change.object["spec"]["podCIDRs"]

    async def reconcile(key: Key) -> float | None:
        node = nodes.get(*key)
        if node is None or key.name in taken:
            return None
        actions = plan(node, networks, {cidr for cidrs in taken.values() for cidr in cidrs})
        again_s = await actor.act(actions)
        for action in actions:
            if isinstance(action, Patch) and isinstance(action.patch, dict):
                taken[key.name] = action.patch["spec"]["podCIDRs"]  # Until the informer shows it.
        return again_s

    nodes.listen(remember)
    controller = Controller("node-ipam-controller", reconcile, workers=1, clock=clock, companions=(recorder.run,))
    controller.watch(nodes)
    return controller
