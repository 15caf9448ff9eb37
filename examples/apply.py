"""Applies a manifest and waits for its Deployments, by Corral's own client, so that scripts/run works without kubectl too.

Usage: python examples/apply.py KUBECONFIG MANIFEST. The last line printed is the URL of the manifest's NodePort Service.
"""

import asyncio
import sys
from pathlib import Path

import yaml

from corral.api.facts import catalog
from corral.api.objects import Object
from corral.client.client import Client
from corral.client.https import connect

NAMESPACE = "default"
TIMEOUT_S = 90.0


async def apply(client: Client, wanted: Object) -> Object:
    """Server-side apply of one object (https://kubernetes.io/docs/reference/using-api/server-side-apply/)."""
    resource = client.catalog.of_kind(wanted["apiVersion"], wanted["kind"])
    if resource is None:
        raise SystemExit(f"there is no kind {wanted['kind']} in {wanted['apiVersion']}")
    name = wanted["metadata"]["name"]
    applied = await client.patch(resource.group_resource, name, wanted, NAMESPACE, type="apply", force=True)
    print(f"{resource.singular}/{name} applied")
    return applied


async def rolled_out(client: Client, name: str) -> None:
    """Return when the Deployment has all its replicas available."""
    listing = await client.list("deployments.apps", NAMESPACE, field_selector=f"metadata.name={name}")
    states = [item.object for item in listing.items]
    events = client.watch("deployments.apps", NAMESPACE, revision=listing.revision, field_selector=f"metadata.name={name}")
    if any(map(_available, states)):
        return
    async for event in events:
        if event.type != "BOOKMARK" and _available(event.item.object):
            return


def _available(deployment: Object) -> bool:
    return deployment.get("status", {}).get("availableReplicas", 0) >= deployment["spec"].get("replicas", 1)


async def main(kubeconfig: Path, manifest: Path) -> None:
    """Apply, wait, and tell where it answers."""
    client = connect(kubeconfig, "examples", catalog())
    try:
        applied = [await apply(client, wanted) for wanted in yaml.safe_load_all(manifest.read_text()) if wanted]
        async with asyncio.timeout(TIMEOUT_S):
            for deployment in (o for o in applied if o["kind"] == "Deployment"):
                await rolled_out(client, deployment["metadata"]["name"])
                print(f"deployment/{deployment['metadata']['name']} is available")
        node = (await client.list("nodes")).items[0].object["status"]["addresses"][0]["address"]
        for service in (o for o in applied if o["kind"] == "Service" and o["spec"].get("type") == "NodePort"):
            print(f"http://{node}:{service['spec']['ports'][0]['nodePort']}/")
    except TimeoutError:
        raise SystemExit(
            f"not available after {TIMEOUT_S:.0f} s: see corral logs node, or install kubectl and describe it"
        ) from None
    finally:
        await client.close()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), Path(sys.argv[2])))
