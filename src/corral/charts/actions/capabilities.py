"""Asking a cluster what it can do: its version, its groups and kinds, by aggregated discovery where it has that."""

import asyncio
from typing import Any

import orjson

from corral.api.errors import ApiError
from corral.charts.actions.assumed import Capabilities
from corral.client.client import Client
from corral.client.transport import Call

AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json"


async def of_cluster(client: Client) -> Capabilities:
    """Ask the cluster. Raises ApiError, OSError."""
    version, core, groups = await asyncio.gather(
        client.raw("GET", "/version"), _aggregated(client, "/api"), _aggregated(client, "/apis")
    )
    found: list[str] = []
    for answer in (core, groups):
        if answer.get("kind") == "APIGroupDiscoveryList":
            found += _of_aggregated(answer)
        else:
            found += await _one_by_one(client, answer)
    return Capabilities(orjson.loads(version)["gitVersion"], tuple(found))


async def _aggregated(client: Client, path: str) -> Any:
    return orjson.loads(await client.transport.call(Call("GET", path, accept=AGGREGATED)))


def _of_aggregated(answer: Any) -> list[str]:
    found = []
    for group in answer.get("items", ()):
        name = group["metadata"].get("name", "")
        for version in group.get("versions", ()):
            api_version = f"{name}/{version['version']}" if name else version["version"]
            kinds = {r["responseKind"]["kind"] for r in version.get("resources", ()) if r.get("responseKind")}
            found += [api_version, *(f"{api_version}/{kind}" for kind in sorted(kinds))]
    return found


async def _one_by_one(client: Client, answer: Any) -> list[str]:
    """From servers older than aggregated discovery."""
    versions = [(v, f"/api/{v}") for v in answer.get("versions", ())]
    versions += [(v["groupVersion"], f"/apis/{v['groupVersion']}") for g in answer.get("groups", ()) for v in g["versions"]]

    async def kinds(api_version: str, path: str) -> list[str]:
        try:
            resources = orjson.loads(await client.raw("GET", path)).get("resources", ())
        except ApiError:
            return [api_version]  # An aggregated API that is down has its groups, and nobody knows its kinds.
        return [api_version, *sorted({f"{api_version}/{r['kind']}" for r in resources})]

    return [text for found in await asyncio.gather(*(kinds(*v) for v in versions)) for text in found]
