"""HorizontalPodAutoscalers, in autoscaling/v2 and v1 (which is checked as the v2 that it stands for)."""

from collections.abc import Callable

from corral.api import names
from corral.api.conversion import convert
from corral.api.fields import Errors, Path
from corral.api.kinds import rows
from corral.api.kinds.computeresources import check_not_negative as check_no_debt
from corral.api.kinds.hparow import targets
from corral.api.kinds.selector import check_selector
from corral.api.kinds.workload import check_not_negative, default_fields
from corral.api.objects import Object
from corral.api.quantity import ZERO, parse
from corral.api.rules import Rules

UTILIZATION_PERCENT = 80
MAX_WINDOW_S = 3600
MAX_PERIOD_S = 1800
TYPES = ("ContainerResource", "External", "Object", "Pods", "Resource")
_SOURCES = {
    "Object": "object",
    "External": "external",
    "Pods": "pods",
    "Resource": "resource",
    "ContainerResource": "containerResource",
}
_UP = [{"type": "Pods", "value": 4, "periodSeconds": 15}, {"type": "Percent", "value": 100, "periodSeconds": 15}]
_DOWN = [{"type": "Percent", "value": 100, "periodSeconds": 15}]


class HorizontalPodAutoscalerRules(Rules):
    """Rules of autoscaling HorizontalPodAutoscaler."""

    has_status = True

    def default(self, obj: Object) -> None:
        """At least one replica, CPU at 80 %."""
        spec = obj.setdefault("spec", {})
        default_fields(spec, minReplicas=1)
        if obj.get("apiVersion") == "autoscaling/v1":
            default_fields(spec, targetCPUUtilizationPercentage=UTILIZATION_PERCENT)
            return
        if not spec.get("metrics"):
            target = {"type": "Utilization", "averageUtilization": UTILIZATION_PERCENT}
            spec["metrics"] = [{"type": "Resource", "resource": {"name": "cpu", "target": target}}]
        behavior = spec.get("behavior")
        if behavior is not None:
            _default_scaling(behavior, "scaleUp", _UP, 0)
            _default_scaling(behavior, "scaleDown", _DOWN, None)

    def validate_create(self, obj: Object) -> Errors:
        """Bounds, target, metrics, behaviour."""
        if obj.get("apiVersion") == "autoscaling/v1":
            obj = convert(obj, "autoscaling/v1", "autoscaling/v2")
        errs = Errors()
        _check_spec(errs, obj.get("spec") or {}, Path("spec"))
        return errs

    def validate_update(self, new: Object, old: Object, subresource: str) -> Errors:
        """The same, or the counts of the status."""
        if not subresource:
            return self.validate_create(new)
        errs = Errors()
        check_not_negative(errs, new.get("status") or {}, Path("status"), "currentReplicas", "desiredReplicas")
        return errs

    def cells(self, obj: Object, now_s: float) -> list[object]:
        """The row."""
        if obj.get("apiVersion") == "autoscaling/v1":
            obj = convert(obj, "autoscaling/v1", "autoscaling/v2")
        spec, status = obj.get("spec") or {}, obj.get("status") or {}
        target, least = spec.get("scaleTargetRef") or {}, spec.get("minReplicas")
        return [
            rows.name(obj),
            f"{target.get('kind', '')}/{target.get('name', '')}",
            targets(spec.get("metrics") or [], status.get("currentMetrics") or []),
            "<unset>" if least is None else str(least),
            spec.get("maxReplicas", 0),
            status.get("currentReplicas", 0),
            rows.age(obj, now_s),
        ]


def _default_scaling(behavior: Object, field: str, policies: list[Object], window_s: int | None) -> None:
    rules = behavior.get(field)
    if rules is None:
        rules = behavior[field] = {}
    default_fields(rules, selectPolicy="Max", policies=[dict(p) for p in policies])
    if window_s is not None:
        default_fields(rules, stabilizationWindowSeconds=window_s)


