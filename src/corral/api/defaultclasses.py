"""Which class an object gets that names none. Pure.

https://kubernetes.io/docs/concepts/storage/storage-classes/#default-storageclass
"""

from collections.abc import Iterable, Sequence

from corral.api.objects import Object

#: The annotations that mark a default, when "true"; the older name still counts.
STORAGE = ("storageclass.kubernetes.io/is-default-class", "storageclass.beta.kubernetes.io/is-default-class")
INGRESS = ("ingressclass.kubernetes.io/is-default-class",)


def is_default(cls: Object, marks: Sequence[str]) -> bool:
    """Whether the class is marked as a default; there may be several."""
    annotations = cls["metadata"].get("annotations") or {}
    return any(annotations.get(mark) == "true" for mark in marks)


def default_class(classes: Iterable[Object], marks: Sequence[str]) -> str:
    """The name of the default: of several the newest, of those the first by name; '' where there is none."""
    defaults = [c for c in classes if is_default(c, marks)]
    by_name = sorted(defaults, key=lambda c: str(c["metadata"]["name"]))
    newest = max(by_name, key=lambda c: str(c["metadata"].get("creationTimestamp", "")), default=None)
    return str(newest["metadata"]["name"]) if newest else ""
