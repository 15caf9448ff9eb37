"""Whom a container runs as, what it may do, and which namespaces it shares with the host."""

from pathlib import Path
from typing import Any

from tests.conformance.pods import Pods, pod, shell, status_of
from tests.waiting import eventually

SEE = "id -u; id -g; grep -E '^(NoNewPrivs|Seccomp|CapEff|Groups):' /proc/self/status"


def seen(text: str) -> dict[str, str]:
    """uid, gid and the fields of /proc/self/status."""
    uid, gid, *fields = text.splitlines()
    return {"uid": uid, "gid": gid} | {name: value.strip() for name, _, value in (f.partition(":") for f in fields)}


def test_users_and_groups(pods: Pods) -> None:
    """[sig-node] Security Context When creating a container with runAsUser should run the container with uid 65534 [LinuxOnly] [NodeConformance] [Conformance]
    [sig-node] Security Context should support container.SecurityContext.RunAsUser And container.SecurityContext.RunAsGroup [LinuxOnly] [Conformance]
    [sig-node] Security Context should support pod.Spec.SecurityContext.RunAsUser And pod.Spec.SecurityContext.RunAsGroup [LinuxOnly] [Conformance]
    """
    own: dict[str, Any] = {"runAsUser": 1001, "runAsGroup": 2002}
    whole = {"runAsUser": 1002, "runAsGroup": 2003, "supplementalGroups": [50, 60], "fsGroup": 70}
    mount = {"volumeMounts": [{"name": "v", "mountPath": "/v"}]}
    pods.start(
        pod("own", shell(SEE, securityContext=own), shell(SEE, securityContext={"runAsUser": 65534})),
        pod(
            "whole",
            shell(SEE),
            shell(SEE, securityContext=own),
            shell("touch /v/f; stat -c '%a %g' /v /v/f", **mount),
            securityContext=whole,
            volumes=[{"name": "v", "emptyDir": {}}],
        ),
        pod("root", "true", securityContext={"runAsNonRoot": True}),
    )
    found = seen(pods.output("own", "c"))
    assert (found["uid"], found["gid"]) == ("1001", "2002")
    assert seen(pods.output("own", "c1"))["uid"] == "65534"
    found = seen(pods.output("whole", "c"))
    assert (found["uid"], found["gid"], set(found["Groups"].split())) == ("1002", "2003", {"50", "60", "70", "2003"})
    found = seen(pods.output("whole", "c1"))
    assert (found["uid"], found["gid"], {"50", "60", "70"} <= set(found["Groups"].split())) == ("1001", "2002", True)
    assert pods.output("whole", "c2").split() == ["2777", "70", "644", "70"]
    refused = pods.until_pod(
        "root", lambda p: "waiting" in status_of(p).get("state", {}) and status_of(p)["state"]["waiting"].get("message")
    )
    waiting = status_of(refused)["state"]["waiting"]
    assert waiting["reason"] == "CreateContainerConfigError"
    assert waiting["message"].startswith("container has runAsNonRoot and image will run as root")


def test_privileges(pods: Pods) -> None:
    """[sig-node] Security Context When creating a pod with privileged should run the container as unprivileged when false [LinuxOnly] [NodeConformance] [Conformance]
    [sig-node] Security Context when creating containers with AllowPrivilegeEscalation should not allow privilege escalation when false [LinuxOnly] [NodeConformance] [Conformance]
    """
    link = "ip link add dummy1 type dummy 2>&1; "
    contexts: dict[str, dict[str, Any]] = {
        "unprivileged": {"privileged": False},
        "privileged": {"privileged": True},
        "no-escalation": {"allowPrivilegeEscalation": False, "runAsUser": 1000},
        "escalation": {"allowPrivilegeEscalation": True, "runAsUser": 1000},
        "unset": {"runAsUser": 1000},
        "caps": {"capabilities": {"drop": ["ALL"], "add": ["NET_ADMIN"]}},
        "filtered": {"seccompProfile": {"type": "RuntimeDefault"}},
        "unfiltered": {"seccompProfile": {"type": "Unconfined"}},
    }
    pods.start(
        pod("p", *({"name": n, **shell(link * (i < 2) + SEE, securityContext=c)} for i, (n, c) in enumerate(contexts.items())))
    )
    assert "Operation not permitted" in pods.output("p", "unprivileged")
    assert "Operation not permitted" not in pods.output("p", "privileged")
    facts = {name: seen(pods.output("p", name)) for name in list(contexts)[2:]}
    assert facts["no-escalation"]["uid"] == "1000"
    assert [facts[n]["NoNewPrivs"] for n in ("no-escalation", "escalation", "unset")] == ["1", "0", "0"]
    assert int(facts["caps"]["CapEff"], 16) == 1 << 12
    assert (facts["filtered"]["Seccomp"], facts["unfiltered"]["Seccomp"]) == ("2", "0")