def _check_spec(errs: Errors, spec: Object, path: Path) -> None:
    least, most = spec.get("minReplicas"), spec.get("maxReplicas", 0)
    if least is not None and least < 1:
        errs.invalid(path.child("minReplicas"), least, "must be greater than or equal to 1")
    if most < 1:
        errs.required(path.child("maxReplicas"), "must be set and greater than 0")
    if least is not None and most < least:
        errs.invalid(path.child("maxReplicas"), most, "must be greater than or equal to `minReplicas`")
    _check_target(errs, spec.get("scaleTargetRef") or {}, path.child("scaleTargetRef"))
    for i, metric in enumerate(spec.get("metrics") or ()):
        _check_metric(errs, metric, path.child("metrics").at(i))
    for field in ("scaleUp", "scaleDown"):
        rules = (spec.get("behavior") or {}).get(field)
        if rules is not None:
            _check_behavior(errs, rules, path.child("behavior", field))


def _check_target(errs: Errors, target: Object, path: Path, *, with_group: bool = True) -> None:
    for field in ("kind", "name"):
        value = target.get(field, "")
        if value:
            errs.each(path.child(field), value, names.path_segment(value))
        else:
            errs.required(path.child(field))
    version = target.get("apiVersion", "")
    if version.count("/") > 1:
        errs.invalid(path.child("apiVersion"), version, f"unexpected GroupVersion string: {version}")
    elif with_group and not version.rpartition("/")[0] and target.get("kind") != "ReplicationController":
        errs.invalid(path.child("apiVersion"), version, "apiVersion must specify API group")


def _check_metric(errs: Errors, metric: Object, path: Path) -> None:
    kind = metric.get("type", "")
    if not kind:
        errs.required(path.child("type"), "must specify a metric source type")
    if kind not in TYPES:
        errs.unsupported(path.child("type"), kind, TYPES)
    given = [f for f in _SOURCES.values() if metric.get(f) is not None]
    if given:
        _CHECKS[given[0]](errs, metric[given[0]], path.child(given[0]))
    expected = _SOURCES.get(kind)
    if expected is None:
        # The reference looks at the type twice and tells both times.
        errs.unsupported(path.child("type"), kind, TYPES)
    elif expected not in given:
        errs.required(path.child(expected), "must populate information for the given metric source")
    if len(given) != 1:
        for field in given:
            if field != expected:
                errs.forbidden(path.child(field), "must populate the given metric source only")


def _check_amounts(errs: Errors, target: Object, path: Path) -> None:
    kind = target.get("type", "")
    if not kind:
        errs.required(path.child("type"), "must specify a metric target type")
    if kind not in ("Utilization", "Value", "AverageValue"):
        errs.invalid(path.child("type"), kind, "must be either Utilization, Value, or AverageValue")
    for field in ("value", "averageValue"):
        amount = target.get(field)
        if amount is not None and parse(amount) <= ZERO:
            errs.invalid(path.child(field), str(parse(amount)), "must be positive")
    percent = target.get("averageUtilization")
    if percent is not None and percent < 1:
        errs.invalid(path.child("averageUtilization"), percent, "must be greater than 0")


def _check_identifier(errs: Errors, metric: Object, path: Path) -> None:
    name = metric.get("name", "")
    if not name:
        errs.required(path.child("name"), "must specify a metric name")
    else:
        errs.each(path.child("name"), name, names.path_segment(name))
    check_selector(errs, metric.get("selector"), path.child("selector"))


def _check_resource(errs: Errors, source: Object, path: Path) -> None:
    if not source.get("name"):
        errs.required(path.child("name"), "must specify a resource name")
    _check_usage(errs, source, path)


def _check_usage(errs: Errors, source: Object, path: Path) -> None:
    target = source.get("target") or {}
    _check_amounts(errs, target, path.child("target"))
    percent, amount = target.get("averageUtilization"), target.get("averageValue")
    if percent is None and amount is None:
        why = "must set either a target raw value or a target utilization"
        errs.required(path.child("target", "averageUtilization"), why)
    if percent is not None and amount is not None:
        why = "may not set both a target raw value and a target utilization"
        errs.forbidden(path.child("target", "averageValue"), why)


