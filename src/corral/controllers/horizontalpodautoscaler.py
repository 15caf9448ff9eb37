"""Keeps the targets of HorizontalPodAutoscalers as large as their metrics ask for. The rules are in `autoscaling`.

Metrics are those of metrics.k8s.io, whoever serves it. https://kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale/
"""

import re
from collections.abc import Iterable, Iterator

import orjson

from corral.api.errors import ApiError
from corral.api.objects import Key, Object, key_of
from corral.api.quantity import QuantityError, parse
from corral.api.selectors import parse_labels
from corral.base.clock import Clock, parse_rfc3339
from corral.client.client import Client
from corral.client.events import Recorder
from corral.client.informer import Change, Informers, by_namespace
from corral.controllers import autoscaling, custommetrics
from corral.controllers.actions import Actor
from corral.controllers.autoscaling import NO_METRICS, Decision, View
from corral.controllers.replicacount import PodMetric
from corral.controllers.scalingrules import History
from corral.loop.controller import Controller

AUTOSCALERS = "horizontalpodautoscalers.autoscaling"
METRICS = "/apis/metrics.k8s.io/v1beta1/namespaces/{}/pods"
#: Metrics change all the time, without telling: they are looked at so often.
PERIOD_S = 15.0
#: A target that changes all the time is tried again so often.
TRIES = 4
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)")
_UNITS_S = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}


class HorizontalPodAutoscalerController:
    """Its keys are autoscalers. What it recommended and did is remembered as long as it runs, as in the reference."""

    def __init__(self, client: Client, informers: Informers, clock: Clock, recorder: Recorder) -> None:
        self._client = client
        self._clock = clock
        self._actor = Actor(client, recorder)
        self._autoscalers = informers.get(AUTOSCALERS)
        self._pods = informers.get("pods", {"namespace": by_namespace})
        self._histories: dict[Key, tuple[str, History]] = {}
        #: The selectors of the autoscalers' targets, as last seen.
        self._selectors: dict[Key, str] = {}

    async def reconcile(self, key: Key) -> float | None:
        """One look."""
        autoscaler = self._autoscalers.get(*key)
        if autoscaler is None:
            self._histories.pop(key, None)
            self._selectors.pop(key, None)
            return None
        uid = autoscaler["metadata"]["uid"]
        known = self._histories.get(key)
        history = known[1] if known is not None and known[0] == uid else History()
        decision = await self._decided(autoscaler, history)
        self._histories[key] = uid, decision.history
        await self._actor.act(decision.notes)
        if decision.status != autoscaler.get("status"):
            await self._client.update(AUTOSCALERS, {**autoscaler, "status": decision.status}, subresource="status")
        return PERIOD_S

    async def _decided(self, autoscaler: Object, history: History) -> Decision:
        """What was decided, and done."""
        target, namespace = autoscaler["spec"]["scaleTargetRef"], autoscaler["metadata"]["namespace"]
        resource = self._client.catalog.of_kind(target.get("apiVersion", "v1"), target["kind"])
        if resource is None:
            group = target.get("apiVersion", "v1").rpartition("/")[0]
            error = f'no matches for kind "{target["kind"]}" in group "{group}"'
            return autoscaling.unscalable(autoscaler, error, self._clock.now())
        name = resource.group_resource
        try:
            scale = await self._client.get(name, target["name"], namespace, subresource="scale")
        except ApiError as error:
            return autoscaling.unscalable(autoscaler, str(error), self._clock.now())
        view = await self._view(autoscaler, scale, history)
        decision = autoscaling.decide(autoscaler, view, self._clock.now())
        if decision.replicas is None:
            return decision
        try:
            await self._scale(name, scale, decision.replicas)
        except ApiError as error:
            return autoscaling.refused(autoscaler, decision, str(error), self._clock.now())
        return autoscaling.scaled(autoscaler, decision, self._clock.now())

    async def _scale(self, resource: str, scale: Object, replicas: int) -> None:
        """Write the number of replicas, though something else of the target may have changed while metrics were read."""
        meta, before = scale["metadata"], scale.get("spec")
        for left in reversed(range(TRIES)):
            wanted = {**scale, "spec": {**(before or {}), "replicas": replicas}}
            try:
                await self._client.update(resource, wanted, subresource="scale")
            except ApiError as error:
                if error.code != 409 or not left:
                    raise
                scale = await self._client.get(resource, meta["name"], meta["namespace"], subresource="scale")
                if scale.get("spec") != before:  # Somebody else has scaled it: that is another matter.
                    raise
            else:
                return

    async def _view(self, autoscaler: Object, scale: Object, history: History) -> View:
        namespace, selector = autoscaler["metadata"]["namespace"], autoscaling.selector_of(scale)
        sources = autoscaling.sources(autoscaler)
        if not selector or not (scale.get("spec") or {}).get("replicas"):
            return View(scale, (), {}, history)
        pods = list(_selected(self._pods.indexed("namespace", namespace), selector))
        rivals = self._rivals(key_of(autoscaler), selector, pods)
        if rivals:
            return View(scale, pods, {}, history, rivals=rivals)
        metrics = autoscaler["spec"].get("metrics") or ()
        custom = {
            i: await custommetrics.read(self._client, namespace, metric, selector)
            for i, metric in enumerate(metrics)
            if metric["type"] in ("External", "Object", "Pods")
        }
        if not sources:
            return View(scale, pods, {}, history, custom)
        try:
            answer = await self._client.raw("GET", METRICS.format(namespace), {"labelSelector": selector})
            items: list[Object] | str = orjson.loads(answer).get("items") or NO_METRICS
        except (ApiError, orjson.JSONDecodeError) as error:
            items = f"unable to fetch metrics from resource metrics API: {error}"
        measured = {source: items if isinstance(items, str) else measure(items, *source) for source in sources}
        return View(scale, pods, measured, history, custom)

    def _rivals(self, own: Key, selector: str, pods: list[Object]) -> list[str]:
        """All autoscalers of these pods, this one too, where there is another."""
        self._selectors[own] = selector
        others = [(key, text) for key, text in self._selectors.items() if key.namespace == own.namespace and key != own]
        found = [str(key) for key, text in others if any(_selected(pods, text))]
        return sorted([*found, str(own)]) if found else []


