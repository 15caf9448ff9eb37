"""Upgrade: the next revision of a release. What the old manifest had and the new has not goes; the rest is patched.

https://helm.sh/docs/helm/helm_upgrade/
"""

from corral.api.errors import ApiError
from corral.base.annotations import NamedTuple
from corral.charts import names
from corral.charts.actions import ownership
from corral.charts.actions.changes import bring_all
from corral.charts.actions.cluster import Target, unique
from corral.charts.actions.context import Context
from corral.charts.actions.install import FAILURES, described
from corral.charts.actions.live import rendered
from corral.charts.actions.rendering import prepared
from corral.charts.actions.waiting import until_ready
from corral.charts.actions.wish import Wish
from corral.charts.chart.errors import ChartError
from corral.charts.chart.model import Values
from corral.charts.releases.model import (
    DEPLOYED,
    FAILED,
    PENDING_UPGRADE,
    SUPERSEDED,
    Release,
)
from corral.charts.releases.storage import NotFoundError
from corral.charts.values.coalesce import coalesce, copied, merge_tables

IN_PROGRESS = "another operation (install/upgrade/rollback) is in progress"


class Upgrade(NamedTuple):
    """What to upgrade to, and how. `reset_…` and `reuse_…` say which values of the last revision count (`reused`)."""

    wish: Wish
    cleanup_on_fail: bool = False
    reset_values: bool = False
    reuse_values: bool = False
    reset_then_reuse_values: bool = False


class Plan(NamedTuple):
    """What is there and what is to be, before anything is done."""

    old: Release
    new: Release
    before: list[Target]
    after: list[Target]


def upgrade(context: Context, asked: Upgrade) -> Release:
    """Do it; the new revision. Raises ChartError; with `atomic` the last good revision is then back."""
    wish = asked.wish
    context.debug(f"preparing upgrade for {wish.name}")
    plan = planned(context, asked)
    context.debug(f"performing update for {wish.name}")
    if wish.dry_run:
        plan.new.description = wish.description or "Dry run complete"
        return plan.new
    context.debug(f"creating upgraded release for {wish.name}")
    context.create(plan.new)
    created: list[Target] = []
    try:
        _perform(context, wish, plan, created)
    except FAILURES as error:
        _failed(context, asked, plan.new, created, error)
    context.debug(f"updating status for upgraded release for {wish.name}")
    plan.old.set_status(SUPERSEDED, plan.old.description)
    context.record(plan.old)
    plan.new.set_status(DEPLOYED, wish.description or "Upgrade complete")
    context.record(plan.new)
    return plan.new


def planned(context: Context, asked: Upgrade) -> Plan:
    """The new revision and its objects, checked. Raises ChartError."""
    wish = asked.wish
    names.check(wish.name)
    last, current = _base(context, wish.name)
    values = prepared(wish.chart, reused(asked, current))
    new = Release(
        name=wish.name,
        namespace=current.namespace,
        version=last.version + 1,
        chart=wish.chart,
        config=values,
        status=PENDING_UPGRADE,
        description="Preparing upgrade",
        first_deployed=current.first_deployed,
        last_deployed=context.now(),
        labels={k: v for k, v in {**current.labels, **wish.labels}.items() if v != "null"},
    )
    rendered(context.cluster, new, wish.rendering, is_upgrade=True)
    before = built(context, current.manifest, "current release manifest")
    after = built(context, new.manifest, "new release manifest", strict=wish.validate)
    ownership.claim(after, new.name, new.namespace)
    known = unique(before)
    added = [target for target in after if target.key not in known]
    before += ownership.conflicts(context.cluster, added, new.name, new.namespace, "update")
    return Plan(current, new, before, after)


def _base(context: Context, name: str) -> tuple[Release, Release]:
    """The newest revision, and the one to upgrade from. Raises ChartError where there is none, or somebody is at it."""
    try:
        last = context.releases.get(name, 0)
    except NotFoundError:
        raise ChartError(
            f'"{name}" has no deployed releases', f"install it: corral chart install {name} CHART, or upgrade --install"
        ) from None
    if last.is_pending:
        raise ChartError(
            IN_PROGRESS,
            f"wait for it; if it was interrupted ({last.status} since {last.last_deployed[:19]}), go back to the last good "
            f"revision: corral chart rollback {name}"
            if last.version > 1
            else f"wait for it; if it was interrupted: corral chart uninstall {name}, and install again",
        )
    if last.status == DEPLOYED:
        return last, last
    if deployed := context.releases.deployed(name):
        return last, deployed[0]
    if last.status in (FAILED, SUPERSEDED):
        return last, last
    raise ChartError(f'"{name}" has no deployed releases', f"install it anew: corral chart install {name} CHART --replace")


def reused(asked: Upgrade, current: Release) -> Values:
    """The values of the new revision: the user's, and of the last revision's what the options say. May set the chart's own."""
    mine: Values = copied(asked.wish.values)
    if asked.reset_values:
        return mine
    if asked.reuse_values:
        asked.wish.chart.values = coalesce(current.chart, current.config)
        return merge_tables(mine, current.config)
    if asked.reset_then_reuse_values:
        return merge_tables(mine, current.config)
    return mine or copied(current.config)


def built(context: Context, manifest: str, what: str, *, strict: bool = False) -> list[Target]:
    """The objects of a manifest. Raises ChartError that names it."""
    try:
        return context.cluster.build(manifest, strict=strict)
    except ChartError as error:
        raise ChartError(f"unable to build kubernetes objects from {what}: {error.message}", error.remedy) from None


def _perform(context: Context, wish: Wish, plan: Plan, created: list[Target]) -> None:
    _hooks(context, wish, plan.new, "pre-upgrade")
    bring_all(context.cluster, plan.before, plan.after, force=wish.force, created=created)
    if wish.waits.ready:
        until_ready(context.cluster, plan.after, wish.waits.timeout_s, jobs=wish.waits.jobs, tell=context.tell)
    _hooks(context, wish, plan.new, "post-upgrade")


def _hooks(context: Context, wish: Wish, release: Release, event: str) -> None:
    try:
        context.hooks(release, event, wish.waits)
    except (ChartError, ApiError) as error:
        raise ChartError(f"{event} hooks failed: {error.message}", getattr(error, "remedy", "")) from None


def _failed(context: Context, asked: Upgrade, release: Release, created: list[Target], error: BaseException) -> None:
    wish = asked.wish
    message, remedy = described(error)
    release.set_status(FAILED, f'Upgrade "{release.name}" failed: {message}')
    context.record(release)
    if asked.cleanup_on_fail or wish.atomic:
        context.cluster.by_kind(created, context.cluster.delete)
    if not wish.atomic:
        back = f"go back: corral chart rollback {release.name}"
        raise ChartError(message, "\n    ".join(filter(None, (remedy, back))))
    good = [r for r in context.releases.history(release.name) if r.status in (SUPERSEDED, DEPLOYED)]
    if not good:
        raise ChartError(
            "unable to find a previously successful release when attempting to rollback. original upgrade error: " + message,
            remedy,
        )
    from corral.charts.actions.rollback import Rollback, rollback

    waits = wish.waits._replace(ready=True)
    try:
        rollback(context, Rollback(release.name, good[-1].version, waits, force=wish.force, cleanup_on_fail=True))
    except (ChartError, ApiError) as undone:
        raise ChartError(
            f"an error occurred while rolling back the release. original upgrade error: {message}: {undone.message}", remedy
        ) from None
    raise ChartError(f"release {release.name} failed, and has been rolled back due to atomic being set: {message}", remedy)
