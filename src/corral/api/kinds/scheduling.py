"""Where a pod may go: node selectors, affinity, tolerations, taints, topology spread."""

from corral.api import names
from corral.api.fields import Errors, Path
from corral.api.kinds.gostructs import TOLERATION, shown
from corral.api.kinds.selector import check_operator, check_selector
from corral.api.objects import Object

EFFECTS = ("NoSchedule", "PreferNoSchedule", "NoExecute")
_REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
_PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution"


def check_affinity(errs: Errors, affinity: Object, path: Path) -> None:
    """Node affinity, pod affinity and anti-affinity."""
    if affinity.get("nodeAffinity"):
        check_node_affinity(errs, affinity["nodeAffinity"], path.child("nodeAffinity"))
    for part in ("podAffinity", "podAntiAffinity"):
        terms = affinity.get(part) or {}
        for i, term in enumerate(terms.get(_REQUIRED) or ()):
            _check_pod_term(errs, term, path.child(part, _REQUIRED).at(i))
        for i, weighted in enumerate(terms.get(_PREFERRED) or ()):
            at = path.child(part, _PREFERRED).at(i)
            _check_weight(errs, weighted, at)
            _check_pod_term(errs, weighted.get("podAffinityTerm") or {}, at.child("podAffinityTerm"))


def check_node_affinity(errs: Errors, affinity: Object, path: Path) -> None:
    """Required and preferred node selector terms."""
    required = affinity.get(_REQUIRED)
    if required is not None:
        check_node_selector(errs, required, path.child(_REQUIRED))
    for i, term in enumerate(affinity.get(_PREFERRED) or ()):
        at = path.child(_PREFERRED).at(i)
        _check_weight(errs, term, at)
        _check_node_term(errs, term.get("preference") or {}, at.child("preference"))


def check_node_selector(errs: Errors, selector: Object, path: Path) -> None:
    """A NodeSelector: at least one term, and values that labels can have."""
    terms = selector.get("nodeSelectorTerms") or ()
    if not terms:
        errs.required(path.child("nodeSelectorTerms"), "must have at least one node selector term")
    for i, term in enumerate(terms):
        _check_node_term(errs, term, path.child("nodeSelectorTerms").at(i), values_too=True)


def check_tolerations(errs: Errors, tolerations: list[Object], path: Path) -> None:
    """The tolerations of a pod."""
    for i, toleration in enumerate(tolerations):
        at = path.at(i)
        key, operator = toleration.get("key", ""), toleration.get("operator", "")
        value, effect = toleration.get("value", ""), toleration.get("effect", "")
        if key:
            errs.each(at.child("key"), key, names.qualified_name(key))
        elif operator != "Exists":
            why = 'operator must be Exists when `key` is empty, which means "match all values and all keys"'
            errs.invalid(at.child("operator"), operator, why)
        if toleration.get("tolerationSeconds") is not None and effect != "NoExecute":
            errs.invalid(at.child("effect"), effect, "effect must be 'NoExecute' when `tolerationSeconds` is set")
        if operator in ("Equal", ""):
            wrong = names.label_value(value)
            if wrong:
                errs.invalid(at.child("operator"), value, ";".join(wrong))
        elif operator == "Exists":
            if value:
                why = "value must be empty when `operator` is 'Exists'"
                errs.invalid(at.child("operator"), shown(toleration, TOLERATION), why)
        else:
            errs.unsupported(at.child("operator"), operator, ("Equal", "Exists"))
        if effect:
            check_effect(errs, effect, at.child("effect"))


def check_effect(errs: Errors, effect: str, path: Path) -> None:
    """The effect of a taint or toleration."""
    if effect not in EFFECTS:
        errs.unsupported(path, effect, EFFECTS)


def check_spread(errs: Errors, constraints: list[Object], path: Path) -> None:
    """Topology spread constraints."""
    seen: set[tuple[str, str]] = set()
    for i, constraint in enumerate(constraints):
        at = path.at(i)
        skew, key = constraint.get("maxSkew", 0), constraint.get("topologyKey", "")
        unsatisfiable = constraint.get("whenUnsatisfiable", "")
        if skew <= 0:
            errs.invalid(at.child("maxSkew"), skew, "must be greater than zero")
        if not key:
            errs.required(at.child("topologyKey"), "can not be empty")
        else:
            errs.each(at.child("topologyKey"), key, names.qualified_name(key))
        if unsatisfiable not in ("DoNotSchedule", "ScheduleAnyway"):
            errs.unsupported(at.child("whenUnsatisfiable"), unsatisfiable, ("DoNotSchedule", "ScheduleAnyway"))
        if (key, unsatisfiable) in seen:
            errs.duplicate(at.child("{topologyKey, whenUnsatisfiable}"), f"{{{key}, {unsatisfiable}}}")
        seen.add((key, unsatisfiable))
        _check_min_domains(errs, constraint, unsatisfiable, at.child("minDomains"))
        for field in ("nodeAffinityPolicy", "nodeTaintsPolicy"):
            policy = constraint.get(field)
            if policy is not None and policy not in ("Ignore", "Honor"):
                errs.unsupported(at.child(field), policy, ("Honor", "Ignore"))
        _check_match_keys(errs, constraint.get("matchLabelKeys") or [], constraint.get("labelSelector"), at)
        check_selector(errs, constraint.get("labelSelector"), at.child("labelSelector"))


