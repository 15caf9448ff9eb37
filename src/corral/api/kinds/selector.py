"""Label selectors inside of objects."""

from corral.api import names
from corral.api.fields import Errors, Path
from corral.api.metadata import validate_labels
from corral.api.objects import Object


def check_selector(errs: Errors, selector: Object | None, path: Path) -> bool:
    """A LabelSelector (None is accepted); whether it is sound."""
    before = len(errs.items)
    if selector:
        check_labels(errs, selector.get("matchLabels"), path.child("matchLabels"))
        for i, term in enumerate(selector.get("matchExpressions") or ()):
            _check_requirement(errs, term, path.child("matchExpressions").at(i))
    return len(errs.items) == before


def check_labels(errs: Errors, labels: dict[str, str] | None, path: Path) -> None:
    """Labels: each key a qualified name, each value a label value."""
    validate_labels(errs, path, labels)


def is_empty(selector: Object | None) -> bool:
    """Whether the selector has no requirement, so that it selects everything."""
    return not selector or not (selector.get("matchLabels") or selector.get("matchExpressions"))


def check_operator(errs: Errors, term: Object, path: Path) -> None:
    """One of the four operators of label selectors, with the values that it asks for."""
    operator, values = term.get("operator", ""), term.get("values") or ()
    if operator in ("In", "NotIn"):
        if not values:
            errs.required(path.child("values"), "must be specified when `operator` is 'In' or 'NotIn'")
    elif operator in ("Exists", "DoesNotExist"):
        if values:
            errs.forbidden(path.child("values"), "may not be specified when `operator` is 'Exists' or 'DoesNotExist'")
    else:
        errs.invalid(path.child("operator"), operator, "not a valid selector operator")


def _check_requirement(errs: Errors, term: Object, path: Path) -> None:
    check_operator(errs, term, path)
    key = term.get("key", "")
    errs.each(path.child("key"), key, names.qualified_name(key))
    for i, value in enumerate(term.get("values") or ()):
        errs.each(path.child("values").at(i), value, names.label_value(value))