def _selected(pods: Iterable[Object], selector: str) -> Iterator[Object]:
    requirements = parse_labels(selector)
    return (p for p in pods if all(one.matches(p["metadata"].get("labels") or {}) for one in requirements))


def measure(items: list[Object], resource: str, container: str) -> dict[str, PodMetric] | str:
    """What each pod uses of a resource, or one container of it; why that is not known."""
    found = {}
    for item in items:
        name, uses = item["metadata"]["name"], item.get("containers") or ()
        if container:
            uses = [one for one in uses if one["name"] == container]
            if not uses:
                return f"container {container} not present in metrics for pod {item['metadata']['namespace']}/{name}"
        amounts = [(one.get("usage") or {}).get(resource) for one in uses]
        if not amounts or None in amounts:
            continue  # A part of a pod would be taken for all of it.
        try:
            value = sum(parse(amount).milli() for amount in amounts if amount is not None)
            found[name] = PodMetric(value, parse_rfc3339(item["timestamp"]), seconds_of(item.get("window", "0s")))
        except (QuantityError, ValueError, KeyError):
            continue
    return found or NO_METRICS


def seconds_of(duration: str) -> float:
    """The seconds of a duration as Go writes it: `1m30s`, `15.012s`."""
    return sum(float(number) * _UNITS_S[unit] for number, unit in _DURATION.findall(duration))


def build(client: Client, informers: Informers, clock: Clock) -> Controller:
    """The controller."""
    recorder = Recorder(client, "horizontal-pod-autoscaler", clock)
    this = HorizontalPodAutoscalerController(client, informers, clock, recorder)
    autoscalers = informers.get(AUTOSCALERS)
    controller = Controller("horizontal-pod-autoscaler", this.reconcile, clock=clock, companions=(recorder.run,))

    def changed(change: Change) -> None:
        """One whose spec is another now: what changes of its status is the controller's own."""
        if change.old is None or change.new is None or change.old.object["spec"] != change.new.object["spec"]:
            controller.queue.add(change.key)

    controller.watch(autoscalers, lambda _: ())
    autoscalers.listen(changed)
    controller.watch(informers.get("pods"), lambda _: ())
    return controller
