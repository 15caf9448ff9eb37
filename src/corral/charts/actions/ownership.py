"""Whose an object is: the label and the annotations by which Helm knows its own, and what it says of others'."""

from corral.api.errors import ApiError
from corral.base.annotations import TYPE_CHECKING, Iterable
from corral.charts.actions.cluster import Cluster, Target
from corral.charts.chart.errors import ChartError
from corral.client.several import each

if TYPE_CHECKING:
    from corral.api.objects import Object

MANAGED_BY = "app.kubernetes.io/managed-by"
RELEASE_NAME = "meta.helm.sh/release-name"
RELEASE_NAMESPACE = "meta.helm.sh/release-namespace"


def claim(targets: Iterable[Target], name: str, namespace: str) -> None:
    """Write into the objects, which are changed, that this release has them."""
    for target in targets:
        meta = target.obj["metadata"]
        meta["labels"] = {**(meta.get("labels") or {}), MANAGED_BY: "Helm"}
        meta["annotations"] = {**(meta.get("annotations") or {}), RELEASE_NAME: name, RELEASE_NAMESPACE: namespace}


def conflicts(cluster: Cluster, targets: list[Target], name: str, namespace: str, then: str) -> list[Target]:
    """Those of `targets` that are there already and are this release's. Raises ChartError where one is another's.

    `then` is what cannot go on: install or update.
    """
    ours = []

    def found(target: Target) -> "Object | None":
        try:
            return cluster.get(target)
        except ApiError as error:
            raise ChartError(
                f"Unable to continue with {then}: could not get information about the resource {target.kind} "
                f'"{target.name}" in namespace "{target.namespace}": {error.message}',
                "ask for that right" if error.code == 403 else "",
            ) from None

    for target, live in zip(targets, each(found, targets), strict=True):
        if live is None:
            continue
        if why := foreign(live, name, namespace):
            raise ChartError(
                f"rendered manifests contain a resource that already exists. Unable to continue with {then}: {target.kind} "
                f'"{target.name}" in namespace "{target.namespace}" exists and cannot be imported into the current release: '
                f"invalid ownership metadata; {why}",
                f"delete it, give the release another name, or hand it over: label it {MANAGED_BY}=Helm and annotate it "
                f"{RELEASE_NAME}={name} {RELEASE_NAMESPACE}={namespace}",
            )
        ours.append(target)
    return ours


def foreign(live: "Object", name: str, namespace: str) -> str:
    """Why an object is not this release's, in Helm's words; "" where it is."""
    meta = live["metadata"]
    labels, annotations = meta.get("labels") or {}, meta.get("annotations") or {}
    wrong = []
    if fault := _fault(labels, MANAGED_BY, "Helm"):
        wrong.append(f"label validation error: {fault}")
    wrong += [
        f"annotation validation error: {fault}"
        for key, value in ((RELEASE_NAME, name), (RELEASE_NAMESPACE, namespace))
        if (fault := _fault(annotations, key, value))
    ]
    return "; ".join(wrong)


def _fault(found: dict[str, str], key: str, wanted: str) -> str:
    if key not in found:
        return f'missing key "{key}": must be set to "{wanted}"'
    return f'key "{key}" must equal "{wanted}": current value is "{found[key]}"' if found[key] != wanted else ""
