"""Terms that speak of other pods: which pods an affinity term or a spread constraint means.

https://kubernetes.io/docs/concepts/scheduling-eviction/assign-pod-node/#inter-pod-affinity-and-anti-affinity
"""

from collections.abc import Mapping

from corral.api.objects import Object
from corral.api.selectors import matches
from corral.scheduler.shape import Shape

Namespaces = Mapping[str, Mapping[str, str]]


def means(term: Object, owner: Shape, other: Shape, namespaces: Namespaces) -> bool:
    """Whether the affinity term of `owner` is about pods like `other`. `namespaces`: the labels of each."""
    return _in_namespaces(term, owner, other.namespace, namespaces) and matches(term.get("labelSelector"), other.labels)


def counts(constraint: Object, owner: Shape, other: Shape) -> bool:
    """Whether the spread constraint of `owner` counts pods like `other`."""
    if other.namespace != owner.namespace:
        return False
    same = (key for key in constraint.get("matchLabelKeys") or () if key in owner.labels)
    if any(other.labels.get(key) != owner.labels[key] for key in same):
        return False
    return matches(constraint.get("labelSelector"), other.labels)


def _in_namespaces(term: Object, owner: Shape, namespace: str, namespaces: Namespaces) -> bool:
    named, selector = term.get("namespaces") or (), term.get("namespaceSelector")
    if not named and selector is None:
        return namespace == owner.namespace
    return namespace in named or (selector is not None and matches(selector, namespaces.get(namespace, {})))
