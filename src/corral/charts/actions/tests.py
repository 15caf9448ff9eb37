"""Testing a release: its hooks of the event `test`, one after the other, and their logs.

https://helm.sh/docs/topics/chart_tests/
"""

from corral.api.errors import ApiError
from corral.base.annotations import Sequence
from corral.charts.actions.context import Context, Waits
from corral.charts.actions.pods import PODS
from corral.charts.manifests.split import Hook
from corral.charts.releases.model import Release

MAX_LOG_BYTES = 4 * 1024 * 1024


def run_tests(context: Context, name: str, *, timeout_s: float, filters: Sequence[str] = ()) -> Release:
    """Run them; the release with what became of each. Raises ChartError for a test that fails; it is stored all the same."""
    release = context.releases.get(name, 0)
    only = {f.removeprefix("name=") for f in filters if f.startswith("name=")}
    never = {f.removeprefix("!name=") for f in filters if f.startswith("!name=")}

    def wanted(hook: Hook) -> bool:
        return hook.name not in never and (not only or hook.name in only)

    try:
        context.hooks(release, "test", Waits(timeout_s=timeout_s), wanted)
    finally:
        context.record(release)
    return release


def logs(context: Context, release: Release) -> list[tuple[str, str]]:
    """The logs of the test pods: (pod, text)."""
    found = []
    for hook in release.hooks:
        if "test" not in hook.events or hook.kind != "Pod":
            continue
        path = PODS.path(release.namespace, hook.name, "log")
        try:
            data = context.cluster.api.raw(path, {"limitBytes": str(MAX_LOG_BYTES)})
        except ApiError as error:
            data = f"unable to get pod logs for {hook.name}: {error.message}".encode()
        found.append((hook.name, data.decode("utf-8", "replace")))
    return found
