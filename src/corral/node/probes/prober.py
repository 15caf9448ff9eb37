"""Asks containers how they are, each at its own period, and keeps the verdicts.

Nothing is asked between periods, but for a container that is not ready yet: it is asked again soon, then less and less often,
so that a program that listens a moment after its start is ready then, and not a period later. A verdict changes after as many
equal answers as its threshold says; each change calls back.
https://kubernetes.io/docs/concepts/configuration/liveness-readiness-startup-probes/
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Literal

from msgspec import Struct, field
from msgspec.structs import replace

from corral.api.objects import Object
from corral.base.clock import Clock
from corral.node.cri.runtime import Runtime
from corral.node.podstate.observed import ProbeResults

log = logging.getLogger(__name__)

Kind = Literal["startup", "liveness", "readiness"]
KINDS: tuple[Kind, ...] = ("startup", "liveness", "readiness")
#: Container name, kind of probe, and whether the answer was good.
Asked = tuple[str, Kind, bool]
Say = Callable[[str, str, str], None]

#: How soon a container that is not ready is asked again; twice as long each time, until it is the period.
FIRST_RETRY_S = 0.1


class _Probed(Struct):
    container: Object
    pod_ips: Sequence[str]
    say: Say
    started_s: float
    results: ProbeResults
    tasks: list[asyncio.Task[None]] = field(default_factory=list)
    started: asyncio.Event = field(default_factory=asyncio.Event)


class Prober:
    """The probes of one pod. `changed()` is called when a verdict has changed."""

    def __init__(self, runtime: Runtime, clock: Clock, changed: Callable[[], None]) -> None:
        self._runtime = runtime
        self._clock = clock
        self._changed = changed
        self._probed: dict[str, _Probed] = {}
        self.asked: Counter[Asked] = Counter()

    @property
    def results(self) -> dict[str, ProbeResults]:
        """Container id → verdicts."""
        return {id: probed.results for id, probed in self._probed.items()}

    def watch(
        self,
        id: str,
        container: Object,
        pod_ips: Sequence[str],
        started_s: float,
        say: Say,
        *,
        was_ready: bool,
        was_started: bool,
    ) -> None:
        """Probe a container that runs since `started_s`; `was_ready` and `was_started` are what an earlier agent knew of it."""
        wanted = [kind for kind in KINDS if container.get(f"{kind}Probe")]
        if id in self._probed or not wanted:
            return
        results = ProbeResults(
            startup=True if was_started and "startup" in wanted else None,
            readiness=was_ready if "readiness" in wanted else None,
        )
        probed = self._probed[id] = _Probed(container, pod_ips, say, started_s, results)
        if "startup" not in wanted or was_started:
            probed.started.set()
        for kind in wanted:
            if kind == "startup" and was_started:
                continue
            probed.tasks.append(asyncio.create_task(self._run(id, kind, probed), name=f"{kind} probe {container['name']}"))

    def forget(self, id: str) -> None:
        """The container runs no more."""
        probed = self._probed.pop(id, None)
        if probed is not None:
            for task in probed.tasks:
                task.cancel()

    def keep_only(self, ids: set[str]) -> None:
        """Forget all containers but these."""
        for id in [id for id in self._probed if id not in ids]:
            self.forget(id)

    def close(self) -> None:
        """Ask nothing any more."""
        self.keep_only(set())

    async def _run(self, id: str, kind: Kind, probed: _Probed) -> None:
        spec = probed.container[f"{kind}Probe"]
        if kind != "startup":
            await probed.started.wait()
        period_s = float(spec.get("periodSeconds") or 10)
        first_s = float(spec.get("initialDelaySeconds") or 0) - (self._clock.now() - probed.started_s)
        await self._clock.sleep(max(0.0, first_s))
        row, last, soon_s, told = 0, None, FIRST_RETRY_S, True
        while True:
            began_s = self._clock.monotonic()
            good, text = await self._ask(id, spec, probed)
            self.asked[probed.container["name"], kind, good] += 1
            row = row + 1 if good == last else 1
            last = good
            if not good and told:
                probed.say("Warning", "Unhealthy", f"{kind.capitalize()} probe failed: {text}".rstrip())
            threshold = spec.get("successThreshold") or 1 if good else spec.get("failureThreshold") or 3
            if row >= threshold:
                self._settle(kind, probed, good)
                if kind == "startup" or (kind == "liveness" and not good):
                    return  # Started, or condemned: there is nothing more to ask.
            took_s = self._clock.monotonic() - began_s
            pause_s = period_s
            if kind == "readiness" and not good and not probed.results.readiness:
                pause_s, soon_s = min(period_s, soon_s), soon_s * 2
            told = pause_s == period_s  # What is asked beside the period makes no event.
            await self._clock.sleep(max(0.0, pause_s - took_s))

    async def _ask(self, id: str, spec: Object, probed: _Probed) -> tuple[bool, str]:
        timeout_s = float(spec.get("timeoutSeconds") or 1)
        ip = probed.pod_ips[0] if probed.pod_ips else "127.0.0.1"
        if action := spec.get("exec"):
            from corral.node.probes import command

            return await command.probe(self._runtime, id, action, timeout_s)
        if action := spec.get("httpGet"):
            from corral.node.probes import http

            return await http.probe(probed.container, action, ip, timeout_s)
        if action := spec.get("tcpSocket"):
            from corral.node.probes import tcp

            return await tcp.probe(probed.container, action, ip, timeout_s)
        from corral.node.probes import health

        return await health.probe(spec["grpc"], ip, timeout_s)

    def _settle(self, kind: Kind, probed: _Probed, good: bool) -> None:
        if getattr(probed.results, kind) == good:
            return
        probed.results = replace(probed.results, **{kind: good})
        if kind == "startup" and good:
            probed.started.set()
        self._changed()
