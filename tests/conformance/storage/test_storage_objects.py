"""Volumes, claims, classes and drivers as objects."""

from typing import Any

import pytest
from tests.conformance.objects import config_map, pod
from tests.conformance.operations import all_verbs, everywhere, in_discovery, replace
from tests.conformance.rest import MERGE, STRATEGIC, Api

GROUP = "/apis/storage.k8s.io/v1"


@pytest.mark.parametrize(
    ("path", "body"),
    [("configmaps", config_map("x", {"a": "b"})), ("secrets", {"metadata": {"name": "x"}, "data": {"a": "Yg=="}})],
)
def test_immutable(api: Api, path: str, body: dict[str, Any]) -> None:
    """[sig-storage] ConfigMap should be immutable if `immutable` field is set [Conformance]
    [sig-storage] Secrets should be immutable if `immutable` field is set [Conformance]
    """
    api.create(path, body)
    api.patch(f"{path}/x", {"data": {"c": "ZA=="}})
    api.patch(f"{path}/x", {"immutable": True})
    refused = api.refused("PATCH", f"{path}/x", {"data": {"c": "ZQ=="}}, type=MERGE)
    assert refused.code == 422 and "field is immutable when `immutable` is set" in refused.message
    assert api.refused("PATCH", f"{path}/x", {"immutable": False}, type=MERGE).code == 422
    api.patch(f"{path}/x", {"metadata": {"labels": {"still": "possible"}}})
    api.delete(f"{path}/x")


def test_csi_drivers(api: Api) -> None:
    """[sig-storage] CSIInlineVolumes should run through the lifecycle of a CSIDriver [Conformance]"""
    body = {
        "metadata": {"name": f"d.{api.namespace}.example.com"},
        "spec": {"volumeLifecycleModes": ["Ephemeral"], "podInfoOnMount": True, "attachRequired": False},
    }
    all_verbs(api, f"{GROUP}/csidrivers", body)


def test_csi_volumes_of_pods(api: Api) -> None:
    """[sig-storage] CSIInlineVolumes should support CSIVolumeSource in Pod API [Conformance]"""
    driver = f"e.{api.namespace}.example.com"
    api.create(f"{GROUP}/csidrivers", {"metadata": {"name": driver}, "spec": {"volumeLifecycleModes": ["Ephemeral"]}})
    api.until_pods_can_be_made()
    volume = {"name": "pod-csi-inline-volumes", "csi": {"driver": driver, "volumeAttributes": {"a": "b"}}}
    api.create("pods", {**pod("p", volumes=[volume]), "metadata": {"name": "p", "labels": {"csi": "inline"}}})
    assert api.get("pods/p")["spec"]["volumes"][0]["csi"]["driver"] == driver
    assert api.patch("pods/p", {"metadata": {"labels": {"p": "patched"}}}, STRATEGIC)["metadata"]["labels"]["p"] == "patched"
    api.delete("pods/p", gracePeriodSeconds=0)
    api.delete(f"{GROUP}/csidrivers/{driver}")


def test_csi_nodes(api: Api) -> None:
    """[sig-storage] CSINodes CSI Conformance should run through the lifecycle of a csinode [Conformance]"""
    body = {
        "metadata": {"name": f"n-{api.namespace}"},
        "spec": {"drivers": [{"name": "d", "nodeID": "n", "topologyKeys": None}]},
    }
    all_verbs(api, f"{GROUP}/csinodes", body)


def test_capacities(api: Api) -> None:
    """[sig-storage] CSIStorageCapacity should support CSIStorageCapacities API operations [Conformance]"""
    in_discovery(api, "storage.k8s.io", "v1", "csistoragecapacities")
    body = {"metadata": {"name": "cap"}, "storageClassName": "c"}
    all_verbs(api, "csistoragecapacities.storage.k8s.io", body, {"capacity": "1Gi"})


def test_storage_classes(api: Api) -> None:
    """[sig-storage] StorageClasses CSI Conformance should run through the lifecycle of a StorageClass [Conformance]"""
    body = {
        "metadata": {"name": f"sc-{api.namespace}"},
        "provisioner": "example.com/p",
        "parameters": {"a": "b"},
        "reclaimPolicy": "Delete",
    }
    all_verbs(api, f"{GROUP}/storageclasses", body)


def test_attributes_classes(api: Api) -> None:
    """[sig-storage] VolumeAttributesClass [FeatureGate:VolumeAttributesClass] should run through the lifecycle of a VolumeAttributesClass [Conformance]"""
    body = {"metadata": {"name": f"vac-{api.namespace}"}, "driverName": "d.example.com", "parameters": {"iops": "1"}}
    all_verbs(api, f"{GROUP}/volumeattributesclasses", body, gone_at_once=False)


