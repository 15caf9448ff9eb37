"""What a HorizontalPodAutoscaler does next: pure. `decide` looks at target, pods and metrics; `scaled`, `refused` and
`unscalable` make the status of how it went.

The parts: `replicacount` (from a metric to a number), `scalingrules` (from that number to the one to have now).
https://kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale/
"""

from collections.abc import Mapping, Sequence

from msgspec import Struct, field

from corral.api.objects import Object
from corral.api.quantity import QuantityError, parse
from corral.base.clock import rfc3339
from corral.controllers import replicacount
from corral.controllers.actions import Action, Note
from corral.controllers.replicacount import MetricError, PodMetric, Proposal, Tolerance
from corral.controllers.scalingrules import Bounds, History, Moment, longest_s, settle

NOTHING = History()
NO_METRICS = "no metrics returned from resource metrics API"
#: Types of resource metrics → the field of their source, and what they are called.
_RESOURCES = {"Resource": ("resource", "resource"), "ContainerResource": ("containerResource", "container resource")}

#: (resource, container or "") → pod → metric; or why there is none.
Measured = Mapping[tuple[str, str], Mapping[str, PodMetric] | str]


class View(Struct, frozen=True):
    """What a decision looks at: the target's Scale, the pods that it selects, and what they use."""

    scale: Object
    pods: Sequence[Object]
    measured: Measured
    history: History = NOTHING
    #: Metrics of people's own, by their place in the spec: of pods, of the whole in thousandths, or why there is none.
    custom: Mapping[int, Mapping[str, PodMetric] | int | str] = field(default_factory=dict)
    #: All autoscalers (`namespace/name`) of these pods, where there are several.
    rivals: Sequence[str] = ()


class Decision(Struct, frozen=True):
    """How many replicas to have, why, and what to tell. `replicas` is None where nothing is to be changed."""

    replicas: int | None
    reason: str
    status: Object
    notes: Sequence[Action] = ()
    history: History = NOTHING
    #: Why metrics did not tell all that they should.
    error: str = ""


class _Draft:
    """The status that is being made."""

    def __init__(self, autoscaler: Object, now_s: float) -> None:
        self.autoscaler = autoscaler
        self.now_s = now_s
        self.notes: list[Action] = []
        self.metrics: list[Object] = []
        status = autoscaler.get("status") or {}
        self.conditions = {one["type"]: one for one in status.get("conditions") or ()}

    def set(self, type: str, status: str, reason: str, message: str) -> None:
        """A condition; its time moves with its status only."""
        before = self.conditions.get(type)
        same = before is not None and before["status"] == status
        since = before["lastTransitionTime"] if before is not None and same else rfc3339(self.now_s)
        made = {"type": type, "status": status, "lastTransitionTime": since, "reason": reason, "message": message}
        self.conditions[type] = made

    def warn(self, reason: str, message: str) -> None:
        """An event."""
        self.notes.append(Note(self.autoscaler, "Warning", reason, message))

    def status(self, current: int, desired: int, *, scaled: bool = False) -> Object:
        """All of it."""
        before = self.autoscaler.get("status") or {}
        made: Object = {"currentReplicas": current, "desiredReplicas": desired}
        made["currentMetrics"] = self.metrics or None
        made["conditions"] = list(self.conditions.values())
        made["lastScaleTime"] = rfc3339(self.now_s) if scaled else before.get("lastScaleTime")
        return {name: value for name, value in made.items() if value is not None}


def selector_of(scale: Object) -> str:
    """The pods of a target, as its Scale says."""
    found: str = (scale.get("status") or {}).get("selector") or ""
    return found


def sources(autoscaler: Object) -> list[tuple[str, str]]:
    """(resource, container or "") of what has to be measured."""
    found = []
    for metric in autoscaler["spec"].get("metrics") or ():
        if metric["type"] == "Resource":
            found.append((metric["resource"]["name"], ""))
        elif metric["type"] == "ContainerResource":
            found.append((metric["containerResource"]["name"], metric["containerResource"]["container"]))
    return found


def unscalable(autoscaler: Object, error: str, now_s: float) -> Decision:
    """The target has no Scale to be had."""
    draft = _Draft(autoscaler, now_s)
    draft.warn("FailedGetScale", error)
    message = f"the HPA controller was unable to get the target's current scale: {error}"
    draft.set("AbleToScale", "False", "FailedGetScale", message)
    before = autoscaler.get("status") or {}
    status = {**before, "conditions": list(draft.conditions.values())}
    status = {"currentReplicas": 0, "desiredReplicas": 0, **status}
    return Decision(None, "", status, draft.notes, error=error)


