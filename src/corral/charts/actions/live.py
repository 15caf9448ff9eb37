"""Rendering for a cluster: with its capabilities, and `lookup` reading its objects."""

from corral.api.errors import ApiError
from corral.base.annotations import Any
from corral.charts.actions.capabilities import of_cluster
from corral.charts.actions.cluster import Cluster
from corral.charts.actions.rendering import (
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


def rendered(cluster: Cluster, release: Release, rendering: Rendering, *, is_upgrade: bool) -> None:
    """Fill in the manifest, hooks and notes of `release`, as this cluster has them. Raises ChartError, RenderError."""
    capabilities = of_cluster(cluster.api)
    check_kube_version(release.chart, capabilities.version)
    # An install renders revision 1, also where it replaces an older release, as with Helm.
    facts = Facts(release.name, release.namespace, release.version if is_upgrade else 1, is_upgrade)
    final = with_chart_values(release.chart, release.config)
    files = templates(release.chart, final, facts, capabilities, lookup=_lookup(cluster))
    release.notes = without_notes(release.chart, files, rendering.sub_notes)
    parts = sorted_manifests(files)
    release.hooks = parts.hooks
    release.manifest = text_of(release.chart, parts, rendering)


def _lookup(cluster: Cluster) -> Lookup:
    def lookup(api_version: str, kind: str, namespace: str, name: str) -> Any:
        try:
            resource = cluster.resource_of(api_version, kind)
            if resource is None:
                raise FunctionError(f'no matches for kind "{kind}" in version "{api_version}"')
            return floats(cluster.api.get(resource.path(namespace, name)))
        except ApiError as error:
            if error.code == 404:
                return {}
            raise FunctionError(error.message) from None
        except OSError as error:
            raise FunctionError(str(error) or "timed out") from None

    return lookup
