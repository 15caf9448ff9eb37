"""What is doubtful about a validating policy's expressions, given the kinds that its rules name. It is used nevertheless. Pure.

https://kubernetes.io/docs/reference/access-authn-authz/validating-admission-policy/#type-checking
"""

from collections.abc import Callable, Iterable, Iterator
from itertools import product

from corral.api import facts
from corral.api.admissioncel import PolicyCompiler
from corral.api.cel import BOOL, BYTES, DOUBLE, DYN, INT, STRING, TIMESTAMP, Type, list_of, map_of
from corral.api.cel.schemas import escaped
from corral.api.cel.types import LazyObjectType
from corral.api.objects import Object
from corral.api.resources import Catalog, Resource

#: No more kinds of one rule are looked at.
MAX_KINDS = 10
_SCALARS = {
    **dict.fromkeys(("string", "quantity"), STRING),
    **dict.fromkeys(("int32", "int64"), INT),
    **dict.fromkeys(("time", "micro-time"), TIMESTAMP),
    "bool": BOOL,
    "bytes": BYTES,
    "float64": DOUBLE,
}

#: The type of a resource's objects; None where nobody knows it.
TypeOf = Callable[[Resource], facts.Type | None]


def warnings(policy: Object, catalog: Catalog, type_of: TypeOf) -> list[Object]:
    """`status.typeChecking.expressionWarnings` of a policy: for each expression, what is wrong with it for which kinds."""
    spec = policy["spec"]
    kind = spec.get("paramKind") or {}
    parameters = catalog.of_kind(kind.get("apiVersion", ""), kind.get("kind", ""))
    params = None if parameters is None else type_of(parameters)
    compilers = []
    for resource in _resources(spec, catalog):
        found = type_of(resource)
        if found is not None:
            of, with_params = cel_type(found), DYN if params is None else cel_type(params)
            compilers.append((resource, PolicyCompiler(spec, of=of, params=with_params)))
    return list(_warnings(spec.get("validations") or (), compilers))


def _warnings(validations: Iterable[Object], compilers: list[tuple[Resource, PolicyCompiler]]) -> Iterator[Object]:
    for i, validation in enumerate(validations):
        for field in ("expression", "messageExpression"):
            expression = validation.get(field)
            if not expression:
                continue
            faults = [(resource, compiler.fault(expression)) for resource, compiler in compilers]
            lines = [f"{_kind(resource)}: {fault}\n" for resource, fault in faults if fault]
            if lines:
                yield {"fieldRef": f"spec.validations[{i}].{field}", "warning": "\n".join(lines)}


def _kind(resource: Resource) -> str:
    return f"{resource.group}/{resource.version}, Kind={resource.kind}"


def _resources(spec: Object, catalog: Catalog) -> list[Resource]:
    """The kinds that rules without wildcards name, one resource each, sorted."""
    found: dict[tuple[str, str, str], Resource] = {}
    for rule in (spec.get("matchConstraints") or {}).get("resourceRules") or ():
        for resource in _of_rule(rule, catalog):
            found[resource.group, resource.version, resource.kind] = resource
    return [found[key] for key in sorted(found)]


def _of_rule(rule: Object, catalog: Catalog) -> Iterator[Resource]:
    groups, versions = sorted(rule.get("apiGroups") or ()), sorted(rule.get("apiVersions") or ())
    if "*" in groups or "*" in versions:
        return
    plain = sorted(name for name in rule.get("resources") or () if "*" not in name and "/" not in name)
    count = 0
    for place in product(groups, versions, plain):
        resource = catalog.at(*place)
        if resource is not None and count < MAX_KINDS:
            count += 1
            yield resource


def cel_type(type_: facts.Type) -> Type:
    """The type of values of a kind, as expressions see them."""
    if type_.kind == "list":
        return list_of(cel_type(type_.item) if type_.item is not None else DYN)
    if type_.kind == "map":
        return map_of(STRING, cel_type(type_.item) if type_.item is not None else DYN)
    if type_.kind != "object":
        return _SCALARS.get(type_.kind, DYN)
    if type_.preserve_unknown:
        return DYN
    written = {escaped(name): name for name in type_.fields}

    def field(name: str) -> Type | None:
        known = type_.fields.get(written.get(name, ""))
        return None if known is None else cel_type(known.type)

    return LazyObjectType(type_.name or f"object@{id(type_)}", field)
