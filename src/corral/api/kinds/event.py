"""Events, in the core group and in events.k8s.io: two shapes of one stored object."""

from corral.api import names
from corral.api.conversion import convert
from corral.api.durations import elapsed
from corral.api.fields import Errors
from corral.api.kinds import rows
from corral.api.objects import Object
from corral.api.rules import Rules

MAX_CHARS = 128
MAX_NOTE_CHARS = 1024
_DEFAULT_NAMESPACES = ("", "default", "kube-system")


def to_core(event: Object) -> Object:
    """An Event of either group in the shape of core/v1 (shallow: the values are shared)."""
    return convert(event, event.get("apiVersion", "v1"), "v1")


class EventRules(Rules):
    """Rules of v1 and events.k8s.io/v1 Event."""

    allow_create_on_update = True

    def validate_create(self, obj: Object) -> Errors:
        """In the core group little is asked; in events.k8s.io all that makes an event useful."""
        errs = Errors()
        is_new = str(obj.get("apiVersion", "")).startswith("events.k8s.io/")
        _check_namespaces(errs, to_core(obj), "regarding" if is_new else "involvedObject", is_new)
        if is_new:
            _check_new(errs, obj)
        return errs

    def validate_update(self, new: Object, old: Object, subresource: str) -> Errors:
        """In events.k8s.io only the series goes on."""
        errs = self.validate_create(new)
        if str(new.get("apiVersion", "")).startswith("events.k8s.io/"):
            for field in _KEPT:
                if (new.get(field) or None) != (old.get(field) or None):
                    errs.invalid(field, new.get(field), "field is immutable")
        return errs

    def cells(self, obj: Object, now_s: float) -> list[object]:
        """The row."""
        event = to_core(obj) | {"apiVersion": obj.get("apiVersion", "v1")}
        first = event.get("firstTimestamp") or event.get("eventTime")
        last = event.get("lastTimestamp") or first
        count = event.get("count") or 1
        series = event.get("series")
        if series:
            last, count = series.get("lastObservedTime"), series.get("count", 0)
        about = event.get("involvedObject") or {}
        target = str(about.get("kind", "")).lower() + (f"/{about['name']}" if about.get("name") else "")
        return [
            elapsed(last, now_s),
            event.get("type", ""),
            event.get("reason", ""),
            target,
            about.get("fieldPath", ""),
            _source(event),
            str(event.get("message", "")).strip(),
            elapsed(first, now_s),
            count,
            rows.name(obj),
        ]

    def selectable_fields(self, obj: Object) -> dict[str, str]:
        """What it is about, why, and who says so."""
        event = to_core(obj)
        source = event.get("source") or {}
        return {
            **_fields_of(event, "involvedObject"),
            "reason": event.get("reason", ""),
            "reportingComponent": event.get("reportingComponent", ""),
            "source": source.get("component") or event.get("reportingComponent", ""),
            "type": event.get("type", ""),
        }


class NewEventRules(EventRules):
    """Rules of events.k8s.io/v1 Event: the same, selected by other names."""

    def selectable_fields(self, obj: Object) -> dict[str, str]:
        """What it is about, why, and who says so."""
        event = to_core(obj)
        return {
            **_fields_of(event, "regarding"),
            "reason": event.get("reason", ""),
            "reportingController": event.get("reportingComponent", ""),
            "type": event.get("type", ""),
        }


def _fields_of(event: Object, name: str) -> dict[str, str]:
    about = event.get("involvedObject") or {}
    parts = ("kind", "namespace", "name", "uid", "apiVersion", "resourceVersion", "fieldPath")
    return {f"{name}.{part}": about.get(part, "") for part in parts}


_KEPT = [
    "regarding",
    "reason",
    "type",
    "reportingController",
    "reportingInstance",
    "action",
    "note",
    "related",
    "deprecatedFirstTimestamp",
    "deprecatedLastTimestamp",
    "deprecatedCount",
    "eventTime",
]


def _check_namespaces(errs: Errors, event: Object, field: str, is_new: bool) -> None:
    namespace = event["metadata"].get("namespace", "")
    about = (event.get("involvedObject") or {}).get("namespace", "")
    if about:
        if about != namespace:
            errs.invalid(f"{field}.namespace", about, "does not match event.namespace")
    elif namespace not in (_DEFAULT_NAMESPACES if is_new else _DEFAULT_NAMESPACES[:2]):
        errs.invalid(f"{field}.namespace", about, "does not match event.namespace")
    if namespace:
        errs.each("namespace", namespace, names.dns_subdomain(namespace))


def _check_new(errs: Errors, event: Object) -> None:
    if not event.get("eventTime"):
        errs.required("eventTime")
    series = event.get("series")
    if series is not None:
        if series.get("count", 0) < 2:
            errs.invalid("series.count", "", "should be at least 2")
        if not series.get("lastObservedTime"):
            errs.required("series.lastObservedTime")
    controller = event.get("reportingController", "")
    if not controller:
        errs.required("reportingController")
    errs.each("reportingController", controller, names.qualified_name(controller))
    for field in ("reportingInstance", "action", "reason"):
        value = event.get(field, "")
        if not value:
            errs.required(field)
        if len(value) > MAX_CHARS:
            errs.invalid(field, "", f"can have at most {MAX_CHARS} characters")
    if len(event.get("note", "")) > MAX_NOTE_CHARS:
        errs.invalid("note", "", f"can have at most {MAX_NOTE_CHARS} characters")
    if event.get("type") not in ("Normal", "Warning"):
        errs.invalid("type", "", f"has invalid value: {event.get('type', '')}")
    for field in ("deprecatedFirstTimestamp", "deprecatedLastTimestamp"):
        if event.get(field):
            errs.invalid(field, "", "needs to be unset")
    if event.get("deprecatedCount"):
        errs.invalid("deprecatedCount", "", "needs to be unset")


def _source(event: Object) -> str:
    source = event.get("source") or {}
    component = source.get("component") or event.get("reportingComponent", "")
    host = source.get("host") or event.get("reportingInstance", "")
    return f"{component}, {host}" if host else str(component)


RULES = {"Event": EventRules()}
