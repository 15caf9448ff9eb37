"""Which versions are served: the stable ones, and what the settings ask for.

https://kubernetes.io/docs/reference/using-api/#enabling-or-disabling, KEP-3136.
"""

import asyncio

import orjson
import pytest

from corral.base.errors import CorralError
from corral.server.api import ApiServer
from corral.server.config import ServerConfig
from corral.server.request import LOOPBACK, Request
from corral.server.runtimeconfig import served
from corral.store.sqlite import SqliteStore

BETAS = {
    "admissionregistration.k8s.io/v1beta1",
    "certificates.k8s.io/v1beta1",
    "coordination.k8s.io/v1beta1",
    "networking.k8s.io/v1beta1",
    "resource.k8s.io/v1beta1",
    "resource.k8s.io/v1beta2",
    "storage.k8s.io/v1beta1",
    "storagemigration.k8s.io/v1beta1",
}


def versions(settings: str) -> set[str]:
    return {resource.api_version for resource in served(settings)}


def test_stable_versions_are_on_and_betas_are_off():
    assert not BETAS & versions("")
    assert {"v1", "apps/v1", "autoscaling/v1", "autoscaling/v2", "resource.k8s.io/v1"} <= versions("")


@pytest.mark.parametrize(
    ("settings", "on", "off"),
    [
        ("api/beta=true", BETAS, set()),
        ("api/all=true", BETAS | {"apps/v1"}, set()),
        ("resource.k8s.io/v1beta1=true", {"resource.k8s.io/v1beta1"}, {"resource.k8s.io/v1beta2"}),
        ("api/beta=true, networking.k8s.io/v1beta1=false", {"resource.k8s.io/v1beta2"}, {"networking.k8s.io/v1beta1"}),
        ("api/all=false,v1=true,apps/v1", {"v1", "apps/v1"}, {"batch/v1"}),
        ("autoscaling/v1=false", {"autoscaling/v2"}, {"autoscaling/v1"}),
    ],
)
def test_settings_switch_them(settings, on, off):
    found = versions(settings)
    assert on <= found
    assert not off & found


def test_one_resource_of_a_version():
    found = {(resource.api_version, resource.plural) for resource in served("resource.k8s.io/v1beta2/devicetaintrules=true")}
    assert ("resource.k8s.io/v1beta2", "devicetaintrules") in found
    assert ("resource.k8s.io/v1beta2", "resourceclaims") not in found


@pytest.mark.parametrize("settings", ["api/beta=maybe", "nothing/v1=true", "apps/v9=true"])
def test_what_cannot_be_understood_is_told(settings):
    with pytest.raises(CorralError, match="runtime config"):
        served(settings)


OBJECTS = [
    (
        "storagemigration.k8s.io/v1beta1",
        "storageversionmigrations",
        {"kind": "StorageVersionMigration", "spec": {"resource": {"group": "apps", "resource": "deployments"}}},
    ),
    ("networking.k8s.io/v1beta1", "servicecidrs", {"kind": "ServiceCIDR", "spec": {"cidrs": ["10.9.0.0/24"]}}),
    ("resource.k8s.io/v1beta1", "deviceclasses", {"kind": "DeviceClass", "spec": {}}),
    ("resource.k8s.io/v1beta2", "deviceclasses", {"kind": "DeviceClass", "spec": {}}),
    (
        "storage.k8s.io/v1beta1",
        "volumeattributesclasses",
        {"kind": "VolumeAttributesClass", "driverName": "d", "parameters": {"a": "b"}},
    ),
]


@pytest.mark.parametrize(("version", "plural", "obj"), OBJECTS, ids=[f"{version}/{plural}" for version, plural, _ in OBJECTS])
def test_a_beta_that_is_on_answers_in_its_own_version(tmp_path, version, plural, obj):
    async def run():
        (tmp_path / "server").mkdir()
        store = await SqliteStore.open(tmp_path / "server" / "store.db")
        server = ApiServer(ServerConfig(tmp_path, port=0, runtime_config="api/beta=true"), store)
        await server.start()
        try:

            async def ask(method, path, body=None):
                raw = b"" if body is None else orjson.dumps(body)
                response = await server.handle(Request(method, path, {}, {}, raw, LOOPBACK))
                return response.status, orjson.loads(response.body)

            group = version.partition("/")[0]
            path = f"/apis/{version}/{plural}"
            status, made = await ask("POST", path, {"apiVersion": version, "metadata": {"name": "x"}, **obj})
            assert status == 201, made
            assert made["apiVersion"] == version
            status, found = await ask("GET", path)
            assert [item["metadata"]["name"] for item in found["items"] if item["metadata"]["name"] == "x"] == ["x"]
            assert found["apiVersion"] == version
            _, groups = await ask("GET", f"/apis/{group}")
            assert version in [one["groupVersion"] for one in groups["versions"]]
            assert (await ask("DELETE", f"{path}/x"))[0] == 200
        finally:
            await server.stop()
            await store.close()

    asyncio.run(run())
