"""Asking a cluster what it can do: its version, its groups and kinds, by aggregated discovery where it has that."""

from corral.api.errors import ApiError
from corral.base.annotations import Any
from corral.charts.actions.assumed import Capabilities
from corral.charts.chart.errors import ChartError
from corral.client.blocking import Api
from corral.client.several import each

AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json"


def of_cluster(api: Api) -> Capabilities:
    """Ask the cluster for its version, and for the rest when a template wants to know. Raises ApiError, ChartError, OSError."""
    told = api.get("/version")
    version = told.get("gitVersion") if isinstance(told, dict) else None
    if not isinstance(version, str):
        raise ChartError("the cluster does not tell its version", "is it a Kubernetes API server? kubectl version")
    return Capabilities(version, lambda: _api_versions(api))


def _api_versions(api: Api) -> list[str]:
    found: list[str] = []
    for path in ("/api", "/apis"):
        answer = api.get(path, accept=AGGREGATED)
        is_aggregated = answer.get("kind") == "APIGroupDiscoveryList"
        found += _of_aggregated(answer) if is_aggregated else _one_by_one(api, answer)
    return found


def _of_aggregated(answer: Any) -> list[str]:
    found = []
    for group in answer.get("items", ()):
        name = group["metadata"].get("name", "")
        for version in group.get("versions", ()):
            api_version = f"{name}/{version['version']}" if name else version["version"]
            kinds = {r["responseKind"]["kind"] for r in version.get("resources", ()) if r.get("responseKind")}
            found += [api_version, *(f"{api_version}/{kind}" for kind in sorted(kinds))]
    return found


def _one_by_one(api: Api, answer: Any) -> list[str]:
    """From servers older than aggregated discovery."""
    versions = [(v, f"/api/{v}") for v in answer.get("versions", ())]
    versions += [(v["groupVersion"], f"/apis/{v['groupVersion']}") for g in answer.get("groups", ()) for v in g["versions"]]

    def kinds(version: tuple[str, str]) -> list[str]:
        api_version, path = version
        try:
            resources = api.get(path).get("resources", ())
        except ApiError:
            return [api_version]  # An aggregated API that is down has its groups, and nobody knows its kinds.
        return [api_version, *sorted({f"{api_version}/{r['kind']}" for r in resources})]

    return [text for found in each(kinds, versions) for text in found]
