"""Uninstall: take away what a release made, but for what it says to keep; its history goes, too, unless that is to stay.

https://helm.sh/docs/helm/helm_uninstall/
"""

from corral.api.errors import ApiError
from corral.base.annotations import NamedTuple
from corral.charts import names
from corral.charts.actions.changes import KEEP
from corral.charts.actions.cluster import Target
from corral.charts.actions.context import Context, Waits
from corral.charts.actions.waiting import until_gone
from corral.charts.chart.errors import ChartError
from corral.charts.manifests.order import UNINSTALL, ordered
from corral.charts.manifests.split import RESOURCE_POLICY
from corral.charts.releases.model import UNINSTALLED, UNINSTALLING, Release
from corral.charts.releases.storage import NotFoundError


class Uninstall(NamedTuple):
    """What to take away, and how."""

    name: str
    waits: Waits = Waits()
    keep_history: bool = False
    dry_run: bool = False
    description: str = ""
    propagation: str = "Background"


def uninstall(context: Context, wish: Uninstall, release: Release | None = None) -> tuple[Release, str]:
    """Do it; the release and what was kept, as Helm tells it. `release` is the newest revision where the caller has it."""
    names.check(wish.name)
    try:
        release = release or context.releases.get(wish.name, 0)
    except NotFoundError as error:
        raise ChartError(f"uninstall: Release not loaded: {wish.name}: {error.message}", error.remedy) from None
    if wish.dry_run:
        return release, ""
    if release.status == UNINSTALLED:
        if wish.keep_history:
            raise ChartError(
                f'the release named "{wish.name}" is already deleted',
                f"forget its history, too: corral chart uninstall {wish.name}",
            )
        context.releases.forget(wish.name)
        return release, ""
    context.debug(f"uninstall: Deleting {wish.name}")
    release.deleted = context.now()
    release.set_status(UNINSTALLING, "Deletion in progress (or silently failed)")
    context.hooks(release, "pre-delete", wish.waits)
    context.record(release)
    deleted, kept, faults = _delete(context, release, wish.propagation)
    if wish.waits.ready:
        until_gone(context.cluster, deleted, wish.waits.timeout_s, tell=context.tell)
    if faults:
        # What could not be deleted is still this release's: it stays, so that this can be done again.
        raise ChartError(f"failed to delete release: {wish.name}: {'; '.join(faults)}", "mend that, and uninstall it again")
    context.hooks(release, "post-delete", wish.waits)
    release.set_status(UNINSTALLED, wish.description or "Uninstallation complete")
    if wish.keep_history:
        context.record(release)
    else:
        context.debug(f"purge requested for {wish.name}")
        context.releases.forget(wish.name)
    return release, kept


def _delete(context: Context, release: Release, propagation: str) -> tuple[list[Target], str, list[str]]:
    try:
        targets = context.cluster.build(release.manifest)
    except ChartError as error:
        raise ChartError(
            f"corrupted release record. You must manually delete the resources: {error.message}", error.remedy
        ) from None
    deleted, faults, kept = [], [], ""
    for target in ordered(targets, lambda t: t.kind, UNINSTALL):
        if (target.obj["metadata"].get("annotations") or {}).get(RESOURCE_POLICY, "").strip().lower() == KEEP:
            kept += f"[{target.kind}] {target.name}\n"
            continue
        try:
            context.debug(f'Starting delete for "{target.name}" {target.kind}')
            if context.cluster.delete(target, propagation):
                deleted.append(target)
        except ApiError as error:
            faults.append(error.message)
    return deleted, f"These resources were kept due to the resource policy:\n{kept}" if kept else "", faults
