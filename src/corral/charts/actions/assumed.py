"""What a cluster can do, as charts ask: its version, its kinds; and what is assumed of a cluster that is not asked."""

from corral.base.annotations import Callable, NamedTuple, Sequence
from corral.charts.chart.errors import ChartError


class Capabilities(NamedTuple):
    """A version such as v1.36.0; and what gives `apps/v1`, `apps/v1/Deployment` and so on, which few charts want to know."""

    version: str
    api_versions: Callable[[], Sequence[str]]


#: What Helm's own client takes a cluster for that it does not ask, so that both render alike; the last word is --kube-version.
ASSUMED_VERSION = "v1.25.0"
ASSUMED_API_VERSIONS = (
    "v1",
    *("admissionregistration.k8s.io/v1", "admissionregistration.k8s.io/v1beta1", "internal.apiserver.k8s.io/v1alpha1"),
    *("apps/v1", "apps/v1beta1", "apps/v1beta2", "authentication.k8s.io/v1", "authentication.k8s.io/v1beta1"),
    *("authorization.k8s.io/v1", "authorization.k8s.io/v1beta1"),
    *("autoscaling/v1", "autoscaling/v2", "autoscaling/v2beta1", "autoscaling/v2beta2", "batch/v1", "batch/v1beta1"),
    *("certificates.k8s.io/v1", "certificates.k8s.io/v1beta1", "coordination.k8s.io/v1beta1", "coordination.k8s.io/v1"),
    *("discovery.k8s.io/v1", "discovery.k8s.io/v1beta1", "events.k8s.io/v1", "events.k8s.io/v1beta1", "extensions/v1beta1"),
    *("flowcontrol.apiserver.k8s.io/v1alpha1", "flowcontrol.apiserver.k8s.io/v1beta1", "flowcontrol.apiserver.k8s.io/v1beta2"),
    *("networking.k8s.io/v1", "networking.k8s.io/v1alpha1", "networking.k8s.io/v1beta1"),
    *("node.k8s.io/v1", "node.k8s.io/v1alpha1", "node.k8s.io/v1beta1", "policy/v1", "policy/v1beta1"),
    *("rbac.authorization.k8s.io/v1", "rbac.authorization.k8s.io/v1beta1", "rbac.authorization.k8s.io/v1alpha1"),
    *("scheduling.k8s.io/v1alpha1", "scheduling.k8s.io/v1beta1", "scheduling.k8s.io/v1"),
    *("storage.k8s.io/v1beta1", "storage.k8s.io/v1", "storage.k8s.io/v1alpha1"),
    *("apiextensions.k8s.io/v1beta1", "apiextensions.k8s.io/v1"),
)


def assumed(version: str = "") -> Capabilities:
    """Those of a cluster that is not asked; `version` is what the user says of it. Raises ChartError for none."""
    if not version:
        return Capabilities(ASSUMED_VERSION, lambda: ASSUMED_API_VERSIONS)
    from corral.charts import versions

    found = versions.parse(version)
    if found is None:
        raise ChartError(f"invalid kube version '{version}': Invalid Semantic Version", "write it as in --kube-version 1.36.0")
    return Capabilities(f"v{found.shown()}", lambda: ASSUMED_API_VERSIONS)
