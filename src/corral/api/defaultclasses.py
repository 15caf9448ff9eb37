"""Which class an object gets that names none. Pure.

https://kubernetes.io/docs/concepts/storage/storage-classes/#default-storageclass
"""

from collections.abc import Iterable, Sequence

from corral.api.objects import Object

#: The annotations that mark a default, when "true"; the older name still counts.
STORAGE = ("storageclass.kubernetes.io/is-default-class", "storageclass.beta.kubernetes.io/is-default-class")
INGRESS = ("ingressclass.kubernetes.io/is-default-class",)


def default_class(classes: Iterable[Object], marks: Sequence[str]) -> str:
    """The name of the default: of several the newest, of those the first by name; '' where there is none."""
    defaults = [c for c in classes if any(_annotations(c).get(mark) == "true" for mark in marks)]
    by_name = sorted(defaults, key=lambda c: str(c["metadata"]["name"]))
    newest = max(by_name, key=lambda c: str(c["metadata"].get("creationTimestamp", "")), default=None)
    return str(newest["metadata"]["name"]) if newest else ""


def _annotations(obj: Object) -> Object:
    return obj["metadata"].get("annotations") or {}
