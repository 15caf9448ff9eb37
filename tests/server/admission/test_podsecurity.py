"""The three levels: what is refused, what is only said."""

from collections.abc import Callable
from typing import Any

import pytest

from corral.api.errors import ApiError
from corral.api.objects import Object
from corral.server.admission.podsecurity import PREFIX, PodSecurity
from corral.server.admission.podstandards import evaluate
from corral.server.lookup import MemoryLookup
from corral.server.request import Admission

Write = Callable[..., Admission]

GOOD: Object = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "runAsNonRoot": True,
    "seccompProfile": {"type": "RuntimeDefault"},
}


def pod(*contexts: Object | None, **spec: Any) -> Object:
    names = "abcd"
    found = [
        {"name": names[i], "image": "x", **({"securityContext": c} if c else {})} for i, c in enumerate(contexts or (None,))
    ]
    return {"metadata": {"name": "p"}, "spec": {"containers": found, **spec}}


def faults(level: str, obj: Object) -> list[str]:
    return [str(f) for f in evaluate(level, 36, obj["metadata"], obj["spec"])]


@pytest.mark.parametrize(
    ("obj", "fault"),
    [
        (pod(hostNetwork=True, hostPID=True), "host namespaces (hostNetwork=true, hostPID=true)"),
        (pod({"privileged": True}, None), 'privileged (container "a" must not set securityContext.privileged=true)'),
        (
            pod({"capabilities": {"add": ["NET_ADMIN", "CHOWN"]}}, {"capabilities": {"add": ["BPF"]}}),
            'non-default capabilities (containers "a", "b" must not include "BPF", "NET_ADMIN" in '
            "securityContext.capabilities.add)",
        ),
        (pod(volumes=[{"name": "v", "hostPath": {"path": "/"}}]), 'hostPath volumes (volume "v")'),
        (
            pod(containers=[{"name": "c", "ports": [{"hostPort": 80}, {"hostPort": 443}]}]),
            'hostPort (container "c" uses hostPorts 443, 80)',
        ),
        (
            pod(containers=[{"name": "c", "livenessProbe": {"httpGet": {"host": "10.0.0.1"}}}]),
            'probe or lifecycle host (container "c" uses probe or lifecycle host "10.0.0.1")',
        ),
        (
            pod({"seccompProfile": {"type": "Unconfined"}}, securityContext={"seccompProfile": {"type": "Unconfined"}}),
            'seccompProfile (pod and container "a" must not set securityContext.seccompProfile.type to "Unconfined")',
        ),
        (
            pod({"seLinuxOptions": {"type": "spc_t", "user": "u"}}),
            'seLinuxOptions (container "a" set forbidden securityContext.seLinuxOptions: type "spc_t"; user may not be set)',
        ),
        (pod(securityContext={"sysctls": [{"name": "kernel.msgmax"}]}), "forbidden sysctls (kernel.msgmax)"),
        (pod({"procMount": "Unmasked"}), 'procMount (container "a" must not set securityContext.procMount to "Unmasked")'),
        (
            pod({"appArmorProfile": {"type": "Unconfined"}}),
            'forbidden AppArmor profile (container "a" must not set AppArmor profile type to "Unconfined")',
        ),
    ],
)
def test_baseline_faults(obj: Object, fault: str) -> None:
    assert faults("baseline", obj) == [fault]
    assert faults("privileged", obj) == []


def test_an_ordinary_pod_is_baseline_but_not_restricted() -> None:
    assert faults("baseline", pod(None, None)) == []
    assert faults("restricted", pod(None, None)) == [
        'allowPrivilegeEscalation != false (containers "a", "b" must set securityContext.allowPrivilegeEscalation=false)',
        'unrestricted capabilities (containers "a", "b" must set securityContext.capabilities.drop=["ALL"])',
        'runAsNonRoot != true (pod or containers "a", "b" must set securityContext.runAsNonRoot=true)',
        'seccompProfile (pod or containers "a", "b" must set securityContext.seccompProfile.type to "RuntimeDefault" or '
        '"Localhost")',
    ]


