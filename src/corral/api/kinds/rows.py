"""Pieces that the rows of several kinds share."""

from collections.abc import Mapping

from corral.api.durations import elapsed
from corral.api.objects import Object
from corral.api.selectors import text_of

_MODES = {
    "ReadWriteOnce": "RWO",
    "ReadOnlyMany": "ROX",
    "ReadWriteMany": "RWX",
    "ReadWriteOncePod": "RWOP",
}


def name(obj: Object) -> str:
    """The object's name."""
    text: str = obj["metadata"].get("name", "")
    return text


def age(obj: Object, now_s: float) -> str:
    """The time since the object was made."""
    return elapsed(obj["metadata"].get("creationTimestamp"), now_s)


def labels(pairs: Mapping[str, str] | None) -> str:
    """`a=1,b=2`, sorted; `<none>` for none."""
    return ",".join(f"{k}={v}" for k, v in sorted((pairs or {}).items())) or "<none>"


def selector(value: Object | None) -> str:
    """A label selector as one text; `<none>` where there is none or it selects all."""
    return text_of(value or {}) or "<none>"


def replicas(obj: Object, now_s: float) -> list[object]:
    """The first columns of what keeps a number of pods: name, desired, current, ready, age."""
    spec, status = obj["spec"], obj.get("status") or {}
    return [name(obj), spec.get("replicas", 0), status.get("replicas", 0), status.get("readyReplicas", 0), age(obj, now_s)]


def containers(spec: Object | None) -> tuple[str, str]:
    """The names and the images of a pod spec's containers."""
    found = (spec or {}).get("containers") or ()
    return ",".join(c.get("name", "") for c in found), ",".join(c.get("image", "") for c in found)


def access_modes(modes: list[str] | None) -> str:
    """`RWO,ROX`: the short forms in the usual order, each once."""
    return ",".join(short for mode, short in _MODES.items() if mode in (modes or ()))


def first_of(items: list[str], most: int) -> str:
    """The first `most` items and how many more there are: `a,b,c + 2 more...`."""
    shown = ",".join(items[:most])
    return f"{shown} + {len(items) - most} more..." if len(items) > most else shown


def condition(obj: Object, kind: str) -> Object | None:
    """The status condition of this type."""
    for found in (obj.get("status") or {}).get("conditions") or ():
        if found.get("type") == kind:
            return dict(found)
    return None
