"""What a container runs: the image's command and arguments, or the pod's; what it says, and where it may write."""

from tests.conformance.pods import ENTRY_IMAGE, Pods, pod, shell, status_of
from tests.waiting import eventually


def test_command_and_arguments_are_the_images_or_the_pods(pods: Pods) -> None:
    """[sig-node] Containers should use the image defaults if command and args are blank [NodeConformance] [Conformance]
    [sig-node] Containers should be able to override the image's default arguments (container cmd) [NodeConformance] [Conformance]
    [sig-node] Containers should be able to override the image's default command (container entrypoint) [NodeConformance] [Conformance]
    [sig-node] Containers should be able to override the image's default command and arguments [NodeConformance] [Conformance]
    """
    both = {"command": ["echo", "own"], "args": ["override"]}
    asked = {"defaults": {}, "args": {"args": ["override"]}, "command": {"command": ["echo", "own"]}, "both": both}
    containers = [{"name": name, "image": ENTRY_IMAGE, **fields} for name, fields in asked.items()]
    pods.start(pod("p", *containers))
    assert {name: pods.output("p", name) for name in asked} == {
        "defaults": "entry default arguments\n",
        "args": "entry override\n",
        "command": "own\n",
        "both": "own override\n",
    }


def test_what_a_container_says_is_its_log(pods: Pods) -> None:
    """[sig-node] Kubelet when scheduling a busybox command in a pod should print the output to logs [NodeConformance] [Conformance]"""
    pods.start(pod("p", "echo Hello World; echo trouble >&2"))
    assert sorted(pods.output("p").splitlines()) == ["Hello World", "trouble"]
    assert pods.log("p", stream="Stderr") == "trouble\n"


def test_a_command_that_always_fails_has_a_reason_and_can_be_deleted(pods: Pods) -> None:
    """[sig-node] Kubelet when scheduling a busybox command that always fails in a pod should have an terminated reason [NodeConformance] [Conformance]
    [sig-node] Kubelet when scheduling a busybox command that always fails in a pod should be possible to delete [NodeConformance] [Conformance]
    """
    pods.start(pod("never", {"command": ["false"]}), pod("again", {"command": ["false"]}, restartPolicy="Always"))
    ended = status_of(pods.ended("never"))["state"]["terminated"]
    assert (ended["exitCode"], ended["reason"]) == (1, "Error")
    assert ended["startedAt"] and ended["finishedAt"] and ended["containerID"].startswith("containerd://")
    pods.until_pod("again", lambda p: status_of(p).get("lastState", {}).get("terminated", {}).get("reason") == "Error")
    for name in ("never", "again"):
        pods.delete(f"pods/{name}")
        pods.until_gone(f"pods/{name}")


def test_the_root_is_read_only_where_it_is_asked_for(pods: Pods) -> None:
    """[sig-node] Kubelet when scheduling a read only busybox container should not write to root filesystem [LinuxOnly] [NodeConformance] [Conformance]
    [sig-node] Security Context When creating a pod with readOnlyRootFilesystem should run the container with writable rootfs when readOnlyRootFilesystem=false [NodeConformance] [Conformance]
    """
    script = "echo test > /file; cat /file"
    asked = {str(only).lower(): shell(script, securityContext={"readOnlyRootFilesystem": only}) for only in (True, False)}
    pods.start(pod("p", *({"name": name, **fields} for name, fields in asked.items())))
    pods.ended("p")
    assert "Read-only file system" in pods.log("p", "true") and "test\n" not in pods.log("p", "true")
    assert pods.log("p", "false") == "test\n"


def test_hosts_files_are_the_nodes_work_unless_a_pod_brings_its_own(pods: Pods) -> None:
    """[sig-node] KubeletManagedEtcHosts should test kubelet managed /etc/hosts file [NodeConformance] [Conformance]
    [sig-node] Kubelet when scheduling an agnhost Pod with hostAliases should write entries to /etc/hosts [NodeConformance] [Conformance]
    """
    own = {"name": "own", "volumeMounts": [{"name": "hosts", "mountPath": "/etc/hosts"}]}
    show = {"command": ["cat", "/etc/hosts"]}
    volumes = [{"name": "hosts", "hostPath": {"path": "/etc/hosts", "type": "File"}}]
    aliases = [{"ip": "123.45.67.89", "hostnames": ["foo", "bar"]}, {"ip": "123.45.67.90", "hostnames": ["baz"]}]
    pods.start(
        pod("managed", show, show | own, volumes=volumes, hostAliases=aliases, hostname="named", subdomain="below"),
        pod("host", show, hostNetwork=True, hostAliases=aliases[1:]),
    )
    managed, host = pods.output("managed", "c"), pods.output("host")
    assert managed.startswith("# Kubernetes-managed hosts file.\n")
    assert "\n# Entries added by HostAliases.\n123.45.67.89\tfoo\tbar\n123.45.67.90\tbaz\n" in managed
    ip = pods.get("pods/managed")["status"]["podIP"]
    assert f"{ip}\tnamed.below.{pods.namespace}.svc.cluster.local\tnamed\n" in managed
    assert "# Kubernetes-managed hosts file.\n" not in pods.log("managed", "own") + host
    assert host.startswith("# Kubernetes-managed hosts file (host network).\n") and "123.45.67.90\tbaz\n" in host


def test_a_log_of_a_container_that_was_restarted(pods: Pods) -> None:
    """The log of the run before stays until the one after it has ended; limits count bytes and lines."""
    pods.start(pod("p", "echo one; echo two; exit 1", restartPolicy="OnFailure"))
    pods.until_pod("p", lambda p: status_of(p).get("restartCount") == 1 and "terminated" in status_of(p)["lastState"])
    assert eventually(lambda: pods.log("p", previous="true")) == "one\ntwo\n"
    assert pods.log("p", previous="true", tailLines=1) == "two\n"
    assert pods.log("p", previous="true", limitBytes=5) == "one\nt"