def _attachment(name: str) -> dict[str, Any]:
    return {
        "metadata": {"name": name},
        "spec": {"attacher": "d.example.com", "nodeName": "n", "source": {"persistentVolumeName": "pv"}},
    }


def test_attachments(api: Api) -> None:
    """[sig-storage] VolumeAttachment Conformance should run through the lifecycle of a VolumeAttachment [Conformance]"""
    all_verbs(api, f"{GROUP}/volumeattachments", _attachment(f"va-{api.namespace}"))


def test_the_status_of_an_attachment(api: Api) -> None:
    """[sig-storage] VolumeAttachment Conformance should apply changes to a volumeattachment status [Conformance]"""
    path = f"{GROUP}/volumeattachments/va-{api.namespace}"
    api.create(f"{GROUP}/volumeattachments", _attachment(f"va-{api.namespace}"))
    patched = api.patch(f"{path}/status", {"status": {"attachError": {"message": "m", "time": "2026-01-01T00:00:00Z"}}})
    assert patched["status"]["attachError"]["message"] == "m"
    found = api.get(f"{path}/status")
    found["status"]["attached"] = True
    assert replace(api, f"{path}/status", found)["status"]["attached"] is True
    api.delete(path)


def _volume(name: str, **more: Any) -> dict[str, Any]:
    spec = {
        "capacity": {"storage": "1Gi"},
        "accessModes": ["ReadWriteOnce"],
        "csi": {"driver": "d.example.com", "volumeHandle": "h"},
        "storageClassName": name,
        **more,
    }
    return {"metadata": {"name": name, "labels": {"e2e-pv": name}}, "spec": spec}


def _claim(name: str, of: str) -> dict[str, Any]:
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}, "storageClassName": of}
    return {"metadata": {"name": name, "labels": {"e2e-pvc": name}}, "spec": spec}


def test_volumes_and_claims(api: Api) -> None:
    """[sig-storage] PersistentVolumes CSI Conformance should run through the lifecycle of a PV and a PVC [Conformance]"""
    name = f"pv-{api.namespace}"
    pv, pvc = f"/api/v1/persistentvolumes/{name}", "persistentvolumeclaims/c"
    for deletion in ("one by one", "as collections"):
        api.create("/api/v1/persistentvolumes", _volume(name))
        api.create("persistentvolumeclaims", _claim("c", name))
        assert api.names("/api/v1/persistentvolumes", labelSelector=f"e2e-pv={name}") == [name]
        assert api.names(everywhere(api, "persistentvolumeclaims"), labelSelector="e2e-pvc=c") == ["c"]
        for path in (pv, pvc):
            patched = api.patch(path, {"metadata": {"labels": {"patched": name}}}, STRATEGIC)
            assert patched["metadata"]["labels"]["patched"] == name
            api.until(path, lambda obj: obj["status"]["phase"] == "Bound")
            found = api.get(path)
            found["metadata"]["labels"]["updated"] = name
            assert replace(api, path, found)["metadata"]["labels"]["updated"] == name
        if deletion == "one by one":
            api.delete(pvc)
            api.until_gone(pvc)
            assert api.until(pv, lambda obj: obj["status"]["phase"] == "Released")["spec"]["claimRef"]["name"] == "c"
            api.delete(pv)
        else:
            api.delete("persistentvolumeclaims", labelSelector=f"updated={name}")
            api.until_gone(pvc)
            api.delete("/api/v1/persistentvolumes", labelSelector=f"updated={name}")
        api.until_gone(pv)


def test_the_status_of_volumes_and_claims(api: Api) -> None:
    """[sig-storage] PersistentVolumes CSI Conformance should apply changes to a pv/pvc status [Conformance]"""
    name = f"pvs-{api.namespace}"
    pv, pvc = f"/api/v1/persistentvolumes/{name}", "persistentvolumeclaims/c"
    api.create("/api/v1/persistentvolumes", _volume(name))
    api.create("persistentvolumeclaims", _claim("c", f"other-{name}"))
    patched = api.patch(f"{pv}/status", {"status": {"message": "StatusPatched", "reason": "E2E"}})
    assert patched["status"]["message"] == "StatusPatched"
    found = api.get(f"{pv}/status")
    found["status"]["message"] = "StatusUpdated"
    assert replace(api, f"{pv}/status", found)["status"]["message"] == "StatusUpdated"
    condition = {"type": "StatusPatched", "status": "True", "reason": "E2E", "message": "m"}
    assert (
        api.patch(f"{pvc}/status", {"status": {"conditions": [condition]}})["status"]["conditions"][0]["type"]
        == "StatusPatched"
    )
    found = api.get(f"{pvc}/status")
    found["status"]["conditions"].append({**condition, "type": "StatusUpdated"})
    assert len(replace(api, f"{pvc}/status", found)["status"]["conditions"]) == 2
    api.delete(pvc)
    api.delete(pv)