def test_a_careful_pod_is_restricted() -> None:
    assert faults("restricted", pod(GOOD, volumes=[{"name": "v", "emptyDir": {}}])) == []


def test_restricted_rules_replace_baseline_ones() -> None:
    assert faults("restricted", pod(GOOD, volumes=[{"name": "v", "hostPath": {"path": "/"}}])) == [
        'restricted volume types (volume "v" uses restricted volume type "hostPath")'
    ]


def test_root_is_named() -> None:
    found = faults("restricted", pod({**GOOD, "runAsUser": 0}, securityContext={"runAsUser": 0}))
    assert found == ['runAsUser=0 (pod and container "a" must not set runAsUser=0)']


@pytest.fixture
def lookup() -> MemoryLookup:
    return MemoryLookup()


def label(lookup: MemoryLookup, **levels: str) -> Object:
    labels = {PREFIX + mode: level for mode, level in levels.items()}
    namespace: Object = {"metadata": {"name": "x", "labels": labels}}
    lookup.put("namespaces", namespace)
    return namespace


def test_enforcement_refuses_pods(lookup: MemoryLookup, write: Write) -> None:
    label(lookup, enforce="baseline", warn="restricted")
    admission = write("pods", pod(hostNetwork=True))
    with pytest.raises(ApiError) as refused:
        PodSecurity(lookup).validate(admission)
    assert refused.value.message == (
        'pods "p" is forbidden: violates PodSecurity "baseline:latest": host namespaces (hostNetwork=true)'
    )
    assert admission.request.warnings == []


def test_warnings_and_audit_do_not_refuse(lookup: MemoryLookup, write: Write) -> None:
    label(lookup, warn="baseline", audit="baseline")
    admission = write("pods", pod(hostIPC=True))
    PodSecurity(lookup).validate(admission)
    said = 'would violate PodSecurity "baseline:latest": host namespaces (hostIPC=true)'
    assert admission.request.warnings == [said]
    assert admission.request.annotations[PREFIX + "audit-violations"] == said


def test_templates_are_warned_of_only(lookup: MemoryLookup, write: Write) -> None:
    label(lookup, enforce="baseline", warn="baseline")
    deployment = {"metadata": {"name": "d"}, "spec": {"template": pod(hostPID=True)}}
    admission = write("deployments.apps", deployment)
    PodSecurity(lookup).validate(admission)
    assert admission.request.warnings == ['would violate PodSecurity "baseline:latest": host namespaces (hostPID=true)']


def test_a_change_of_labels_is_not_judged(lookup: MemoryLookup, write: Write) -> None:
    label(lookup, enforce="restricted")
    old = pod()
    PodSecurity(lookup).validate(write("pods", {**old, "metadata": {"name": "p", "labels": {"a": "b"}}}, old))


def test_a_level_that_does_not_exist_is_refused(lookup: MemoryLookup, write: Write) -> None:
    with pytest.raises(ApiError) as refused:
        PodSecurity(lookup).validate(write("namespaces", label(lookup, enforce="bogus")))
    assert refused.value.message == (
        'Namespace "x" is invalid: metadata.labels[pod-security.kubernetes.io/enforce]: Invalid value: "bogus": '
        "must be one of privileged, baseline, restricted"
    )


def test_raising_the_level_names_the_pods_that_are_there(lookup: MemoryLookup, write: Write) -> None:
    for name in ("p2", "p1"):
        lookup.put("pods", {"metadata": {"namespace": "x", "name": name}, "spec": pod(hostPID=True)["spec"]})
    old: Object = {"metadata": {"name": "x"}}
    admission = write("namespaces", label(lookup, enforce="baseline"), old)
    PodSecurity(lookup).validate(admission)
    assert admission.request.warnings == [
        'existing pods in namespace "x" violate the new PodSecurity enforce level "baseline:latest"',
        "p1 (and 1 other pod): host namespaces",
    ]
