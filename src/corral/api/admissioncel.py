"""What the expressions of admission may speak of: match conditions of webhooks, and everything in admission policies. Pure.

Types of variables and environments are here, their values in `server.admission.expressions`.
https://kubernetes.io/docs/reference/using-api/cel/ and
https://kubernetes.io/docs/reference/access-authn-authz/validating-admission-policy/#writing-a-validation-policy
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache

from corral.api.cel import (
    AUTHORIZER,
    BOOL,
    DYN,
    INT,
    NULL,
    RESOURCE_CHECK,
    STRING,
    TIMESTAMP,
    CompileError,
    Environment,
    ObjectType,
    Program,
    Type,
    list_of,
    map_of,
)
from corral.api.cel.types import LazyObjectType
from corral.api.objects import Object

REQUEST_RESOURCE = "authorizer.requestResource"
KEPT_PROGRAMS = 512

_TEXTS = list_of(STRING)
_KIND = ObjectType("kubernetes.GroupVersionKind", {"group": STRING, "version": STRING, "kind": STRING})
_RESOURCE = ObjectType("kubernetes.GroupVersionResource", {"group": STRING, "version": STRING, "resource": STRING})
_USER = ObjectType(
    "kubernetes.UserInfo", {"username": STRING, "uid": STRING, "groups": _TEXTS, "extra": map_of(STRING, _TEXTS)}
)
#: The AdmissionRequest, without what has variables of its own.
REQUEST = ObjectType(
    "kubernetes.AdmissionRequest",
    {
        "kind": _KIND,
        "resource": _RESOURCE,
        "subResource": STRING,
        "requestKind": _KIND,
        "requestResource": _RESOURCE,
        "requestSubResource": STRING,
        "name": STRING,
        "namespace": STRING,
        "operation": STRING,
        "userInfo": _USER,
        "dryRun": BOOL,
        "options": DYN,
    },
)
_NAMESPACE_METADATA = ObjectType(
    "kubernetes.NamespaceMetadata",
    {
        **dict.fromkeys(("name", "generateName", "namespace", "UID", "resourceVersion"), STRING),
        **dict.fromkeys(("labels", "annotations"), map_of(STRING, STRING)),
        **dict.fromkeys(("creationTimestamp", "deletionTimestamp"), TIMESTAMP),
        **dict.fromkeys(("deletionGracePeriodSeconds", "generation"), INT),
        "finalizers": _TEXTS,
    },
    {"UID": "uid"},
)
_CONDITION = ObjectType(
    "kubernetes.NamespaceCondition",
    {**dict.fromkeys(("status", "type", "message", "reason"), STRING), "lastTransitionTime": TIMESTAMP},
)
#: The namespace of the object, with the fields that do not change all the time.
NAMESPACE = ObjectType(
    "kubernetes.Namespace",
    {
        "metadata": _NAMESPACE_METADATA,
        "spec": ObjectType("kubernetes.NamespaceSpec", {"finalizers": _TEXTS}),
        "status": ObjectType("kubernetes.NamespaceStatus", {"conditions": list_of(_CONDITION), "phase": STRING}),
    },
)
_PATCH = ObjectType("JSONPatch", {"op": STRING, "path": STRING, "from": STRING, "value": DYN})

#: What expressions have to give.
CONDITION: tuple[Type, ...] = (BOOL,)
MESSAGE: tuple[Type, ...] = (STRING,)
ANNOTATION: tuple[Type, ...] = (STRING, NULL)
APPLY_CONFIGURATION: tuple[Type, ...] = (LazyObjectType("Object", lambda _field: DYN),)
JSON_PATCH: tuple[Type, ...] = (list_of(_PATCH),)
#: Of variables: whatever they give.
ANYTHING: tuple[Type, ...] = ()


def environment(
    *,
    params: Type | None = None,
    authorizer: bool = True,
    variables: Mapping[str, Type] | None = None,
    patches: bool = False,
    of: Type = DYN,
) -> Environment:
    """The variables of expressions. `params` and `variables` are there for policies only; `of` is the type of the objects.

    With `patches`, expressions can make `Object{…}` and `JSONPatch{…}`.
    """
    known: dict[str, Type] = {"object": of, "oldObject": of, "request": REQUEST, "namespaceObject": NAMESPACE}
    if params is not None:
        known["params"] = params
    if authorizer:
        known |= {"authorizer": AUTHORIZER, REQUEST_RESOURCE: RESOURCE_CHECK}
    if variables is not None:
        known["variables"] = ObjectType("kubernetes.variables", variables)
    return Environment(known, _struct if patches else None)


@lru_cache(maxsize=8)
def _webhooks() -> Environment:
    return environment()


@lru_cache(maxsize=KEPT_PROGRAMS)
def match_condition(expression: str) -> Program:
    """The program of a webhook's match condition. Raises CompileError."""
    return compiled(_webhooks(), expression, CONDITION)


def compiled(within: Environment, expression: str, gives: Sequence[Type]) -> Program:
    """The program of an expression that gives one of these types. Raises CompileError, in the words of the reference."""
    try:
        program = within.compile(expression)
    except CompileError as error:
        raise CompileError(f"compilation failed: {error}") from None
    if gives and program.type not in gives:
        wanted = f"one of [{' '.join(map(_shown, gives))}]" if len(gives) > 1 else _shown(gives[0])
        raise CompileError(f"must evaluate to {wanted} but got {_shown(program.type)}")
    return program


def _shown(type_: Type) -> str:
    """A type as Go prints it: not by the short names that compile errors use."""
    return f"{type_.name}({', '.join(map(_shown, type_.args))})" if type_.args else type_.name


class PolicyCompiler:
    """Compiles the expressions of one policy, with its variables.

    A variable can speak of those before it. `faulty` are those that do not compile, with why.
    """

    def __init__(self, spec: Object, *, of: Type = DYN, params: Type = DYN) -> None:
        self._params = params if spec.get("paramKind") is not None else None
        self._of = of
        self.variables: dict[str, Program] = {}
        self.faulty: dict[str, CompileError] = {}
        self._types: dict[str, Type] = {}
        for variable in spec.get("variables") or ():
            name = variable.get("name", "")
            try:
                program = self.compile(variable.get("expression", ""), ANYTHING)
            except CompileError as error:
                self.faulty[name], self._types[name] = error, DYN
                continue
            self.variables[name] = program
            self._types[name] = program.type

    def fault(self, expression: str) -> str:
        """What is wrong with an expression, whatever it gives; "" if nothing."""
        try:
            environment(params=self._params, variables=self._types, of=self._of).compile(expression)
        except CompileError as error:
            return str(error)
        return ""

    def compile(self, expression: str, gives: Sequence[Type], *, authorizer: bool = True, patches: bool = False) -> Program:
        """The program of an expression. Raises CompileError."""
        within = environment(params=self._params, authorizer=authorizer, variables=self._types, patches=patches, of=self._of)
        return compiled(within, expression, gives)


def _struct(name: str) -> ObjectType | None:
    if name == "JSONPatch":
        return _PATCH
    if name == "Object" or name.startswith("Object."):
        return LazyObjectType(name, lambda _field: DYN)
    return None