def _check_container_resource(errs: Errors, source: Object, path: Path) -> None:
    container = source.get("container", "")
    if not source.get("name"):
        errs.required(path.child("name"), "must specify a resource name")
    if not container:
        errs.required(path.child("container"), "must specify a container")
    else:
        errs.each(path.child("container"), container, names.dns_label(container))
    _check_usage(errs, source, path)


def _check_pods(errs: Errors, source: Object, path: Path) -> None:
    _check_identifier(errs, source.get("metric") or {}, path.child("metric"))
    target = source.get("target") or {}
    _check_amounts(errs, target, path.child("target"))
    if target.get("averageValue") is None:
        errs.required(path.child("target", "averageValue"), "must specify a positive target averageValue")


def _check_object(errs: Errors, source: Object, path: Path) -> None:
    _check_target(errs, source.get("describedObject") or {}, path.child("describedObject"), with_group=False)
    _check_identifier(errs, source.get("metric") or {}, path.child("metric"))
    target = source.get("target") or {}
    _check_amounts(errs, target, path.child("target"))
    if target.get("value") is None and target.get("averageValue") is None:
        why = "must set either a target value or averageValue"
        errs.required(path.child("target", "averageValue"), why)


def _check_external(errs: Errors, source: Object, path: Path) -> None:
    _check_identifier(errs, source.get("metric") or {}, path.child("metric"))
    target = source.get("target") or {}
    _check_amounts(errs, target, path.child("target"))
    value, average = target.get("value"), target.get("averageValue")
    if value is None and average is None:
        why = "must set either a target value for metric or a per-pod target"
        errs.required(path.child("target", "averageValue"), why)
    if value is not None and average is not None:
        why = "may not set both a target value for metric and a per-pod target"
        errs.forbidden(path.child("target", "value"), why)


_CHECKS: dict[str, Callable[[Errors, Object, Path], None]] = {
    "object": _check_object,
    "external": _check_external,
    "pods": _check_pods,
    "resource": _check_resource,
    "containerResource": _check_container_resource,
}


def _check_behavior(errs: Errors, rules: Object, path: Path) -> None:
    window, select = rules.get("stabilizationWindowSeconds"), rules.get("selectPolicy")
    at = path.child("stabilizationWindowSeconds")
    if window is not None and window < 0:
        errs.invalid(at, window, "must be greater than or equal to zero")
    if window is not None and window > MAX_WINDOW_S:
        errs.invalid(at, window, f"must be less than or equal to {MAX_WINDOW_S}")
    if select is not None and select not in ("Disabled", "Max", "Min"):
        errs.unsupported(path.child("selectPolicy"), select, ("Disabled", "Max", "Min"))
    policies = rules.get("policies") or []
    if not policies:
        errs.required(path.child("policies"), "must specify at least one Policy")
    for i, policy in enumerate(policies):
        at, kind = path.child("policies").at(i), policy.get("type", "")
        if kind not in ("Percent", "Pods"):
            errs.unsupported(at.child("type"), kind, ("Percent", "Pods"))
        if policy.get("value", 0) <= 0:
            errs.invalid(at.child("value"), policy.get("value", 0), "must be greater than zero")
        period = policy.get("periodSeconds", 0)
        if period <= 0:
            errs.invalid(at.child("periodSeconds"), period, "must be greater than zero")
        if period > MAX_PERIOD_S:
            errs.invalid(at.child("periodSeconds"), period, f"must be less than or equal to {MAX_PERIOD_S}")
    if rules.get("tolerance") is not None:
        check_no_debt(errs, rules["tolerance"], path.child("tolerance"))


RULES = {"HorizontalPodAutoscaler": HorizontalPodAutoscalerRules()}
