"""Waiting for a release's objects: by watches, never by asking again, and with a word about what is not ready and why."""

import time

from corral.api.errors import ApiError
from corral.base.annotations import TYPE_CHECKING, Callable, Sequence
from corral.charts.actions.cluster import Cluster, Target
from corral.charts.actions.readiness import ended, is_watched, lacks
from corral.charts.chart.errors import ChartError

if TYPE_CHECKING:
    from corral.api.objects import Object
    from corral.client.following import Followed

TIMED_OUT = "timed out waiting for the condition"
#: A wait is silent for so long; then it tells what it waits for, again when that has changed.
QUIET_S = 3.0
TELL_EVERY_S = 5.0
FORBIDDEN = 403

#: Called with the lines that a person may want to read while waiting.
Tell = Callable[[list[str]], None]


def silent(lines: list[str]) -> None:
    """Tell nobody."""


def until_ready(
    cluster: Cluster, targets: Sequence[Target], timeout_s: float, *, jobs: bool = False, tell: Tell = silent
) -> None:
    """Return when all are ready. Raises ChartError, with what the pods say, when the time is up or a Job has failed."""
    watched = [t for t in targets if is_watched(t.kind, jobs=jobs)]

    def judge(target: Target, live: "Object | None") -> str:
        if live is None:
            return "it is gone"
        if jobs and target.kind == "Job" and (fault := ended(live)[1]):
            raise ChartError(f"{fault} (Job {target.name})")
        return lacks(live, jobs=jobs)

    _until(cluster, watched, judge, timeout_s, tell)


def until_ended(cluster: Cluster, targets: Sequence[Target], timeout_s: float, *, tell: Tell = silent) -> None:
    """Return when the Jobs and Pods among the targets have succeeded. Raises ChartError for one that fails or lasts."""

    def judge(target: Target, live: "Object | None") -> str:
        if live is None:
            return "it is gone"
        done, fault = ended(live)
        if fault:
            raise ChartError(fault)
        return "" if done else "it has not ended"

    _until(cluster, [t for t in targets if t.kind in ("Job", "Pod")], judge, timeout_s, tell)


def until_gone(cluster: Cluster, targets: Sequence[Target], timeout_s: float, *, tell: Tell = silent) -> None:
    """Return when none of them is there any more. Raises ChartError when the time is up."""
    _until(cluster, targets, lambda target, live: "" if live is None else "it is still there", timeout_s, tell)


#: What an object lacks, as it is now (None: it is not there); "" where nothing. Raises ChartError where it never will be.
Judge = Callable[[Target, "Object | None"], str]


def _until(cluster: Cluster, targets: Sequence[Target], judge: Judge, timeout_s: float, tell: Tell) -> None:
    if not targets:
        return
    from corral.charts.render.gotime import format_duration

    cluster.debug(f"beginning wait for {len(targets)} resources with timeout of {format_duration(int(timeout_s * 1e9))}")
    from corral.client.following import Collection, Followed  # threads, which few commands need

    places = [_place(target, targets) for target in targets]
    paths = {place: target.resource.path(target.namespace) for target, place in zip(targets, places, strict=True)}
    with Followed(cluster.api, {place: Collection(path, place[2]) for place, path in paths.items()}) as followed:
        wait = _Wait(cluster, list(zip(targets, places, strict=True)), judge, followed)
        try:
            wait.until(timeout_s, tell)
        except ChartError as error:
            raise ChartError(error.message, "\n    ".join(wait.lines(wait.open()))) from None


class _Wait:
    """Some objects, each with the place where it is followed, until none of them lacks anything."""

    def __init__(self, cluster: Cluster, targets: "Sequence[tuple[Target, Place]]", judge: Judge, followed: "Followed") -> None:
        self._cluster = cluster
        self._targets = targets
        self._judge = judge
        self._followed = followed

    def until(self, timeout_s: float, tell: Tell) -> None:
        """Return when it is so, and tell from time to time. Raises ChartError."""
        began_s = time.monotonic()
        end_s, tell_at_s = began_s + timeout_s, began_s + QUIET_S
        told: list[str] = []
        while self._is_lacking():
            now_s = time.monotonic()
            if now_s >= end_s:
                raise ChartError(TIMED_OUT)
            if now_s >= tell_at_s and tell is not silent:
                lines = self.lines(self.open())
                if lines and lines != told:
                    tell(lines)
                told, tell_at_s = lines, time.monotonic() + TELL_EVERY_S
            self._followed.wait((end_s if tell is silent else min(end_s, tell_at_s)) - time.monotonic())

    def open(self) -> list[tuple[Target, str]]:
        """Those that lack something, and what."""
        found = []
        for target, place in self._targets:
            try:
                lack = self._lack(target, place)
            except ChartError as error:
                lack = error.message
            if lack:
                found.append((target, lack))
        return found

    def lines(self, lacking: list[tuple[Target, str]]) -> list[str]:
        """What a person is told of them: what they lack, and why by the pods themselves."""
        from corral.charts.actions import reasons

        lines = [f"{target.kind} {target.name}: {lack}" for target, lack in lacking]
        return lines + reasons.why(self._cluster, [target for target, _ in lacking])

    def _is_lacking(self) -> bool:
        """Each of them is judged, since it is the last that may have failed for good."""
        return sum(bool(self._lack(target, place)) for target, place in self._targets) > 0

    def _lack(self, target: Target, place: "Place") -> str:
        fault = self._followed.fault(place)
        if isinstance(fault, ApiError) and fault.code == FORBIDDEN:
            raise ChartError(fault.message)  # which no waiting changes
        if fault is not None:
            return f"it cannot be watched: {fault}"
        if not self._followed.is_known(place):
            return "it has not been looked at yet"
        return self._judge(target, self._followed.get(place, target.namespace, target.name))


Place = tuple[str, str, str]


def _place(target: Target, targets: Sequence[Target]) -> Place:
    """Where a target is followed: one watch a resource and namespace; of one object only, where only one is waited for."""
    resource, namespace = target.resource.group_resource, target.namespace
    alone = sum(t.resource.group_resource == resource and t.namespace == namespace for t in targets) == 1
    return resource, namespace, target.name if alone else ""
