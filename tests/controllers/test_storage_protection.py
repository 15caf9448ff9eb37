"""Claims and volumes in use stay until nothing uses them."""

import asyncio

from corral.controllers.actions import Update
from corral.controllers.storage_protection import claims_of, plan
from corral.testing.control import running_control
from corral.testing.objects import ago, meta, pod
from corral.testing.server import running_server


def claim(**metadata):
    metadata = {"finalizers": ["example.com/other", "kubernetes.io/pvc-protection"], **metadata}
    return {"kind": "PersistentVolumeClaim", "apiVersion": "v1", "metadata": meta("data", **metadata), "spec": {}}


def test_a_claim_that_nobody_deletes_keeps_its_finalizer():
    assert plan("persistentvolumeclaims", claim(), in_use=False) == []


def test_a_claim_in_use_waits():
    assert plan("persistentvolumeclaims", claim(deletionTimestamp=ago(1)), in_use=True) == []


def test_the_finalizers_of_others_stay():
    (action,) = plan("persistentvolumeclaims", claim(deletionTimestamp=ago(1)), in_use=False)
    assert isinstance(action, Update)
    assert action.object["metadata"]["finalizers"] == ["example.com/other"]


def test_only_pods_on_a_node_that_have_not_ended_use_claims():
    user = pod("a")
    user["spec"] |= {
        "nodeName": "n1",
        "volumes": [{"name": "v", "persistentVolumeClaim": {"claimName": "data"}}, {"name": "e", "ephemeral": {}}],
    }
    namespace = user["metadata"]["namespace"]
    assert claims_of(user) == [f"{namespace}/data", f"{namespace}/a-e"]
    assert claims_of({**user, "status": {"phase": "Succeeded"}}) == []
    assert claims_of({**user, "spec": {**user["spec"], "nodeName": ""}}) == []


async def _until_gone(control, resource):
    await control.until(lambda: not control.objects(resource))


def test_a_deleted_claim_and_volume_go(tmp_path):
    async def story():
        async with running_server(tmp_path) as server, running_control(server) as control:
            spec = {"accessModes": ["ReadWriteOnce"], "storageClassName": ""}
            await control.client.create(
                "persistentvolumes",
                {
                    "metadata": {"name": "disk"},
                    "spec": {**spec, "capacity": {"storage": "1Gi"}, "hostPath": {"path": "/tmp"}},
                },
            )
            await control.client.create(
                "persistentvolumeclaims",
                {
                    "metadata": {"name": "data", "namespace": "default"},
                    "spec": {**spec, "resources": {"requests": {"storage": "1Gi"}}},
                },
            )
            await control.client.delete("persistentvolumeclaims", "data", "default")
            await control.client.delete("persistentvolumes", "disk")
            await _until_gone(control, "persistentvolumeclaims")
            await _until_gone(control, "persistentvolumes")

    asyncio.run(story())
