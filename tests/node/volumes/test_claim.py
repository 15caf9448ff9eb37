"""What a pod's claim leads to on its node."""

import asyncio
import os

import pytest

from corral.api.errors import ApiError
from corral.node.volumes.claim import prepare
from corral.node.volumes.content import VolumeError

POD = {"metadata": {"name": "p", "namespace": "n", "uid": "pod"}, "spec": {}}
MOUNT = {"name": "v", "persistentVolumeClaim": {"claimName": "data"}}
OWN = {"name": "v", "ephemeral": {"volumeClaimTemplate": {}}}


class Api:
    """The API's answers, by hand."""

    def __init__(self, *objects):
        self.objects = {obj["metadata"]["name"]: obj for obj in objects}

    async def get(self, resource, name, namespace=""):
        if name not in self.objects:
            raise ApiError(404, "NotFound", f'{resource} "{name}" not found')
        return self.objects[name]


def claim(name="data", **status):
    meta = {"name": name, "uid": "claim", "annotations": {"pv.kubernetes.io/bind-completed": "yes"}}
    return {"metadata": meta, "spec": {"volumeName": "disk"}, "status": {"phase": "Bound", **status}}


def volume(uid="claim", **source):
    return {"metadata": {"name": "disk"}, "spec": {"claimRef": {"uid": uid}, "capacity": {}, **source}}


def path(*objects, pod=POD, mounted=MOUNT):
    return asyncio.run(prepare(Api(*objects), pod, mounted))


def test_a_local_volume_is_its_folder(tmp_path):
    assert path(claim(), volume(local={"path": str(tmp_path)})) == tmp_path


def test_a_local_volume_belongs_to_the_pods_group(tmp_path):
    (tmp_path / "file").touch()
    group = os.getgid()
    path(claim(), volume(local={"path": str(tmp_path)}), pod={**POD, "spec": {"securityContext": {"fsGroup": group}}})
    assert (tmp_path / "file").stat().st_mode & 0o060 == 0o060
    assert tmp_path.stat().st_mode & 0o2070 == 0o2070


def test_a_pod_has_claims_of_its_own(tmp_path):
    own, its = claim("p-v"), volume(local={"path": str(tmp_path)})
    with pytest.raises(VolumeError, match="was not created for pod n/p"):
        path(own, its, mounted=OWN)
    own["metadata"]["ownerReferences"] = [{"uid": "pod"}]
    assert path(own, its, mounted=OWN) == tmp_path


@pytest.mark.parametrize(
    ("objects", "why"),
    [
        ((), 'PersistentVolumeClaim "data" not found'),
        ((claim(phase="Pending"),), "is not bound"),
        ((claim(), volume("another", local={"path": "/"})), "is bound to another claim"),
        ((claim(), volume(local={"path": "/nonexistent/folder"})), 'path "/nonexistent/folder" does not exist'),
        ((claim(), volume(local={"path": "/etc/passwd"})), "is not a directory"),
        ((claim(), volume(local={"path": "/"}, volumeMode="Block")), "is a block device"),
        ((claim(), volume(nfs={"server": "s", "path": "/"})), r"of a kind that this node cannot mount \(nfs\)"),
    ],
)
def test_what_cannot_be_mounted_says_why(objects, why):
    with pytest.raises(VolumeError, match=why):
        path(*objects)