def test_sysctls(pods: Pods) -> None:
    """[sig-node] Sysctls [LinuxOnly] [NodeConformance] should support sysctls [Environment:NotInUserNS] [Conformance]"""
    safe = [{"name": "kernel.shm_rmid_forced", "value": "1"}, {"name": "net/ipv4/ip_unprivileged_port_start", "value": "81"}]
    show = "sysctl kernel.shm_rmid_forced; cat /proc/sys/net/ipv4/ip_unprivileged_port_start"
    unsafe = [{"name": "kernel.msgmax", "value": "10000000000"}]
    pods.start(
        pod("safe", show, securityContext={"sysctls": safe}),
        pod("unsafe", "true", securityContext={"sysctls": unsafe}),
    )
    assert pods.output("safe") == "kernel.shm_rmid_forced = 1\n81\n"
    refused = pods.ended("unsafe")["status"]
    assert (refused["phase"], refused["reason"]) == ("Failed", "SysctlForbidden")
    assert "containerStatuses" not in refused


def test_namespaces_of_the_host(pods: Pods) -> None:
    """hostPID, hostIPC and hostNetwork are the host's; else they are the pod's, but for processes, which each container has of its own.

    With shareProcessNamespace the containers of a pod see each other's too.
    """
    show = "for n in ipc net uts; do readlink /proc/self/ns/$n; done; cat /proc/1/comm; true"
    pods.start(
        pod("own", show, show),
        pod("host", show, hostPID=True, hostIPC=True, hostNetwork=True),
        pod("shared", show, show, shareProcessNamespace=True),
    )

    def of(name: str, container: str = "c") -> list[str]:
        return pods.output(name, container).splitlines()

    own, other, host, shared, sharing = of("own"), of("own", "c1"), of("host"), of("shared"), of("shared", "c1")
    assert own == other and own[3] == "sh"
    assert not set(own[:2]) & set(host[:2])
    assert shared == sharing and shared[3] == "pause"
    assert host[3] == Path("/proc/1/comm").read_text().strip()


def test_users_of_its_own_are_not_denied_to_a_pod_in_silence(pods: Pods) -> None:
    """A pod that asks for a user namespace (KEP-127) does not run with the host's users instead."""
    pods.start(pod("p", "true", hostUsers=False))
    said = eventually(lambda: [e["message"] for e in pods.events("p") if e["reason"] == "FailedCreatePodSandBox"])
    assert "runtime does not support user namespaces" in said[0]
    assert pods.get("pods/p")["status"]["phase"] == "Pending"


def test_what_the_runtime_cannot_do_is_said(pods: Pods) -> None:
    """Groups that only the pod names (KEP-3619), mounts that are read-only all the way down (KEP-3857): done, or refused."""
    node = pods.get(f"/api/v1/nodes/{pods.cluster.node}")["status"]
    mount = {"name": "v", "mountPath": "/v", "readOnly": True}
    pods.start(
        pod("strict", SEE, securityContext={"supplementalGroupsPolicy": "Strict", "supplementalGroups": [50], "runAsUser": 1}),
        *(
            pod(
                name.lower(),
                shell("true", volumeMounts=[{**mount, "recursiveReadOnly": name}]),
                volumes=[{"name": "v", "emptyDir": {}}],
            )
            for name in ("Enabled", "IfPossible")
        ),
    )
    if node.get("features", {}).get("supplementalGroupsPolicy"):
        assert "50" in seen(pods.output("strict"))["Groups"].split()
    else:
        assert pods.ended("strict")["status"]["reason"] == "SupplementalGroupsPolicyNotSupported"
    possible = any(h["features"]["recursiveReadOnlyMounts"] for h in node.get("runtimeHandlers", ()) if h["name"] == "")
    pods.output("ifpossible")
    done = next(m for m in status_of(pods.get("pods/ifpossible"))["volumeMounts"] if m["name"] == "v")
    assert done["recursiveReadOnly"] == ("Enabled" if possible else "Disabled")
    if possible:
        pods.output("enabled")
    else:
        found = pods.until_pod("enabled", lambda p: status_of(p).get("state", {}).get("waiting", {}).get("message"))
        assert "recursive read-only mount, but it is not supported" in status_of(found)["state"]["waiting"]["message"]