def decide(autoscaler: Object, view: View, now_s: float) -> Decision:
    """The number of replicas to have now. Look again after a while whatever comes of it."""
    spec, draft = autoscaler["spec"], _Draft(autoscaler, now_s)
    draft.set("AbleToScale", "True", "SucceededGetScale", "the HPA controller was able to get the target's current scale")
    current = (view.scale.get("spec") or {}).get("replicas") or 0
    bounds = Bounds(1 if spec.get("minReplicas") is None else spec["minReplicas"], spec["maxReplicas"])
    history = view.history.since(now_s - longest_s(spec.get("behavior")))
    if not view.history.recommendations:
        history = History([Moment(now_s, current)], history.added, history.removed)
    if current == 0 and bounds.least != 0:
        message = "scaling is disabled since the replica count of the target is zero"
        draft.set("ScalingActive", "False", "ScalingDisabled", message)
        return Decision(None, "", draft.status(current, 0), draft.notes, history)
    if current > bounds.most:
        reason = "Current number of replicas above Spec.MaxReplicas"
        return Decision(bounds.most, reason, draft.status(current, current), draft.notes, history)
    if current < bounds.least:
        reason = "Current number of replicas below Spec.MinReplicas"
        return Decision(bounds.least, reason, draft.status(current, current), draft.notes, history)
    wanted, metric, error = _by_metrics(draft, view, current)
    if wanted is None:
        draft.warn("FailedComputeMetricsReplicas", error)
        desired = (autoscaler.get("status") or {}).get("desiredReplicas", 0)
        return Decision(None, "", draft.status(current, desired), draft.notes, history, error)
    found = settle(current, wanted, bounds, spec.get("behavior"), history, now_s)
    history = History([*history.recommendations, Moment(now_s, wanted)], history.added, history.removed)
    draft.set("AbleToScale", "True", *found.steadied)
    draft.set("ScalingLimited", "True" if found.is_limited else "False", *found.limited)
    if found.replicas == current:
        return Decision(None, "", draft.status(current, current), draft.notes, history, error)
    reason = f"{metric} above target" if wanted > current else "All metrics below target" if wanted < current else ""
    return Decision(found.replicas, reason, draft.status(current, current), draft.notes, history, error)


def scaled(autoscaler: Object, decision: Decision, now_s: float) -> Decision:
    """The target has the number of replicas that was decided."""
    assert decision.replicas is not None
    draft = _redraft(autoscaler, decision, now_s)
    current, replicas = decision.status["currentReplicas"], decision.replicas
    message = f"the HPA controller was able to update the target scale to {replicas}"
    draft.set("AbleToScale", "True", "SucceededRescale", message)
    text = f"New size: {replicas}; reason: {decision.reason}"
    notes = [*decision.notes, Note(autoscaler, "Normal", "SuccessfulRescale", text)]
    history = decision.history
    if autoscaler["spec"].get("behavior") is not None:
        moment = Moment(now_s, abs(replicas - current))
        added = [*history.added, moment] if replicas > current else history.added
        removed = [*history.removed, moment] if replicas < current else history.removed
        history = History(history.recommendations, added, removed)
    return Decision(None, "", draft.status(current, replicas, scaled=True), notes, history, decision.error)


def refused(autoscaler: Object, decision: Decision, error: str, now_s: float) -> Decision:
    """The target could not be given the number of replicas that was decided."""
    draft = _redraft(autoscaler, decision, now_s)
    current = decision.status["currentReplicas"]
    draft.set("AbleToScale", "False", "FailedUpdateScale", f"the HPA controller was unable to update the target scale: {error}")
    text = f"New size: {decision.replicas}; reason: {decision.reason}; error: {error}"
    notes = [*decision.notes, Note(autoscaler, "Warning", "FailedRescale", text)]
    return Decision(None, "", draft.status(current, current), notes, decision.history, error)


def _redraft(autoscaler: Object, decision: Decision, now_s: float) -> _Draft:
    before = (autoscaler.get("status") or {}).get("lastScaleTime")
    status = {**decision.status} | ({"lastScaleTime": before} if before else {})
    draft = _Draft({**autoscaler, "status": status}, now_s)
    draft.metrics = decision.status.get("currentMetrics") or []
    return draft


def _by_metrics(draft: _Draft, view: View, current: int) -> tuple[int | None, str, str]:
    """The most that any metric asks for, which one it is, and what went wrong; None where nothing may be concluded."""
    metrics = draft.autoscaler["spec"].get("metrics") or ()
    if not selector_of(view.scale):
        draft.warn("SelectorRequired", "selector is required")
        draft.set("ScalingActive", "False", "InvalidSelector", "the HPA target's scale is missing a selector")
        return None, "", "selector is required"
    if view.rivals:
        listed = " ".join(view.rivals)
        message = f"pods by selector {selector_of(view.scale)} are controlled by multiple HPAs: [{listed}]"
        draft.warn("AmbiguousSelector", message)
        draft.set("ScalingActive", "False", "AmbiguousSelector", message)
        return None, "", message
    wanted, name, failures = 0, "", list[tuple[str, str]]()
    for i, metric in enumerate(metrics):
        try:
            proposal, proposed_by, shown = _by_metric(draft.autoscaler, i, view, current, draft.now_s)
        except MetricError as failure:
            reason = f"FailedGet{metric['type']}Metric"
            draft.warn(reason, str(failure))
            failures.append((reason, str(failure)))
            draft.metrics.append({"type": ""})
            continue
        draft.metrics.append(shown)
        if not name or proposal.replicas > wanted:
            wanted, name = proposal.replicas, proposed_by
    error = ""
    if failures:
        error = f"invalid metrics ({len(failures)} invalid out of {len(metrics)}), first error is: {failures[0][1]}"
    if len(failures) == len(metrics) or (failures and wanted < current):
        reason, first = failures[0] if failures else ("InvalidMetricSourceType", "no metrics")
        draft.set("ScalingActive", "False", reason, f"the HPA was unable to compute the replica count: {first}")
        return None, "", error or first
    message = f"the HPA was able to successfully calculate a replica count from {name}"
    draft.set("ScalingActive", "True", "ValidMetricFound", message)
    return wanted, name, error


