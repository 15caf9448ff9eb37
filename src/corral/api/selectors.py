"""Label selectors as objects carry them (`matchLabels`, `matchExpressions`).

https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#resources-that-support-set-based-requirements
"""

from collections.abc import Mapping

from corral.api.objects import Object


def matches(selector: Object | None, labels: Mapping[str, str]) -> bool:
    """Whether a LabelSelector matches `labels`. None matches nothing, an empty one everything."""
    if selector is None:
        return False
    if any(labels.get(key) != value for key, value in (selector.get("matchLabels") or {}).items()):
        return False
    return all(matches_expression(expression, labels) for expression in selector.get("matchExpressions") or ())


def matches_expression(expression: Object, labels: Mapping[str, str]) -> bool:
    """Whether one requirement holds: {key, operator, values}; In, NotIn, Exists, DoesNotExist, and nodes' Gt and Lt."""
    value = labels.get(expression["key"])
    values: list[str] = expression.get("values") or []
    match expression["operator"]:
        case "In":
            return value is not None and value in values
        case "NotIn":
            return value is None or value not in values
        case "Exists":
            return value is not None
        case "DoesNotExist":
            return value is None
        case "Gt" | "Lt" as operator:
            try:
                have, bound = int(value or ""), int(values[0])
            except (ValueError, IndexError):
                return False
            return have > bound if operator == "Gt" else have < bound
    return False
