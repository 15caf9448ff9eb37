"""Running the hooks of an event."""

from corral.api.errors import ApiError
from corral.base.annotations import Callable
from corral.charts.actions.cluster import Cluster
from corral.charts.actions.waiting import Tell, until_ended, until_gone
from corral.charts.chart.errors import ChartError
from corral.charts.hooks.plan import BEFORE_CREATION, FAILED, SUCCEEDED, due, is_deleted
from corral.charts.manifests.split import Hook
from corral.charts.releases.model import Release


def run(
    cluster: Cluster,
    release: Release,
    event: str,
    *,
    timeout_s: float,
    now: Callable[[], str],
    record: Callable[[], None],
    tell: Tell,
    wanted: Callable[[Hook], bool] = lambda hook: True,
) -> None:
    """Run the hooks of `event`, each to its end before the next; `record` stores the release as it goes. Raises ChartError."""
    hooks = [hook for hook in due(release.hooks, event) if wanted(hook)]
    for hook in hooks:
        hook.delete_policies = hook.delete_policies or [BEFORE_CREATION]
        _delete(cluster, hook, BEFORE_CREATION, timeout_s)
        try:
            targets = cluster.build(hook.manifest)
        except ChartError as error:
            raise ChartError(
                f"unable to build kubernetes object for {event} hook {hook.path}: {error.message}", error.remedy
            ) from None
        hook.last_run = {"started_at": now(), "completed_at": "", "phase": "Running"}
        record()
        hook.last_run["phase"] = "Unknown"
        try:
            cluster.create_all(targets)
        except ApiError as error:
            hook.last_run |= {"completed_at": now(), "phase": "Failed"}
            raise ChartError(f"warning: Hook {event} {hook.path} failed: {error.message}") from None
        try:
            until_ended(cluster, targets, timeout_s, tell=tell)
        except ChartError:
            hook.last_run |= {"completed_at": now(), "phase": "Failed"}
            _delete(cluster, hook, FAILED, timeout_s)
            raise
        hook.last_run |= {"completed_at": now(), "phase": "Succeeded"}
    for hook in hooks:
        _delete(cluster, hook, SUCCEEDED, timeout_s)


def _delete(cluster: Cluster, hook: Hook, when: str, timeout_s: float) -> None:
    if not is_deleted(hook, when):
        return
    targets = cluster.build(hook.manifest)
    for target in targets:
        cluster.debug(f'Starting delete for "{target.name}" {target.kind}')
    found = [target for target in targets if cluster.delete(target)]
    until_gone(cluster, found, timeout_s)
