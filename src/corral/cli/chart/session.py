"""From a command line to a cluster: the kubeconfig, the client, and the context that actions are given."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from corral.api.facts import catalog
from corral.charts import names
from corral.charts.actions.cluster import Cluster
from corral.charts.actions.context import Context
from corral.charts.actions.waiting import Tell, silent
from corral.charts.releases.model import Release
from corral.charts.releases.storage import Releases
from corral.cli.chart.options import Options, access
from corral.client.client import Client
from corral.client.connect import find


@asynccontextmanager
async def connected(options: Options, *, namespace: str | None = None, tell: Tell = silent) -> AsyncIterator[Context]:
    """The context of one command; `namespace` "" is all of them."""
    found = find(access(options))
    client = Client(found.transport, catalog(), "helm")
    chosen = namespace if namespace is not None else options.namespace or os.environ.get("HELM_NAMESPACE") or found.namespace
    driver = os.environ.get("HELM_DRIVER", "")
    try:
        releases = Releases(client, chosen, driver, max_history=options.values.get("history_max") or 0)
        yield Context(Cluster(client, chosen), releases, tell=tell)
    finally:
        await client.close()


async def released(options: Options, name: str, version: int = 0) -> Release:
    """A revision of a release; the newest where `version` is 0. Raises NotFoundError."""
    names.check(name)
    async with connected(options) as context:
        return await context.releases.get(name, version)
