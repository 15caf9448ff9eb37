"""What every new pod gets, and what it is refused for."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from corral.api.errors import ApiError
from corral.api.objects import Object
from corral.server.admission import default_chain
from corral.server.admission.runtimeclass import RuntimeClass
from corral.server.authorization import Authorizer
from corral.server.lookup import MemoryLookup
from corral.server.request import Admission

Write = Callable[..., Admission]

PRIORITIES = "priorityclasses.scheduling.k8s.io"


@pytest.fixture
def lookup() -> MemoryLookup:
    lookup = MemoryLookup()
    lookup.put("namespaces", {"metadata": {"name": "x"}, "status": {"phase": "Active"}})
    lookup.put("serviceaccounts", {"metadata": {"name": "default", "namespace": "x"}, "imagePullSecrets": [{"name": "pull"}]})
    lookup.put(PRIORITIES, {"metadata": {"name": "high"}, "value": 1000, "preemptionPolicy": "Never"})
    return lookup


def pod(**spec: Any) -> Object:
    return {"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c"}], **spec}}


def admitted(lookup: MemoryLookup, admission: Admission) -> Object:
    async def story() -> None:
        chain = default_chain(lookup, Authorizer(lookup))
        await chain.mutate(admission)
        await chain.validate(admission)

    asyncio.run(story())
    assert admission.object is not None
    spec: Object = admission.object["spec"]
    return spec


def refusal(lookup: MemoryLookup, admission: Admission) -> str:
    with pytest.raises(ApiError) as refused:
        admitted(lookup, admission)
    return refused.value.message


def test_a_pod_gets_account_token_priority_and_tolerations(lookup: MemoryLookup, write: Write) -> None:
    spec = admitted(lookup, write("pods", pod()))
    assert (spec["serviceAccountName"], spec["serviceAccount"]) == ("default", "default")
    assert spec["imagePullSecrets"] == [{"name": "pull"}]
    (volume,) = spec["volumes"]
    assert volume["name"].startswith("kube-api-access-")
    assert spec["containers"][0]["volumeMounts"] == [
        {"name": volume["name"], "readOnly": True, "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount"}
    ]
    assert (spec["priority"], spec["preemptionPolicy"]) == (0, "PreemptLowerPriority")
    assert [t["key"] for t in spec["tolerations"]] == ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"]


def test_a_pod_that_wants_no_token_gets_none(lookup: MemoryLookup, write: Write) -> None:
    assert "volumes" not in admitted(lookup, write("pods", pod(automountServiceAccountToken=False)))


def test_a_mount_at_the_tokens_place_stays(lookup: MemoryLookup, write: Write) -> None:
    mounts = [{"name": "mine", "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount"}]
    spec = admitted(lookup, write("pods", pod(containers=[{"name": "c", "volumeMounts": mounts}])))
    assert spec["containers"][0]["volumeMounts"] == mounts
    assert "volumes" not in spec


def test_a_pods_own_tolerations_stay(lookup: MemoryLookup, write: Write) -> None:
    own = [{"key": "node.kubernetes.io/not-ready", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 5}]
    spec = admitted(lookup, write("pods", pod(tolerations=own)))
    assert spec["tolerations"][0] == own[0]
    assert len(spec["tolerations"]) == 2


def test_a_priority_class_gives_its_number(lookup: MemoryLookup, write: Write) -> None:
    spec = admitted(lookup, write("pods", pod(priorityClassName="high")))
    assert (spec["priority"], spec["preemptionPolicy"]) == (1000, "Never")


def test_the_global_default_class_is_taken(lookup: MemoryLookup, write: Write) -> None:
    lookup.put(PRIORITIES, {"metadata": {"name": "usual"}, "value": 7, "globalDefault": True})
    spec = admitted(lookup, write("pods", pod()))
    assert (spec["priority"], spec["priorityClassName"]) == (7, "usual")


@pytest.mark.parametrize(
    ("spec", "why"),
    [
        ({"serviceAccountName": "gone"}, 'error looking up service account x/gone: serviceaccount "gone" not found'),
        ({"priorityClassName": "gone"}, "no PriorityClass with name gone was found"),
        (
            {"priority": 5},
            "the integer value of priority (5) must not be provided in pod spec; priority admission controller computed 0 from "
            "the given PriorityClass name",
        ),
        ({"runtimeClassName": "gone"}, 'pod rejected: RuntimeClass "gone" not found'),
    ],
)
def test_what_does_not_exist_is_refused(lookup: MemoryLookup, write: Write, spec: Object, why: str) -> None:
    assert refusal(lookup, write("pods", pod(**spec))) == f'pods "p" is forbidden: {why}'


def test_no_namespace_no_object(lookup: MemoryLookup, write: Write) -> None:
    assert refusal(lookup, write("configmaps", {"metadata": {"name": "c"}}, namespace="y")) == 'namespaces "y" not found'


def test_a_namespace_that_goes_takes_nothing_new(lookup: MemoryLookup, write: Write) -> None:
    lookup.put("namespaces", {"metadata": {"name": "x"}, "status": {"phase": "Terminating"}})
    with pytest.raises(ApiError) as refused:
        admitted(lookup, write("configmaps", {"metadata": {"name": "c"}}))
    assert refused.value.message == (
        'configmaps "c" is forbidden: unable to create new content in namespace x because it is being terminated'
    )
    assert refused.value.details is not None
    assert refused.value.details["causes"][0]["reason"] == "NamespaceTerminating"


def test_the_first_namespaces_stay(lookup: MemoryLookup, write: Write) -> None:
    admission = write("namespaces", None, {"metadata": {"name": "kube-system"}}, operation="DELETE")
    assert refusal(lookup, admission) == 'namespaces "kube-system" is forbidden: this namespace may not be deleted'


def test_a_runtime_class_brings_overhead_and_place(write: Write) -> None:
    lookup = MemoryLookup()
    scheduling = {"nodeSelector": {"runtime": "kata"}, "tolerations": [{"key": "kata"}]}
    kata = {"metadata": {"name": "kata"}, "overhead": {"podFixed": {"cpu": "100m"}}, "scheduling": scheduling}
    lookup.put("runtimeclasses.node.k8s.io", kata)
    obj = pod(runtimeClassName="kata", nodeSelector={"zone": "a"})
    RuntimeClass(lookup).admit(write("pods", obj))
    assert obj["spec"]["overhead"] == {"cpu": "100m"}
    assert obj["spec"]["nodeSelector"] == {"zone": "a", "runtime": "kata"}
    assert obj["spec"]["tolerations"] == [{"key": "kata"}]


def test_a_new_node_is_tainted_until_it_is_ready(lookup: MemoryLookup, write: Write) -> None:
    spec = admitted(lookup, write("nodes", {"metadata": {"name": "n"}}))
    assert spec["taints"] == [{"key": "node.kubernetes.io/not-ready", "effect": "NoSchedule"}]


def test_a_claim_gets_the_newest_default_class(lookup: MemoryLookup, write: Write) -> None:
    for name, made in (("old", "2026-01-01T00:00:00Z"), ("new", "2026-02-01T00:00:00Z")):
        annotations = {"storageclass.kubernetes.io/is-default-class": "true"}
        meta = {"name": name, "creationTimestamp": made, "annotations": annotations}
        lookup.put("storageclasses.storage.k8s.io", {"metadata": meta})
    admission = write("persistentvolumeclaims", {"metadata": {"name": "d"}, "spec": {}})
    assert admitted(lookup, admission) == {"storageClassName": "new"}
    assert admission.object is not None
    assert admission.object["metadata"]["finalizers"] == ["kubernetes.io/pvc-protection"]
