"""Events, in the core group and in events.k8s.io: two shapes of one stored object."""

from corral.api.durations import elapsed
from corral.api.kinds import rows
from corral.api.objects import Object
from corral.api.rules import Rules

#: Fields of core/v1 whose name in events.k8s.io/v1 is another.
NEW_NAMES = {
    "involvedObject": "regarding",
    "message": "note",
    "reportingComponent": "reportingController",
    "source": "deprecatedSource",
    "firstTimestamp": "deprecatedFirstTimestamp",
    "lastTimestamp": "deprecatedLastTimestamp",
    "count": "deprecatedCount",
}
_OLD_NAMES = {new: old for old, new in NEW_NAMES.items()}


def to_events_group(event: Object) -> Object:
    """A core/v1 Event in the shape of events.k8s.io/v1 (shallow: the values are shared)."""
    return {"kind": "Event", "apiVersion": "events.k8s.io/v1"} | {
        NEW_NAMES.get(k, k): v for k, v in event.items() if k not in ("kind", "apiVersion")
    }


def to_core(event: Object) -> Object:
    """An events.k8s.io/v1 Event in the shape of core/v1 (shallow: the values are shared)."""
    return {"kind": "Event", "apiVersion": "v1"} | {
        _OLD_NAMES.get(k, k): v for k, v in event.items() if k not in ("kind", "apiVersion")
    }


class EventRules(Rules):
    """Rules of v1 and events.k8s.io/v1 Event."""

    allow_create_on_update = True

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
        about, source = event.get("involvedObject") or {}, event.get("source") or {}
        names = ("kind", "namespace", "name", "uid", "apiVersion", "resourceVersion", "fieldPath")
        fields = {f"involvedObject.{n}": about.get(n, "") for n in names}
        if str(obj.get("apiVersion", "")).startswith("events.k8s.io/"):
            fields |= {f"regarding.{n}": about.get(n, "") for n in names}
        return fields | {
            "reason": event.get("reason", ""),
            "reportingComponent": event.get("reportingComponent", ""),
            "source": source.get("component") or event.get("reportingComponent", ""),
            "type": event.get("type", ""),
        }


def _source(event: Object) -> str:
    source = event.get("source") or {}
    component = source.get("component") or event.get("reportingComponent", "")
    host = source.get("host") or event.get("reportingInstance", "")
    return f"{component}, {host}" if host else str(component)


RULES = {"Event": EventRules()}