def _check_min_domains(errs: Errors, constraint: Object, unsatisfiable: str, path: Path) -> None:
    domains = constraint.get("minDomains")
    if domains is None:
        return
    if domains <= 0:
        errs.invalid(path, domains, "must be greater than zero")
    if unsatisfiable != "DoNotSchedule":
        why = f"can only use minDomains if whenUnsatisfiable=DoNotSchedule, not {unsatisfiable}"
        errs.invalid(path, domains, why)


def _check_match_keys(errs: Errors, keys: list[str], selector: Object | None, path: Path) -> None:
    if not keys:
        return
    at = path.child("matchLabelKeys")
    if selector is None:
        errs.forbidden(at, "must not be specified when labelSelector is not set")
        return
    for i, key in enumerate(keys):
        errs.each(at.at(i), key, names.qualified_name(key))
    _check_merged(errs, keys, selector, path)


def _check_pod_term(errs: Errors, term: Object, path: Path) -> None:
    check_selector(errs, term.get("labelSelector"), path.child("labelSelector"))
    check_selector(errs, term.get("namespaceSelector"), path.child("namespaceSelector"))
    for name in term.get("namespaces") or ():
        errs.each(path.child("namespace"), name, names.dns_label(name))
    _check_match_and_mismatch(errs, term, path)
    key = term.get("topologyKey", "")
    if not key:
        errs.required(path.child("topologyKey"), "can not be empty")
    errs.each(path.child("topologyKey"), key, names.qualified_name(key))


def _check_merged(errs: Errors, keys: list[str], selector: Object | None, path: Path) -> None:
    """No key of `matchLabelKeys`, which the server has merged into the selector, is in the selector as well."""
    seen = set((selector or {}).get("matchLabels") or ())
    for expression in (selector or {}).get("matchExpressions") or ():
        key = expression.get("key", "")
        if key in keys and key in seen:
            last = len(keys) - 1 - keys[::-1].index(key)
            errs.invalid(path.at(last), key, "exists in both matchLabelKeys and labelSelector")
        seen.add(key)


def _check_match_and_mismatch(errs: Errors, term: Object, path: Path) -> None:
    match, mismatch = term.get("matchLabelKeys") or [], term.get("mismatchLabelKeys") or []
    selector = term.get("labelSelector")
    for field, keys in (("matchLabelKeys", match), ("mismatchLabelKeys", mismatch)):
        if keys and selector is None:
            errs.forbidden(path.child(field), "must not be specified when labelSelector is not set")
        elif selector is not None:
            for i, key in enumerate(keys):
                errs.each(path.child(field).at(i), key, names.qualified_name(key))
    _check_merged(errs, match, selector, path)
    for i, key in enumerate(match):
        if key in mismatch:
            errs.invalid(path.child("matchLabelKeys").at(i), key, "exists in both matchLabelKeys and mismatchLabelKeys")


def _check_weight(errs: Errors, term: Object, path: Path) -> None:
    weight = term.get("weight", 0)
    if not 1 <= weight <= 100:
        errs.invalid(path.child("weight"), weight, "must be in the range 1-100")


def _check_node_term(errs: Errors, term: Object, path: Path, *, values_too: bool = False) -> None:
    """A term; what is only preferred may ask for values that no label has."""
    for i, requirement in enumerate(term.get("matchExpressions") or ()):
        at = path.child("matchExpressions").at(i)
        _check_node_requirement(errs, requirement, at)
        for j, value in enumerate(requirement.get("values") or () if values_too else ()):
            errs.each(at.child("values").at(j), value, names.label_value(value))
    for i, requirement in enumerate(term.get("matchFields") or ()):
        _check_node_field(errs, requirement, path.child("matchFields").at(i))


def _check_node_requirement(errs: Errors, requirement: Object, path: Path) -> None:
    key = requirement.get("key", "")
    if requirement.get("operator") not in ("Gt", "Lt"):
        check_operator(errs, requirement, path)
    elif len(requirement.get("values") or ()) != 1:
        errs.required(path.child("values"), "must be specified single value when `operator` is 'Lt' or 'Gt'")
    errs.each(path.child("key"), key, names.qualified_name(key))


def _check_node_field(errs: Errors, requirement: Object, path: Path) -> None:
    key, operator, values = requirement.get("key", ""), requirement.get("operator", ""), requirement.get("values") or ()
    if operator in ("In", "NotIn"):
        if len(values) != 1:
            why = "must be only one value when `operator` is 'In' or 'NotIn' for node field selector"
            errs.required(path.child("values"), why)
    else:
        errs.invalid(path.child("operator"), operator, "not a valid selector operator")
    if key != "metadata.name":
        errs.invalid(path.child("key"), key, "not a valid field selector key")
        return
    for i, value in enumerate(values):
        errs.each(path.child("values").at(i), value, names.dns_subdomain(value))
