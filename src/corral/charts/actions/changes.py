"""From the objects of one revision to those of another: making, changing and taking away."""

from corral.api.errors import ApiError
from corral.base.annotations import Sequence
from corral.charts.actions.cluster import Cluster, Target, unique
from corral.charts.chart.errors import ChartError
from corral.charts.manifests.order import UNINSTALL, ordered
from corral.charts.manifests.split import RESOURCE_POLICY

KEEP = "keep"


def gone(before: Sequence[Target], after: Sequence[Target]) -> list[Target]:
    """The objects of `before` that are not in `after`, in the order in which they are taken away. Pure."""
    new = unique(after)
    return ordered((t for t in before if t.key not in new), lambda t: t.kind, UNINSTALL)


def bring_all(
    cluster: Cluster, before: Sequence[Target], after: Sequence[Target], *, force: bool, created: list[Target]
) -> None:
    """Make the cluster hold `after` where it held `before`, and add to `created` what is new there. Raises ChartError."""
    old = unique(before)
    faults: list[str] = []
    cluster.debug(f"checking {len(after)} resources for changes")

    def one(target: Target) -> None:
        live = cluster.get(target)
        if live is None:
            created.append(target)
            try:
                cluster.create(target)
            except ApiError as error:
                raise ChartError(f"failed to create resource: {error.message}") from None
            cluster.debug(f'Created a new {target.kind} called "{target.name}" in {target.namespace}')
            return
        if target.key not in old:
            raise ChartError(f'no {target.kind} with the name "{target.name}" found')
        try:
            cluster.bring(old[target.key].obj, target, live, force=force)
        except ApiError as error:
            what = "failed to replace object" if force else f'cannot patch "{target.name}" with kind {target.kind}'
            faults.append(f"{what}: {error.message}")

    cluster.by_kind(after, one)
    if faults:
        raise ChartError(" && ".join(faults), _immutable(faults))
    for target in gone(before, after):
        live = cluster.get(target)
        if live is None:
            continue
        if (live["metadata"].get("annotations") or {}).get(RESOURCE_POLICY) == KEEP:
            cluster.debug(f'Skipping delete of "{target.name}" due to annotation [{RESOURCE_POLICY}={KEEP}]')
            continue
        cluster.debug(f'Deleting {target.kind} "{target.name}" in namespace {target.namespace}...')
        cluster.delete(target)


def _immutable(faults: list[str]) -> str:
    if any("immutable" in fault or "forbidden: updates to" in fault for fault in faults):
        return "such a field cannot change: --force replaces the object, or delete it first"
    return ""
