"""Folders that live as long as their pod: on disk and in memory, for root and for others, shared by containers."""

from typing import Any

import pytest
from tests.conformance.pods import FOREVER, NodeCluster, Pods, pod
from tests.waiting import eventually

from corral.node.mounts import filesystem_magic

Object = dict[str, Any]

MODES = ("644", "666", "777")
MEDIA = {"default": "", "tmpfs": "Memory"}
USERS = {"root": 0, "non-root": 1001}
TMPFS_MAGIC = 0x01021994
#: Says what kind of filesystem (a hexadecimal number) holds /v/MEDIUM and with which mode, and makes a file of each mode there: its
#: mode, owner and content.
MAKE = """
for m in default tmpfs; do
  echo "folder $m $(stat -fc %t /v/$m) $(stat -c %a /v/$m)"
  for p in 644 666 777; do
    f=/v/$m/$p; echo content > $f; chmod $p $f; echo "file $m $(stat -c '%a %u' $f) $(cat $f)"
  done
done
"""


def volumes(media: dict[str, str]) -> list[Object]:
    """A volume for each medium."""
    return [{"name": name, "emptyDir": {"medium": medium} if medium else {}} for name, medium in media.items()]


@pytest.fixture(scope="module")
def said(shared_pods: Pods) -> dict[str, list[list[str]]]:
    """By user, the words of each line."""
    mounts = [{"name": name, "mountPath": f"/v/{name}"} for name in MEDIA]
    for name, uid in USERS.items():
        container = {"command": ["sh", "-c", MAKE], "volumeMounts": mounts, "securityContext": {"runAsUser": uid}}
        shared_pods.start(pod(name, container, volumes=volumes(MEDIA)))
    return {name: [line.split() for line in shared_pods.output(name).splitlines()] for name in USERS}


def test_files_keep_the_mode_that_a_user_gives_them(said: dict[str, list[list[str]]]) -> None:
    """[sig-storage] EmptyDir volumes should support (non-root,0644,default) [LinuxOnly] [NodeConformance] [Conformance]
    [sig-storage] EmptyDir volumes should support (non-root,0644,tmpfs) [LinuxOnly] [NodeConformance] [Conformance]
    [sig-storage] EmptyDir volumes should support (non-root,0666,default) [LinuxOnly] [NodeConformance] [Conformance]
    [sig-storage] EmptyDir volumes should support (non-root,0666,tmpfs) [LinuxOnly] [NodeConformance] [Conformance]
    [sig-storage] EmptyDir volumes should support (non-root,0777,default) [LinuxOnly] [NodeConformance] [Conformance]
    [sig-storage] EmptyDir volumes should support (non-root,0777,tmpfs) [LinuxOnly] [NodeConformance] [Conformance]
    [sig-storage] EmptyDir volumes should support (root,0644,default) [LinuxOnly] [NodeConformance] [Conformance]
    [sig-storage] EmptyDir volumes should support (root,0644,tmpfs) [LinuxOnly] [NodeConformance] [Conformance]
    [sig-storage] EmptyDir volumes should support (root,0666,default) [LinuxOnly] [NodeConformance] [Conformance]
    [sig-storage] EmptyDir volumes should support (root,0666,tmpfs) [LinuxOnly] [NodeConformance] [Conformance]
    [sig-storage] EmptyDir volumes should support (root,0777,default) [LinuxOnly] [NodeConformance] [Conformance]
    [sig-storage] EmptyDir volumes should support (root,0777,tmpfs) [LinuxOnly] [NodeConformance] [Conformance]
    """
    for user, uid in USERS.items():
        files = [words[1:] for words in said[user] if words[0] == "file"]
        assert files == [[medium, mode, str(uid), "content"] for medium in MEDIA for mode in MODES]


def test_the_folder_is_everybodys(running_cluster: NodeCluster, said: dict[str, list[list[str]]]) -> None:
    """[sig-storage] EmptyDir volumes volume on default medium should have the correct mode [LinuxOnly] [NodeConformance] [Conformance]
    [sig-storage] EmptyDir volumes volume on tmpfs should have the correct mode [LinuxOnly] [NodeConformance] [Conformance]
    """
    media = {"default": filesystem_magic(running_cluster.data_dir), "tmpfs": TMPFS_MAGIC}
    for user in USERS:
        folders = [words[1:] for words in said[user] if words[0] == "folder"]
        assert folders == [[medium, f"{magic:x}", "777"] for medium, magic in media.items()]


def test_containers_share_it(pods: Pods) -> None:
    """[sig-storage] EmptyDir volumes pod should support shared volumes between containers [Conformance]"""
    mount = [{"name": "v", "mountPath": "/v"}]
    reader = {"name": "reader", "command": FOREVER, "volumeMounts": mount}
    writer = {"name": "writer", "command": ["sh", "-c", "echo Hello > /v/shared; sleep 600"], "volumeMounts": mount}
    pods.start(pod("p", reader, writer, volumes=[{"name": "v", "emptyDir": {}}]))
    pods.ready("p")
    eventually(lambda: pods.exec("p", "sh", "-c", "cat /v/shared || true", container="reader") == "Hello\n")


def test_what_is_in_memory_is_no_larger_than_asked(pods: Pods) -> None:
    mount = [{"name": "v", "mountPath": "/v"}]
    script = "dd if=/dev/zero of=/v/file bs=1M count=3 2>/dev/null; echo $? $(stat -c %s /v/file)"
    volume = {"name": "v", "emptyDir": {"medium": "Memory", "sizeLimit": "2Mi"}}
    pods.start(pod("p", {"command": ["sh", "-c", script], "volumeMounts": mount}, volumes=[volume]))
    assert pods.output("p") == f"1 {2 << 20}\n"


def test_volumes_of_other_kinds_beside_it(pods: Pods) -> None:
    """[sig-storage] EmptyDir wrapper volumes should not conflict [Conformance]"""
    pods.create("secrets", {"metadata": {"name": "s"}, "stringData": {"data-1": "secret"}})
    pods.create("configmaps", {"metadata": {"name": "c"}, "data": {"data-1": "config"}})
    made = [{"name": "s", "secret": {"secretName": "s"}}, {"name": "c", "configMap": {"name": "c"}}, *volumes(MEDIA)]
    mounts = [{"name": volume["name"], "mountPath": f"/v/{volume['name']}"} for volume in made]
    pods.start(
        pod(
            "p",
            {"command": ["sh", "-c", "cat /v/s/data-1 /v/c/data-1; ls -A /v/default /v/tmpfs"], "volumeMounts": mounts},
            volumes=made,
        )
    )
    assert pods.output("p").startswith("secretconfig")


def test_many_config_maps_in_many_pods_at_once(pods: Pods) -> None:
    """[sig-storage] EmptyDir wrapper volumes should not cause race condition when used for configmaps [Serial] [Conformance]"""
    names = [f"m{i}" for i in range(50)]
    for name in names:
        pods.create("configmaps", {"metadata": {"name": name}, "data": {"data-1": f"value of {name}"}})
    made = [{"name": name, "configMap": {"name": name, "items": [{"key": "data-1", "path": "data"}]}} for name in names]
    mounts = [{"name": name, "mountPath": f"/etc/{name}"} for name in names]
    container = {"command": ["sh", "-c", "cat /etc/m*/data"], "volumeMounts": mounts}
    pods.start(*(pod(f"p{i}", container, volumes=made) for i in range(5)))
    for i in range(5):
        assert pods.output(f"p{i}") == "".join(f"value of {name}" for name in sorted(names))
