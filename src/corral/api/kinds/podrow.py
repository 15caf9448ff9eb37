"""A pod's row in a table: what `kubectl get pods` shows of readiness, status and restarts."""

from corral.api.durations import elapsed
from corral.api.objects import Object


def pod_cells(pod: Object, now_s: float) -> list[object]:
    """Name, ready, status, restarts, age, IP, node, nominated node, readiness gates."""
    summary = _Summary(pod)
    spec, status = pod.get("spec") or {}, pod.get("status") or {}
    restarts = str(summary.restarts)
    if summary.restarts and summary.last_restart:
        restarts = f"{summary.restarts} ({elapsed(summary.last_restart, now_s)} ago)"
    addresses = status.get("podIPs") or [{"ip": status.get("podIP", "")}]
    return [
        pod["metadata"].get("name", ""),
        f"{summary.ready}/{summary.total}",
        summary.reason,
        restarts,
        elapsed(pod["metadata"].get("creationTimestamp"), now_s),
        addresses[0].get("ip") or "<none>",
        spec.get("nodeName") or "<none>",
        status.get("nominatedNodeName") or "<none>",
        _readiness_gates(spec, status),
    ]


class _Summary:
    """What is counted while the container statuses are walked through."""

    def __init__(self, pod: Object) -> None:
        self.spec: Object = pod.get("spec") or {}
        self.status: Object = pod.get("status") or {}
        inits = self.spec.get("initContainers") or []
        self.sidecars = {c["name"] for c in inits if c.get("restartPolicy") == "Always"}
        self.total = len(self.spec.get("containers") or ()) + len(self.sidecars)
        self.ready = 0
        self.restarts = 0
        self.last_restart = ""
        self.reason: str = self.status.get("reason") or self.status.get("phase") or ""
        if self._condition("PodScheduled").get("reason") == "SchedulingGated":
            self.reason = "SchedulingGated"
        sidecar_restarts, sidecar_last = self._sum_inits(len(inits))
        if not self.initializing or self._condition("Initialized").get("status") == "True":
            self.restarts, self.last_restart = sidecar_restarts, sidecar_last
            self._sum_containers()
        if pod["metadata"].get("deletionTimestamp"):
            if self.status.get("reason") == "NodeLost":
                self.reason = "Unknown"
            elif self.status.get("phase") not in ("Succeeded", "Failed"):
                self.reason = "Terminating"

    def _condition(self, name: str) -> Object:
        for condition in self.status.get("conditions") or ():
            if condition.get("type") == name:
                return dict(condition)
        return {}

    def _sum_inits(self, count: int) -> tuple[int, str]:
        self.initializing = False
        sidecar_restarts, sidecar_last = 0, ""
        for i, container in enumerate(self.status.get("initContainerStatuses") or ()):
            sidecar = container.get("name") in self.sidecars
            restarts, last = container.get("restartCount", 0), _finished(container)
            self.restarts += restarts
            self.last_restart = max(self.last_restart, last)
            if sidecar:
                sidecar_restarts += restarts
                sidecar_last = max(sidecar_last, last)
            state = container.get("state") or {}
            terminated, waiting = state.get("terminated"), state.get("waiting") or {}
            if terminated and not terminated.get("exitCode"):
                continue
            if sidecar and container.get("started"):
                self.ready += bool(container.get("ready"))
                continue
            self.initializing = True
            if terminated:
                self.reason = "Init:" + (terminated.get("reason") or _exit(terminated))
            elif waiting.get("reason") not in (None, "", "PodInitializing"):
                self.reason = "Init:" + waiting["reason"]
            else:
                self.reason = f"Init:{i}/{count}"
            break
        return sidecar_restarts, sidecar_last

    def _sum_containers(self) -> None:
        running = False
        for container in reversed(self.status.get("containerStatuses") or ()):
            self.restarts += container.get("restartCount", 0)
            self.last_restart = max(self.last_restart, _finished(container))
            state = container.get("state") or {}
            terminated, waiting = state.get("terminated"), state.get("waiting") or {}
            if waiting.get("reason"):
                self.reason = waiting["reason"]
            elif terminated is not None:
                self.reason = terminated.get("reason") or _exit(terminated)
            elif container.get("ready") and state.get("running") is not None:
                running = True
                self.ready += 1
        if running and self.reason == "Completed":
            self.reason = "Running" if self._condition("Ready").get("status") == "True" else "NotReady"


def _exit(terminated: Object) -> str:
    if terminated.get("signal"):
        return f"Signal:{terminated['signal']}"
    return f"ExitCode:{terminated.get('exitCode', 0)}"


def _finished(container: Object) -> str:
    """When the container's last run ended, as RFC 3339 (these sort as texts), or ''."""
    last = (container.get("lastState") or {}).get("terminated") or {}
    return last.get("finishedAt") or ""


def _readiness_gates(spec: Object, status: Object) -> str:
    gates = spec.get("readinessGates") or ()
    if not gates:
        return "<none>"
    true = {c["type"] for c in status.get("conditions") or () if c.get("status") == "True"}
    return f"{sum(gate['conditionType'] in true for gate in gates)}/{len(gates)}"
