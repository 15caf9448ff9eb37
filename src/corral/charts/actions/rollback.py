"""Rollback: a new revision that is what an older one was. It is also the way out of an upgrade that was interrupted.

https://helm.sh/docs/helm/helm_rollback/
"""

from corral.base.annotations import NamedTuple
from corral.charts import names
from corral.charts.actions import ownership
from corral.charts.actions.changes import bring_all
from corral.charts.actions.cluster import Target
from corral.charts.actions.context import Context, Waits
from corral.charts.actions.install import FAILURES, described
from corral.charts.actions.pods import PODS, WORKLOADS, pods_of
from corral.charts.actions.upgrade import built
from corral.charts.actions.waiting import until_ready
from corral.charts.chart.errors import ChartError
from corral.charts.releases.model import DEPLOYED, FAILED, PENDING_ROLLBACK, SUPERSEDED, Release


class Rollback(NamedTuple):
    """Where to go back to; version 0 is the one before the newest."""

    name: str
    version: int = 0
    waits: Waits = Waits()
    force: bool = False
    cleanup_on_fail: bool = False
    dry_run: bool = False
    recreate_pods: bool = False


def rollback(context: Context, wish: Rollback) -> Release:
    """Do it; the new revision. Raises ChartError."""
    names.check(wish.name)
    if wish.version < 0:
        raise ChartError("invalid release revision", f"see which there are: corral chart history {wish.name}")
    context.debug(f"preparing rollback of {wish.name}")
    history = context.releases.history(wish.name)
    current = history[-1]
    version = wish.version or current.version - 1
    target = next((r for r in history if r.version == version), None)
    if target is None:
        raise ChartError(
            "release: not found", f"there is no revision {version}; see which there are: corral chart history {wish.name}"
        )
    context.debug(f"rolling back {wish.name} (current: v{current.version}, target: v{version})")
    release = Release(
        name=wish.name,
        namespace=current.namespace,
        version=current.version + 1,
        chart=target.chart,
        config=target.config,
        manifest=target.manifest,
        hooks=target.hooks,
        status=PENDING_ROLLBACK,
        description=f"Rollback to {version}",
        notes=target.notes,
        first_deployed=current.first_deployed,
        last_deployed=context.now(),
        labels=dict(target.labels),
        stored_chart=target.stored_chart,
    )
    if wish.dry_run:
        return release
    context.debug(f"creating rolled back release for {wish.name}")
    context.create(release)
    context.debug(f"performing rollback of {wish.name}")
    _perform(context, wish, current, release)
    for before in context.releases.deployed(wish.name):
        context.debug(f"superseding previous deployment {before.version}")
        before.set_status(SUPERSEDED, before.description)
        context.record(before)
    if current.is_pending:
        # An upgrade that was interrupted: its revision is history now.
        current.set_status(SUPERSEDED, current.description)
        context.record(current)
    context.debug(f"updating status for rolled back release for {wish.name}")
    release.set_status(DEPLOYED, release.description)
    context.record(release)
    return release


def _perform(context: Context, wish: Rollback, current: Release, release: Release) -> None:
    created: list[Target] = []
    has_begun = False
    try:
        before = built(context, current.manifest, "current release manifest")
        after = built(context, release.manifest, "new release manifest")
        ownership.claim(after, release.name, release.namespace)
        context.hooks(release, "pre-rollback", wish.waits)
        has_begun = True
        bring_all(context.cluster, before, after, force=wish.force, created=created)
    except FAILURES as error:
        message, remedy = described(error)
        release.set_status(FAILED, f'Rollback "{release.name}" failed: {message}')
        if has_begun:
            current.set_status(SUPERSEDED, current.description)
            context.record(current)
        context.record(release)
        if wish.cleanup_on_fail:
            context.cluster.by_kind(created, context.cluster.delete)
        raise ChartError(message, remedy) from None
    if wish.recreate_pods:
        _recreate(context, after)
    try:
        if wish.waits.ready:
            until_ready(context.cluster, after, wish.waits.timeout_s, jobs=wish.waits.jobs, tell=context.tell)
        context.hooks(release, "post-rollback", wish.waits)
    except FAILURES as error:
        message, remedy = described(error)
        release.set_status(FAILED, f'Release "{release.name}" failed: {message}')
        context.record(release)
        raise ChartError(f"release {release.name} failed: {message}", remedy) from None


def _recreate(context: Context, targets: list[Target]) -> None:
    """Delete the pods of what was brought back, so that they are made anew."""
    for target in targets:
        for pod in pods_of(context.cluster, target) if target.kind in WORKLOADS else ():
            context.cluster.api.delete(PODS.path(pod["metadata"]["namespace"], pod["metadata"]["name"]))
