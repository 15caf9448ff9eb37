"""Install: the first revision of a release. Nothing is made before everything that can be checked has been.

https://helm.sh/docs/helm/helm_install/
"""

from corral.api.errors import ApiError
from corral.charts import names
from corral.charts.actions import ownership
from corral.charts.actions.cluster import Cluster, Target, unique
from corral.charts.actions.context import Context, Waits
from corral.charts.actions.live import rendered
from corral.charts.actions.rendering import prepared
from corral.charts.actions.waiting import until_ready
from corral.charts.actions.wish import Wish
from corral.charts.chart.errors import ChartError
from corral.charts.chart.model import Chart
from corral.charts.releases.model import DEPLOYED, FAILED, PENDING_INSTALL, SUPERSEDED, UNINSTALLED, Release
from corral.charts.releases.storage import NotFoundError

DEFINITIONS_TIMEOUT_S = 60.0


class Install(Wish, frozen=True):
    """What to install, and how. `replace`: the name of a release that was uninstalled may be taken."""

    create_namespace: bool = False
    replace: bool = False
    skip_crds: bool = False


async def install(context: Context, wish: Install) -> Release:
    """Do it; the release as it is stored. Raises ChartError; with `atomic` nothing is then left of it."""
    names.check(wish.name)
    old = await _available(context, wish)
    cluster = context.cluster
    if not wish.skip_crds and not wish.dry_run:
        await install_definitions(cluster, wish.chart)
    values = prepared(wish.chart, wish.values)
    release = Release(
        name=wish.name,
        namespace=context.namespace,
        version=old[-1].version + 1 if old else 1,
        chart=wish.chart,
        config=values,
        labels=dict(wish.labels),
    )
    release.first_deployed = release.last_deployed = context.now()
    await rendered(cluster, release, wish.rendering, is_upgrade=False)
    release.set_status(PENDING_INSTALL, "Initial install underway")
    targets = await _targets(cluster, release, strict=wish.validate)
    ours = await ownership.conflicts(cluster, targets, release.name, release.namespace, "install") if targets else []
    if wish.dry_run:
        release.description = "Dry run complete"
        return release
    if wish.create_namespace:
        await ensure_namespace(cluster)
    for before in old[-1:]:
        before.set_status(SUPERSEDED, before.description)
        await context.record(before)
    await context.create(release)
    try:
        await _perform(context, wish, release, targets, ours)
    except (ChartError, ApiError, OSError, TimeoutError) as error:
        await _failed(context, wish, release, error)
    release.set_status(DEPLOYED, wish.description or "Install complete")
    await context.record(release)
    return release


async def _available(context: Context, wish: Install) -> list[Release]:
    """The revisions of a release that is uninstalled and may be replaced. Raises ChartError where the name is taken."""
    if wish.dry_run:
        return []
    try:
        history = await context.releases.history(wish.name)
    except NotFoundError:
        return []
    last = history[-1]
    if wish.replace and last.status in (UNINSTALLED, FAILED):
        return history
    hint = f"change it: corral chart upgrade {wish.name} CHART, or take another name"
    if last.is_pending:
        hint = f"an install was interrupted: corral chart uninstall {wish.name}, then install again"
    elif last.status in (UNINSTALLED, FAILED):
        hint = f"it is {last.status}: corral chart uninstall {wish.name} forgets it, --replace takes its name"
    raise ChartError("cannot re-use a name that is still in use", hint)


async def _targets(cluster: Cluster, release: Release, *, strict: bool) -> list[Target]:
    try:
        targets = await cluster.build(release.manifest, strict=strict)
    except ChartError as error:
        raise ChartError(f"unable to build kubernetes objects from release manifest: {error.message}", error.remedy) from None
    ownership.claim(targets, release.name, release.namespace)
    return targets


async def _perform(context: Context, wish: Install, release: Release, targets: list[Target], ours: list[Target]) -> None:
    cluster = context.cluster
    await _hooks(context, wish, release, "pre-install")
    there = unique(ours)
    await cluster.create_all([t for t in targets if t.key not in there])
    # What is there already as this release's (an install that was undone halfway) is made what the manifest says.
    await cluster.by_kind(ours, lambda target: cluster.bring(target.obj, target, force=wish.force))
    if wish.waits.ready:
        await until_ready(cluster, targets, wish.waits.timeout_s, jobs=wish.waits.jobs, tell=context.tell)
    await _hooks(context, wish, release, "post-install")


async def _hooks(context: Context, wish: Install, release: Release, event: str) -> None:
    try:
        await context.hooks(release, event, wish.waits)
    except (ChartError, ApiError) as error:
        raise ChartError(f"failed {event}: {error.message}", getattr(error, "remedy", "")) from None


async def _failed(context: Context, wish: Install, release: Release, error: Exception) -> None:
    """Store the failure, or undo everything; raises in the end."""
    message, remedy = described(error)
    release.set_status(FAILED, f'Release "{release.name}" failed: {message}')
    if wish.atomic:
        from corral.charts.actions.uninstall import Uninstall, uninstall

        try:
            await uninstall(
                context, Uninstall(release.name, Waits(timeout_s=wish.waits.timeout_s, hooks=wish.waits.hooks)), release
            )
        except (ChartError, ApiError) as undone:
            raise ChartError(
                f"an error occurred while uninstalling the release. original install error: {message}: {undone.message}", remedy
            ) from None
        raise ChartError(f"release {release.name} failed, and has been uninstalled due to atomic being set: {message}", remedy)
    await context.record(release)
    again = f"look at it: corral chart status {release.name}; take it away: corral chart uninstall {release.name}"
    raise ChartError(message, "\n    ".join(filter(None, (remedy, again))))


def described(error: Exception) -> tuple[str, str]:
    """An error's message and what to do about it."""
    if isinstance(error, ChartError):
        return error.message, error.remedy
    if isinstance(error, ApiError):
        return error.message, ""
    return str(error) or type(error).__name__, "is the cluster up? kubectl get nodes"


async def install_definitions(cluster: Cluster, chart: Chart) -> None:
    """Make the custom resource definitions of `crds/` that are not there, and return when they are served."""
    made = []
    for crd in chart.crds():
        try:
            targets = await cluster.build(crd.file.data.decode("utf-8", "replace"))
        except ChartError as error:
            raise ChartError(f"failed to install CRD {crd.file.name}: {error.message}", error.remedy) from None
        for target in targets:
            try:
                await cluster.create(target)
            except ApiError as error:
                if error.reason != "AlreadyExists":
                    raise ChartError(f"failed to install CRD {crd.file.name}: {error.message}") from None
            else:
                made.append(target)
    if made:
        await until_ready(cluster, made, DEFINITIONS_TIMEOUT_S)
        cluster.forget_discovery()


async def ensure_namespace(cluster: Cluster) -> None:
    """Make the namespace of the release where it is not there."""
    body = {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": cluster.namespace, "labels": {"name": cluster.namespace}},
    }
    try:
        await cluster.client.create("namespaces", body)
    except ApiError as error:
        if error.reason != "AlreadyExists":
            raise