def _by_metric(autoscaler: Object, index: int, view: View, current: int, now_s: float) -> tuple[Proposal, str, Object]:
    """What one metric asks for, its name, and its status. Raises MetricError."""
    metric = autoscaler["spec"]["metrics"][index]
    if metric["type"] in _RESOURCES:
        return _by_resource(autoscaler, metric, view, current, now_s)
    return _by_custom(autoscaler, metric, view, view.custom.get(index, "not measured"), current, now_s)


def _by_resource(autoscaler: Object, metric: Object, view: View, current: int, now_s: float) -> tuple[Proposal, str, Object]:
    field, kind = _RESOURCES[metric["type"]]
    source = metric[field]
    name, container, target, tolerance = source["name"], source.get("container", ""), source["target"], _tolerance(autoscaler)
    measured = view.measured.get((name, container), NO_METRICS)
    goal = "usage" if target.get("averageValue") is not None else "utilization"
    try:
        if isinstance(measured, str):
            raise MetricError(f"unable to get metrics for resource {name}: {measured}")
        if target.get("averageValue") is not None:
            wanted = parse(target["averageValue"]).milli()
            proposal = replicacount.by_average(current, wanted, name, view.pods, measured, tolerance, now_s)
            proposed_by = f"{name} {kind}"
        else:
            proposal = replicacount.by_utilization(
                current, target["averageUtilization"], name, view.pods, measured, tolerance, now_s, container=container
            )
            proposed_by = f"{name} {kind} utilization (percentage of request)"
    except MetricError as error:
        raise MetricError(f"failed to get {name} {goal}: {error}") from None
    value: Object = {"averageValue": _milli_text(proposal.average)}
    if proposal.utilization is not None:
        value["averageUtilization"] = proposal.utilization
    shown: Object = {"name": name, "current": value} | ({"container": container} if container else {})
    return proposal, proposed_by, {"type": metric["type"], field: shown}


def _by_custom(
    autoscaler: Object, metric: Object, view: View, found: Mapping[str, PodMetric] | int | str, current: int, now_s: float
) -> tuple[Proposal, str, Object]:
    kind, tolerance = metric["type"], _tolerance(autoscaler)
    field = kind.lower()
    source = metric[field]
    name, target = source["metric"]["name"], source["target"]
    if isinstance(found, str):
        raise MetricError(_failure(autoscaler, kind, source, found))
    shown: Object = {"metric": source["metric"]}
    if not isinstance(found, int):
        wanted = parse(target["averageValue"]).milli()
        proposal = replicacount.by_average(current, wanted, "", view.pods, found, tolerance, now_s)
        proposed_by, unit = f"pods metric {name}", "averageValue"
    else:
        unit = "averageValue" if target.get("averageValue") is not None else "value"
        wanted = parse(target[unit]).milli()
        if unit == "value":
            proposal = replicacount.by_value(current, wanted, found, view.pods, tolerance)
        else:
            replicas = (view.scale.get("status") or {}).get("replicas") or 0
            proposal = replicacount.by_share(replicas, wanted, found, tolerance)
        proposed_by = f"external metric {name}"
        if kind == "Object":
            shown["describedObject"] = source["describedObject"]
            proposed_by = f"{source['describedObject']['kind']} metric {name}"
    shown["current"] = {unit: _milli_text(proposal.average)}
    return proposal, proposed_by, {"type": kind, field: shown}


def _failure(autoscaler: Object, kind: str, source: Object, why: str) -> str:
    name, namespace = source["metric"]["name"], autoscaler["metadata"]["namespace"]
    if kind == "External":
        return f"failed to get {name} external metric: unable to get external metric {namespace}/{name}: {why}"
    if kind == "Object":
        about = source["describedObject"]
        on = f"{about['kind']} {namespace}/{about['name']}"
        return f"failed to get object metric value: unable to get metric {name}: {on} {why}"
    return f"failed to get pods metric value: unable to get metric {name}: {why}"


def _tolerance(autoscaler: Object) -> Tolerance:
    behavior = autoscaler["spec"].get("behavior") or {}
    usual = Tolerance()

    def of(way: str, default: float) -> float:
        text = (behavior.get(way) or {}).get("tolerance")
        try:
            return default if text is None else float(parse(text))
        except QuantityError:
            return default

    return Tolerance(of("scaleDown", usual.down), of("scaleUp", usual.up))


def _milli_text(value: int) -> str:
    return str(parse(f"{value}m"))
