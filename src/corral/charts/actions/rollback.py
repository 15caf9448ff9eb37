"""Rollback: a new revision that is what an older one was. It is also the way out of an upgrade that was interrupted.

https://helm.sh/docs/helm/helm_rollback/
"""

from msgspec import Struct, field

from corral.api.errors import ApiError
from corral.charts import names
from corral.charts.actions import ownership
from corral.charts.actions.changes import Outcome, bring_all
from corral.charts.actions.cluster import Target
from corral.charts.actions.context import Context, Waits
from corral.charts.actions.install import described
from corral.charts.actions.upgrade import built
from corral.charts.actions.waiting import until_ready
from corral.charts.chart.errors import ChartError
from corral.charts.releases.model import DEPLOYED, FAILED, PENDING_ROLLBACK, SUPERSEDED, Release


class Rollback(Struct, frozen=True):
    """Where to go back to; version 0 is the one before the newest."""

    name: str
    version: int = 0
    waits: Waits = field(default_factory=Waits)
    force: bool = False
    cleanup_on_fail: bool = False
    dry_run: bool = False
    recreate_pods: bool = False


async def rollback(context: Context, wish: Rollback) -> Release:
    """Do it; the new revision. Raises ChartError."""
    names.check(wish.name)
    if wish.version < 0:
        raise ChartError("invalid release revision", f"see which there are: corral chart history {wish.name}")
    history = await context.releases.history(wish.name)
    current = history[-1]
    version = wish.version or current.version - 1
    target = next((r for r in history if r.version == version), None)
    if target is None:
        raise ChartError(
            "release: not found", f"there is no revision {version}; see which there are: corral chart history {wish.name}"
        )
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
    await context.create(release)
    await _perform(context, wish, current, release)
    for before in await context.releases.deployed(wish.name):
        before.set_status(SUPERSEDED, before.description)
        await context.record(before)
    if current.is_pending:
        # An upgrade that was interrupted: its revision is history now.
        current.set_status(SUPERSEDED, current.description)
        await context.record(current)
    release.set_status(DEPLOYED, release.description)
    await context.record(release)
    return release


async def _perform(context: Context, wish: Rollback, current: Release, release: Release) -> None:
    outcome = Outcome()
    try:
        before = await built(context, current.manifest, "current release manifest")
        after = await built(context, release.manifest, "new release manifest")
        ownership.claim(after, release.name, release.namespace)
        await context.hooks(release, "pre-rollback", wish.waits)
        await bring_all(context.cluster, before, after, force=wish.force, outcome=outcome)
    except (ChartError, ApiError, OSError, TimeoutError) as error:
        message, remedy = described(error)
        current.set_status(SUPERSEDED, current.description)
        release.set_status(FAILED, f'Rollback "{release.name}" failed: {message}')
        await context.record(current)
        await context.record(release)
        if wish.cleanup_on_fail:
            await context.cluster.by_kind(outcome.created, context.cluster.delete)
        raise ChartError(message, remedy) from None
    if wish.recreate_pods:
        await _recreate(context, after)
    try:
        if wish.waits.ready:
            await until_ready(context.cluster, after, wish.waits.timeout_s, jobs=wish.waits.jobs, tell=context.tell)
        await context.hooks(release, "post-rollback", wish.waits)
    except (ChartError, ApiError, OSError, TimeoutError) as error:
        message, remedy = described(error)
        release.set_status(FAILED, f'Release "{release.name}" failed: {message}')
        await context.record(release)
        raise ChartError(f"release {release.name} failed: {message}", remedy) from None


async def _recreate(context: Context, targets: list[Target]) -> None:
    """Delete the pods of what was brought back, so that they are made anew."""
    from corral.api.selectors import text_of

    for target in targets:
        selector = (target.obj.get("spec") or {}).get("selector")
        if target.kind not in ("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet") or not isinstance(selector, dict):
            continue
        for pod in (await context.cluster.client.list("pods", target.namespace, label_selector=text_of(selector))).items:
            await context.cluster.client.delete("pods", pod.key.name, pod.key.namespace)
