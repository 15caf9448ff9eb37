"""Which pod goes first, which is not taken, and what they are told."""

import pytest

from corral.node.pressure.eviction import evicted, has_limits, message, over_limit, ranked, refusal
from corral.node.pressure.signals import Reading
from corral.node.pressure.thresholds import DISK, HARD, MEMORY
from corral.node.pressure.usage import Usage
from corral.testing.podstate import container, new_pod

MIB = 1 << 20


def pod(name, memory="", priority=0, **spec):
    resources = {"requests": {"memory": memory}} if memory else {}
    made = new_pod(container("c", resources=resources), priority=priority, **spec)
    return {**made, "metadata": {**made["metadata"], "name": name, "uid": name}}


def order(pods, used):
    usages = {name: Usage(memory={"c": mib * MIB}) for name, mib in used.items()}
    return [p["metadata"]["name"] for p in ranked(pods, usages, "memory")]


def test_who_uses_more_than_it_asked_for_goes_before_who_does_not():
    pods = [pod("modest", "100Mi"), pod("greedy", "10Mi"), pod("asked-nothing")]
    assert order(pods, {"modest": 90, "greedy": 20, "asked-nothing": 1}) == ["greedy", "asked-nothing", "modest"]


def test_then_the_least_important_then_the_greediest():
    pods = [pod("important", priority=10), pod("small"), pod("large")]
    assert order(pods, {"important": 500, "small": 1, "large": 100}) == ["large", "small", "important"]


def test_what_the_cluster_needs_stays():
    assert order([pod("dns", priority=2_000_000_000)], {"dns": 10}) == []


def test_a_pod_is_told_what_the_node_lacked_and_what_it_used():
    text = message(pod("p", "10Mi"), Usage(memory={"c": 20 * MIB}), HARD[0], Reading(96 * MIB, 1 << 33))
    assert text == (
        "The node was low on resource: memory. Threshold quantity: 100Mi, available: 96Mi. "
        "Container c was using 20Mi, request is 10Mi, has larger consumption of memory. "
    )
    halt = evicted(text)
    assert (halt.reason, halt.grace_s, halt.disrupted) == ("Evicted", 1.0, True)


STORAGE = {"resources": {"limits": {"ephemeral-storage": "2Mi"}}}


@pytest.mark.parametrize(
    ("fields", "volumes", "usage", "told"),
    [
        ({}, [{"name": "e", "emptyDir": {"sizeLimit": "1Mi"}}], Usage(volumes={"e": 2 * MIB}), 'Usage of EmptyDir volume "e" exceeds the limit "1Mi". '),
        ({}, [{"name": "e", "emptyDir": {"sizeLimit": "1Mi"}}], Usage(volumes={"e": MIB}), ""),
        ({}, [{"name": "e", "emptyDir": {"sizeLimit": "1Mi", "medium": "Memory"}}], Usage(volumes={"e": 2 * MIB}), ""),
        (STORAGE, [{"name": "e", "emptyDir": {}}], Usage(disk={"c": MIB}, volumes={"e": 2 * MIB}), "Pod ephemeral local storage usage exceeds the total limit of containers 2Mi. "),
        (STORAGE, [], Usage(disk={"c": 2 * MIB}), ""),
        ({}, [], Usage(disk={"c": 1 << 40}), ""),
    ],
)  # fmt: skip
def test_who_uses_more_of_the_disk_than_it_said_goes(fields, volumes, usage, told):
    assert over_limit(new_pod(container("c", **fields), volumes=volumes), usage) == told


def test_a_container_has_a_limit_of_its_own():
    two = new_pod(container("c", **STORAGE), container("d", resources={"limits": {"ephemeral-storage": "9Mi"}}))
    assert over_limit(two, Usage(disk={"c": 3 * MIB})) == 'Container c exceeded its local ephemeral storage limit "2Mi". '


def test_who_limits_nothing_need_not_be_measured():
    assert not has_limits(new_pod(volumes=[{"name": "e", "emptyDir": {}}]))
    assert has_limits(new_pod(volumes=[{"name": "e", "emptyDir": {"sizeLimit": "1Mi"}}])) and has_limits(
        new_pod(container("c", **STORAGE))
    )


TOLERATES = {"tolerations": [{"key": "node.kubernetes.io/memory-pressure", "operator": "Exists"}]}


@pytest.mark.parametrize(
    ("given", "conditions", "taken"),
    [
        (pod("p"), set(), True),
        (pod("p"), {MEMORY}, False),
        (pod("p", "1Mi"), {MEMORY}, True),
        (pod("p", **TOLERATES), {MEMORY}, True),
        (pod("p", "1Mi"), {DISK}, False),
        (pod("p", **TOLERATES), {DISK, MEMORY}, False),
        (pod("p", priority=2_000_000_000), {DISK, MEMORY}, True),
    ],
)
def test_a_node_under_pressure_takes_only_some(given, conditions, taken):
    halt = refusal(given, conditions)
    assert (halt is None) == taken
    if halt is not None:
        assert halt.message == f"Pod was rejected: The node had condition: [{' '.join(sorted(conditions))}]. "
