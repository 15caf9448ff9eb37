"""What extension servers hold in a namespace that ends: found by discovery at each look, because they come and go.

https://kubernetes.io/docs/concepts/extend-kubernetes/api-extension/apiserver-aggregation/
"""

from collections.abc import Iterable
from typing import NamedTuple

import orjson

from corral.api.errors import ApiError
from corral.api.objects import Object
from corral.client.client import Client
from corral.client.transport import Call

API_SERVICES = "apiservices.apiregistration.k8s.io"


class Emptied(NamedTuple):
    """The outcome: what is left by `plural.group`, what went wrong, and which group versions did not say what they have."""

    remaining: dict[str, list[Object]]
    failures: list[str]
    undiscovered: list[str]


async def empty(client: Client, api_services: Iterable[Object], namespace: str) -> Emptied:
    """Ask every extension server to delete all it holds in the namespace."""
    found = Emptied({}, [], [])
    for api_service in api_services:
        spec = api_service["spec"]
        if spec.get("service") is None:
            continue
        group, version = spec.get("group", ""), spec["version"]
        root = f"/apis/{group}/{version}" if group else f"/api/{version}"
        try:
            resources = orjson.loads(await client.raw("GET", root)).get("resources") or ()
        except (ApiError, ValueError):
            found.undiscovered.append(f"{group}/{version}")
            continue
        for one in resources:
            verbs, name = one.get("verbs") or (), one.get("name", "")
            if one.get("namespaced") and "/" not in name and {"list", "delete"} <= set(verbs):
                await _empty_one(client, found, f"{root}/namespaces/{namespace}/{name}", f"{name}.{group}", verbs)
    return found


async def _empty_one(client: Client, found: Emptied, path: str, name: str, verbs: Iterable[str]) -> None:
    try:
        items = await _items(client, path)
        if items:
            if "deletecollection" in verbs:
                await client.raw("DELETE", path)
            else:
                for item in items:
                    await client.transport.call(Call("DELETE", f"{path}/{item['metadata']['name']}"))
            items = await _items(client, path)
    except (ApiError, ValueError) as error:
        if not isinstance(error, ApiError) or error.code not in (404, 405):
            found.failures.append(f"unable to delete {name}: {error}")
        return
    found.remaining[name] = items


async def _items(client: Client, path: str) -> list[Object]:
    items: list[Object] = orjson.loads(await client.raw("GET", path)).get("items") or []
    return items
