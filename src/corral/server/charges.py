"""Writes what admission charges to quotas, each under its quota's revision."""

from collections.abc import Callable

from corral.api.errors import ApiError
from corral.api.objects import Object
from corral.server.core import Core
from corral.server.request import LOOPBACK, Request
from corral.server.writes import Plan

MANAGER = "kube-apiserver"
QUOTAS = "resourcequotas"


class Charges:
    """Changes `status.used` of quotas for the ResourceQuota plugin."""

    def __init__(self, core: Core) -> None:
        self._core = core

    async def write(self, namespace: str, name: str, change: Callable[[Object], dict[str, str]]) -> None:
        """Set `status.used` to what `change` makes of the quota; it may refuse. A quota that has gone charges nothing."""
        resource = self._core.catalog.named(QUOTAS)
        request = Request(
            "PATCH",
            resource.path(namespace, name, "status"),
            {},
            {},
            user=LOOPBACK,
            verb="patch",
            resource=resource,
            namespace=namespace,
            name=name,
            subresource="status",
        )

        def charged(present: Object | None) -> Object:
            assert present is not None
            return {**present, "status": {**(present.get("status") or {}), "used": change(present)}}

        try:
            await self._core.writes.change(Plan(request, resource, MANAGER, subresource="status"), name, charged)
        except ApiError as error:
            if error.code != 404:
                raise
