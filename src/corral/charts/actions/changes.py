"""From the objects of one revision to those of another: making, changing and taking away."""

from collections.abc import Sequence

from msgspec import Struct, field

from corral.api.errors import ApiError
from corral.charts.actions.cluster import Cluster, Target, unique
from corral.charts.chart.errors import ChartError
from corral.charts.manifests.order import UNINSTALL, ordered
from corral.charts.manifests.split import RESOURCE_POLICY

KEEP = "keep"


class Outcome(Struct):
    """What was done: also of what failed halfway."""

    created: list[Target] = field(default_factory=list)
    updated: list[Target] = field(default_factory=list)
    deleted: list[Target] = field(default_factory=list)


def gone(before: Sequence[Target], after: Sequence[Target]) -> list[Target]:
    """The objects of `before` that are not in `after`, in the order in which they are taken away. Pure."""
    new = unique(after)
    return ordered((t for t in before if t.key not in new), lambda t: t.kind, UNINSTALL)


async def bring_all(
    cluster: Cluster, before: Sequence[Target], after: Sequence[Target], *, force: bool, outcome: Outcome
) -> None:
    """Make the cluster hold `after` where it held `before`. Raises ChartError; `outcome` says what was done until then."""
    old = unique(before)
    faults: list[str] = []

    async def one(target: Target) -> None:
        if await cluster.get(target) is None:
            outcome.created.append(target)
            try:
                await cluster.create(target)
            except ApiError as error:
                raise ChartError(f"failed to create resource: {error.message}") from None
            return
        if target.key not in old:
            raise ChartError(f'no {target.kind} with the name "{target.name}" found')
        outcome.updated.append(target)
        try:
            await cluster.bring(old[target.key].obj, target, force=force)
        except ApiError as error:
            what = "failed to replace object" if force else f'cannot patch "{target.name}" with kind {target.kind}'
            faults.append(f"{what}: {error.message}")

    await cluster.by_kind(after, one)
    if faults:
        raise ChartError(" && ".join(faults), _immutable(faults))
    for target in gone(before, after):
        live = await cluster.get(target)
        if live is None or (live["metadata"].get("annotations") or {}).get(RESOURCE_POLICY) == KEEP:
            continue
        await cluster.delete(target)
        outcome.deleted.append(target)


def _immutable(faults: list[str]) -> str:
    if any("immutable" in fault or "forbidden: updates to" in fault for fault in faults):
        return "such a field cannot change: --force replaces the object, or delete it first"
    return ""
