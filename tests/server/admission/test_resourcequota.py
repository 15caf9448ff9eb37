"""Quotas are charged, and keep."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from corral.api.errors import ApiError
from corral.api.objects import Object
from corral.server.admission.resourcequota import ResourceQuota
from corral.server.lookup import MemoryLookup
from corral.server.request import Admission

Write = Callable[..., Admission]


class Cluster:
    """A namespace with one quota."""

    def __init__(self, hard: dict[str, str], used: dict[str, str] | None = None, **spec: Any) -> None:
        self.lookup = MemoryLookup()
        status = {"hard": hard, "used": used if used is not None else dict.fromkeys(hard, "0")}
        self.quota: Object = {"metadata": {"namespace": "x", "name": "q"}, "spec": {"hard": hard, **spec}, "status": status}
        self.lookup.put("resourcequotas", self.quota)
        self.plugin = ResourceQuota(self.lookup, self._write)

    async def _write(self, namespace: str, name: str, change: Callable[[Object], dict[str, str]]) -> None:
        self.quota = {**self.quota, "status": {**self.quota["status"], "used": change(self.quota)}}
        self.lookup.put("resourcequotas", self.quota)

    def charge(self, admission: Admission) -> dict[str, str]:
        asyncio.run(self.plugin.validate(admission))
        used: dict[str, str] = self.quota["status"]["used"]
        return used


def pod(**resources: Any) -> Object:
    return {"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "resources": resources}]}}


def test_objects_are_counted_until_there_are_enough(write: Write) -> None:
    cluster = Cluster({"configmaps": "2"}, {"configmaps": "1"})
    assert cluster.charge(write("configmaps", {"metadata": {"name": "one"}})) == {"configmaps": "2"}
    with pytest.raises(ApiError) as refused:
        cluster.charge(write("configmaps", {"metadata": {"name": "two"}}))
    assert refused.value.message == (
        'configmaps "two" is forbidden: exceeded quota: q, requested: configmaps=1, used: configmaps=2, limited: configmaps=2'
    )


def test_pods_are_charged_what_they_ask_for(write: Write) -> None:
    cluster = Cluster({"requests.cpu": "1", "limits.memory": "1Gi", "pods": "5"})
    used = cluster.charge(write("pods", pod(requests={"cpu": "300m", "memory": "1Mi"}, limits={"memory": "512Mi"})))
    assert used == {"requests.cpu": "300m", "limits.memory": "512Mi", "pods": "1"}


def test_a_pod_must_say_what_a_quota_counts(write: Write) -> None:
    with pytest.raises(ApiError) as refused:
        Cluster({"requests.cpu": "1"}).charge(write("pods", pod()))
    assert refused.value.message == 'pods "p" is forbidden: failed quota: q: must specify requests.cpu for: c'


def test_a_quota_that_is_not_counted_yet_refuses(write: Write) -> None:
    with pytest.raises(ApiError, match="status unknown for quota: q, resources: pods"):
        Cluster({"pods": "5"}, {}).charge(write("pods", pod()))


def test_scopes_choose_pods(write: Write) -> None:
    cluster = Cluster({"pods": "1"}, scopes=["BestEffort"])
    assert cluster.charge(write("pods", pod(requests={"cpu": "1"}))) == {"pods": "0"}
    assert cluster.charge(write("pods", pod())) == {"pods": "1"}


def test_an_update_is_charged_the_difference(write: Write) -> None:
    cluster = Cluster({"requests.storage": "10Gi"}, {"requests.storage": "4Gi"})

    def claim(size: str) -> Object:
        return {"metadata": {"name": "d"}, "spec": {"resources": {"requests": {"storage": size}}}}

    assert cluster.charge(write("persistentvolumeclaims", claim("6Gi"), claim("4Gi"))) == {"requests.storage": "6Gi"}
    assert cluster.charge(write("persistentvolumeclaims", claim("1Gi"), claim("6Gi"))) == {"requests.storage": "6Gi"}


def test_a_dry_run_is_judged_and_not_charged(write: Write) -> None:
    cluster = Cluster({"pods": "1"})
    admission = write("pods", pod())
    admission.dry_run = True
    assert cluster.charge(admission) == {"pods": "0"}
