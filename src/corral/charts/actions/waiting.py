"""Waiting for a release's objects: by watches, never by asking again, and with a word about what is not ready and why.

async with Waiting(cluster, targets, ...) as waiting: await waiting.until_ready(timeout_s)
"""

import asyncio
import contextlib
from collections.abc import Callable, Sequence

from corral.api.errors import ApiError
from corral.api.objects import Object
from corral.charts.actions import reasons
from corral.charts.actions.cluster import Cluster, Target
from corral.charts.actions.readiness import ended, is_watched, lacks
from corral.charts.chart.errors import ChartError
from corral.client.informer import Informer

TIMED_OUT = "timed out waiting for the condition"
#: A wait is silent for so long; then it tells what it waits for, again when that has changed.
QUIET_S = 3.0
TELL_EVERY_S = 5.0

#: Called with the lines that a person may want to read while waiting.
Tell = Callable[[list[str]], None]


def silent(lines: list[str]) -> None:
    """Tell nobody."""


async def until_ready(
    cluster: Cluster, targets: Sequence[Target], timeout_s: float, *, jobs: bool = False, tell: Tell = silent
) -> None:
    """Return when all are ready. Raises ChartError, with what the pods say, when the time is up or a Job has failed."""
    watched = [t for t in targets if is_watched(t.kind, jobs=jobs)]

    def judge(target: Target, live: Object | None) -> str:
        if live is None:
            return "it is gone"
        if jobs and target.kind == "Job" and (fault := ended(live)[1]):
            raise ChartError(f"{fault} (Job {target.name})")
        return lacks(live, jobs=jobs)

    await _until(cluster, watched, judge, timeout_s, tell)


async def until_ended(cluster: Cluster, targets: Sequence[Target], timeout_s: float, *, tell: Tell = silent) -> None:
    """Return when the Jobs and Pods among the targets have succeeded. Raises ChartError for one that fails or lasts."""

    def judge(target: Target, live: Object | None) -> str:
        if live is None:
            return "it is gone"
        done, fault = ended(live)
        if fault:
            raise ChartError(fault)
        return "" if done else "it has not ended"

    await _until(cluster, [t for t in targets if t.kind in ("Job", "Pod")], judge, timeout_s, tell)


async def until_gone(cluster: Cluster, targets: Sequence[Target], timeout_s: float, *, tell: Tell = silent) -> None:
    """Return when none of them is there any more. Raises ChartError when the time is up."""
    await _until(cluster, targets, lambda target, live: "" if live is None else "it is still there", timeout_s, tell)


async def _until(
    cluster: Cluster, targets: Sequence[Target], judge: Callable[[Target, Object | None], str], timeout_s: float, tell: Tell
) -> None:
    if not targets:
        return
    informers = _informers(cluster, targets)
    changed = asyncio.Event()
    tasks: list[asyncio.Task[None]] = []

    def open_ones() -> list[tuple[Target, str]]:
        found = []
        for target in targets:
            live = informers[_place(target, targets)].get(target.namespace, target.name)
            if lack := judge(target, live):
                found.append((target, lack))
        return found

    async def wait() -> None:
        await _synced(informers)
        for informer in informers.values():
            informer.listen(lambda change: changed.set())
        while open_ones():
            changed.clear()
            await changed.wait()

    try:
        tasks += [asyncio.create_task(informer.run()) for informer in informers.values()]
        tasks.append(asyncio.create_task(_narrate(cluster, open_ones, tell)))
        async with asyncio.timeout(timeout_s):
            await wait()
    except TimeoutError:
        await _fail(cluster, targets, judge, informers, TIMED_OUT)
    except ChartError as error:
        await _fail(cluster, targets, judge, informers, error.message)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _synced(informers: dict[tuple[str, str, str], Informer]) -> None:
    for informer in informers.values():
        await informer.synced.wait()


async def _fail(
    cluster: Cluster,
    targets: Sequence[Target],
    judge: Callable[[Target, Object | None], str],
    informers: dict[tuple[str, str, str], Informer],
    message: str,
) -> None:
    """Raise ChartError with what is not ready, and why by the pods themselves."""
    open_targets, lines = [], []
    for target in targets:
        live = informers[_place(target, targets)].get(target.namespace, target.name)
        try:
            lack = judge(target, live)
        except ChartError as error:
            lack = error.message
        if lack:
            open_targets.append(target)
            lines.append(f"{target.kind} {target.name}: {lack}")
    with contextlib.suppress(ApiError, OSError):
        lines += await reasons.why(cluster, open_targets)
    raise ChartError(message, "\n    ".join(lines))


async def _narrate(cluster: Cluster, open_ones: Callable[[], list[tuple[Target, str]]], tell: Tell) -> None:
    if tell is silent:
        return
    before: list[str] = []
    await asyncio.sleep(QUIET_S)
    while True:
        with contextlib.suppress(ChartError):
            found = open_ones()
            lines = [f"{target.kind} {target.name}: {lack}" for target, lack in found]
            lines += await reasons.why(cluster, [target for target, _ in found])
            if lines and lines != before:
                tell(lines)
                before = lines
        await asyncio.sleep(TELL_EVERY_S)


def _informers(cluster: Cluster, targets: Sequence[Target]) -> dict[tuple[str, str, str], Informer]:
    """One watch a resource and namespace; of one object only, where only one is waited for."""
    made = {}
    for target in targets:
        place = _place(target, targets)
        if place not in made:
            if cluster.client.catalog.at(target.resource.group, target.resource.version, target.resource.plural) is None:
                cluster.client.catalog.add(target.resource)
            field_selector = f"metadata.name={place[2]}" if place[2] else ""
            made[place] = Informer(
                cluster.client, target.resource.group_resource, namespace=target.namespace, field_selector=field_selector
            )
    return made


def _place(target: Target, targets: Sequence[Target]) -> tuple[str, str, str]:
    resource, namespace = target.resource.group_resource, target.namespace
    alone = sum(t.resource.group_resource == resource and t.namespace == namespace for t in targets) == 1
    return resource, namespace, target.name if alone else ""
