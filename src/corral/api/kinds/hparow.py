"""The targets of a HorizontalPodAutoscaler as one cell of its row: `cpu: 20%/80%, 1500m/2 + 1 more...`."""

from corral.api.objects import Object

SHOWN = 2
_FIELDS = {
    "External": "external",
    "Pods": "pods",
    "Object": "object",
    "Resource": "resource",
    "ContainerResource": "containerResource",
}


def targets(metrics: list[Object], statuses: list[Object]) -> str:
    """What is measured and what is wanted of each metric; `statuses` are in the order of `metrics`."""
    if not metrics:
        return "<none>"
    shown = [_target(metric, statuses[i] if i < len(statuses) else {}) for i, metric in enumerate(metrics)]
    text = ", ".join(shown[:SHOWN])
    return f"{text} + {len(shown) - SHOWN} more..." if len(shown) > SHOWN else text


def _target(metric: Object, status: Object) -> str:
    kind = metric.get("type", "")
    field = _FIELDS.get(kind)
    if field is None:
        return "<unknown type>"
    source, current = metric.get(field) or {}, (status.get(field) or {}).get("current") or {}
    target = source.get("target") or {}
    average = target.get("averageValue")
    if kind in ("Resource", "ContainerResource"):
        name = source.get("name", "")
        if average is not None:
            return f"{name}: {current.get('averageValue') or '<unknown>'}/{average}"
        now, wanted = current.get("averageUtilization"), target.get("averageUtilization")
        shown = "<unknown>" if now is None else f"{now}%"
        return f"{name}: {shown}/{'<auto>' if wanted is None else f'{wanted}%'}"
    if average is not None:
        suffix = "" if kind == "Pods" else " (avg)"
        return f"{current.get('averageValue') or '<unknown>'}/{average}{suffix}"
    return f"{current.get('value') or '<unknown>'}/{target.get('value', '0')}"
