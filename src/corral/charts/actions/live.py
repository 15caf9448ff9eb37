"""Rendering for a cluster: with its capabilities, and `lookup` reading its objects.

Templates are rendered in a thread, since `lookup` asks the cluster in the middle of one.
"""

import asyncio
from typing import Any

import orjson

from corral.api.errors import ApiError
from corral.charts.actions.capabilities import of_cluster
from corral.charts.actions.cluster import Cluster
from corral.charts.actions.rendering import (
    LOOKUP_TIMEOUT_S,
    Facts,
    Lookup,
    Rendering,
    check_kube_version,
    sorted_manifests,
    templates,
    text_of,
    with_chart_values,
    without_notes,
)
from corral.charts.chart.yamlfile import floats
from corral.charts.releases.model import Release
from corral.charts.render.errors import FunctionError


async def rendered(cluster: Cluster, release: Release, rendering: Rendering, *, is_upgrade: bool) -> None:
    """Fill in the manifest, hooks and notes of `release`, as this cluster has them. Raises ChartError, RenderError."""
    capabilities = await of_cluster(cluster.client)
    check_kube_version(release.chart, capabilities.version)
    facts = Facts(release.name, release.namespace, release.version, is_upgrade)
    lookup = _lookup(cluster, asyncio.get_running_loop())
    final = with_chart_values(release.chart, release.config)
    files = await asyncio.to_thread(templates, release.chart, final, facts, capabilities, lookup=lookup)
    release.notes = without_notes(release.chart, files, rendering.sub_notes)
    parts = sorted_manifests(files)
    release.hooks = parts.hooks
    release.manifest = await asyncio.to_thread(text_of, release.chart, parts, rendering)


def _lookup(cluster: Cluster, loop: asyncio.AbstractEventLoop) -> Lookup:
    async def ask(api_version: str, kind: str, namespace: str, name: str) -> Any:
        resource = await cluster.resource_of(api_version, kind)
        if resource is None:
            raise FunctionError(f'no matches for kind "{kind}" in version "{api_version}"')
        try:
            return floats(orjson.loads(await cluster.client.raw("GET", resource.path(namespace, name))))
        except ApiError as error:
            if error.code == 404:
                return {}
            raise FunctionError(error.message) from None

    def lookup(api_version: str, kind: str, namespace: str, name: str) -> Any:
        asked = asyncio.run_coroutine_threadsafe(ask(api_version, kind, namespace, name), loop)
        try:
            return asked.result(LOOKUP_TIMEOUT_S)
        except (OSError, TimeoutError) as error:
            raise FunctionError(str(error) or "timed out") from None

    return lookup
