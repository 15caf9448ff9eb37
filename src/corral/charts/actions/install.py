"""Install: the first revision of a release. Nothing is made before everything that can be checked has been.

https://helm.sh/docs/helm/helm_install/
"""

from corral.api.errors import ApiError
from corral.base.annotations import NamedTuple
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
#: What makes a release a failed one, Ctrl-C too: one that stays pending can neither be used nor upgraded.
FAILURES = (ChartError, ApiError, OSError, KeyboardInterrupt)


class Install(NamedTuple):
    """What to install, and how. `replace`: the name of a release that was uninstalled may be taken."""

    wish: Wish
    create_namespace: bool = False
    replace: bool = False
    skip_crds: bool = False


def install(context: Context, asked: Install) -> Release:
    """Do it; the release as it is stored. Raises ChartError; with `atomic` nothing is then left of it."""
    wish, cluster = asked.wish, context.cluster
    names.check(wish.name)
    old = _available(context, wish.name, replace=asked.replace) if not wish.dry_run else []
    if not asked.skip_crds and not wish.dry_run:
        install_definitions(cluster, wish.chart)
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
    rendered(cluster, release, wish.rendering, is_upgrade=False)
    release.set_status(PENDING_INSTALL, "Initial install underway")
    targets = _targets(cluster, release, strict=wish.validate)
    ours = ownership.conflicts(cluster, targets, release.name, release.namespace, "install") if targets else []
    if wish.dry_run:
        release.description = "Dry run complete"
        return release
    if asked.create_namespace:
        ensure_namespace(cluster)
    for before in old[-1:]:
        before.set_status(SUPERSEDED, "superseded by new release")
        context.record(before)
    context.create(release)
    try:
        _perform(context, wish, release, targets, ours)
    except FAILURES as error:
        _failed(context, wish, release, error)
    release.set_status(DEPLOYED, wish.description or "Install complete")
    context.record(release)
    return release


def _available(context: Context, name: str, *, replace: bool) -> list[Release]:
    """The revisions of a release that is uninstalled and may be replaced. Raises ChartError where the name is taken."""
    try:
        history = context.releases.history(name)
    except NotFoundError:
        return []
    last = history[-1]
    if replace and last.status in (UNINSTALLED, FAILED):
        return history
    hint = f"change it: corral chart upgrade {name} CHART, or take another name"
    if last.is_pending:
        hint = f"an install was interrupted: corral chart uninstall {name}, then install again"
    elif last.status in (UNINSTALLED, FAILED):
        hint = f"it is {last.status}: corral chart uninstall {name} forgets it, --replace takes its name"
    raise ChartError("cannot re-use a name that is still in use", hint)


def _targets(cluster: Cluster, release: Release, *, strict: bool) -> list[Target]:
    try:
        targets = cluster.build(release.manifest, strict=strict)
    except ChartError as error:
        raise ChartError(f"unable to build kubernetes objects from release manifest: {error.message}", error.remedy) from None
    ownership.claim(targets, release.name, release.namespace)
    return targets


def _perform(context: Context, wish: Wish, release: Release, targets: list[Target], ours: list[Target]) -> None:
    cluster = context.cluster
    _hooks(context, wish, release, "pre-install")
    there = unique(ours)
    cluster.create_all([t for t in targets if t.key not in there])
    # What is there already as this release's (an install that was undone halfway) is made what the manifest says.
    cluster.by_kind(ours, lambda t: cluster.bring(t.obj, t, cluster.api.get(t.path), force=wish.force))
    if wish.waits.ready:
        until_ready(cluster, targets, wish.waits.timeout_s, jobs=wish.waits.jobs, tell=context.tell)
    _hooks(context, wish, release, "post-install")


def _hooks(context: Context, wish: Wish, release: Release, event: str) -> None:
    try:
        context.hooks(release, event, wish.waits)
    except (ChartError, ApiError) as error:
        raise ChartError(f"failed {event}: {error.message}", getattr(error, "remedy", "")) from None


def _failed(context: Context, wish: Wish, release: Release, error: BaseException) -> None:
    """Store the failure, or undo everything; raises in the end."""
    message, remedy = described(error)
    release.set_status(FAILED, f'Release "{release.name}" failed: {message}')
    if wish.atomic:
        from corral.charts.actions.uninstall import Uninstall, uninstall

        try:
            uninstall(context, Uninstall(release.name, Waits(timeout_s=wish.waits.timeout_s, hooks=wish.waits.hooks)), release)
        except (ChartError, ApiError) as undone:
            raise ChartError(
                f"an error occurred while uninstalling the release. original install error: {message}: {undone.message}", remedy
            ) from None
        raise ChartError(f"release {release.name} failed, and has been uninstalled due to atomic being set: {message}", remedy)
    context.record(release)
    again = f"look at it: corral chart status {release.name}; take it away: corral chart uninstall {release.name}"
    raise ChartError(message, "\n    ".join(filter(None, (remedy, again))))


def described(error: BaseException) -> tuple[str, str]:
    """An error's message and what to do about it."""
    if isinstance(error, KeyboardInterrupt):
        return "context canceled", ""
    if isinstance(error, ChartError):
        return error.message, error.remedy
    if isinstance(error, ApiError):
        return error.message, ""
    return str(error) or type(error).__name__, "is the cluster up? kubectl get nodes"


def install_definitions(cluster: Cluster, chart: Chart) -> None:
    """Make the custom resource definitions of `crds/` that are not there, and return when they are served."""
    made = []
    for crd in chart.crds():
        try:
            targets = cluster.build(crd.file.data.decode("utf-8", "replace"))
        except ChartError as error:
            raise ChartError(f"failed to install CRD {crd.file.name}: {error.message}", error.remedy) from None
        for target in targets:
            try:
                cluster.create(target)
            except ApiError as error:
                if error.reason != "AlreadyExists":
                    raise ChartError(f"failed to install CRD {crd.file.name}: {error.message}") from None
            else:
                made.append(target)
    if made:
        until_ready(cluster, made, DEFINITIONS_TIMEOUT_S)
        cluster.forget_discovery()


def ensure_namespace(cluster: Cluster) -> None:
    """Make the namespace of the release where it is not there."""
    body = {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": cluster.namespace, "labels": {"name": cluster.namespace}},
    }
    try:
        cluster.api.create("/api/v1/namespaces", body)
    except ApiError as error:
        if error.reason != "AlreadyExists":
            raise
