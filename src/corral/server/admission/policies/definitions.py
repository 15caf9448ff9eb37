"""Policies and bindings, compiled."""

from collections.abc import Callable, Iterable

from msgspec import Struct, field

from corral.api.admissioncel import ANNOTATION, APPLY_CONFIGURATION, CONDITION, JSON_PATCH, MESSAGE, PolicyCompiler
from corral.api.cel import CompileError, Program
from corral.api.objects import Object
from corral.server.admission.matching import Match, match_of


class Validation(Struct, frozen=True):
    """One thing that a policy demands."""

    demand: Program
    message: str
    #: Makes the message; None where it is fixed.
    message_maker: Program | None
    reason: str


class Mutation(Struct, frozen=True):
    """One change that a policy makes: the configuration to apply, or the operations of a JSON patch."""

    applies: bool
    program: Program


class Binding(Struct, frozen=True):
    """Where a policy counts, with which parameters, and what becomes of what it refuses."""

    name: str
    match: Match
    parameters: Object | None
    actions: tuple[str, ...]


class Policy(Struct, frozen=True, eq=False):
    """One policy with its bindings. Where it could not be compiled, `fault` says why."""

    name: str
    match: Match
    fails_open: bool
    reinvoked: bool
    parameter_kind: Object | None
    bindings: tuple[Binding, ...]
    fault: str = ""
    conditions: tuple[Program, ...] = ()
    variables: dict[str, Program] = field(default_factory=dict)
    validations: tuple[Validation, ...] = ()
    annotations: tuple[tuple[str, Program], ...] = ()
    mutations: tuple[Mutation, ...] = ()


def compiled(policies: Iterable[Object], bindings: Iterable[Object]) -> tuple[Policy, ...]:
    """The policies that are bound, in the order of their names."""
    bound: dict[str, list[Object]] = {}
    for binding in sorted(bindings, key=_name):
        bound.setdefault(binding["spec"].get("policyName", ""), []).append(binding)
    return tuple(_policy(policy, bound[_name(policy)]) for policy in sorted(policies, key=_name) if _name(policy) in bound)


def _name(obj: Object) -> str:
    return str(obj["metadata"]["name"])


def _policy(policy: Object, bindings: list[Object]) -> Policy:
    spec = policy["spec"]
    compiler = PolicyCompiler(spec)
    make: Callable[..., Policy] = _Made(policy, bindings)
    try:
        for error in compiler.faulty.values():
            raise error
        return make(
            conditions=tuple(
                compiler.compile(one["expression"].strip(), CONDITION) for one in spec.get("matchConditions") or ()
            ),
            variables=compiler.variables,
            validations=tuple(_validation(compiler, one) for one in spec.get("validations") or ()),
            annotations=tuple(
                (one["key"], compiler.compile(one["valueExpression"], ANNOTATION)) for one in spec.get("auditAnnotations") or ()
            ),
            mutations=tuple(_mutation(compiler, one) for one in spec.get("mutations") or ()),
        )
    except CompileError as error:
        return make(fault=f"compilation error: {error}")


class _Made:
    """Makes a policy of what needs no compiling, and the rest."""

    def __init__(self, policy: Object, bindings: list[Object]) -> None:
        self._policy = policy
        self._bindings = bindings

    def __call__(self, **compiled: object) -> Policy:
        spec = self._policy["spec"]
        return Policy(
            _name(self._policy),
            match_of(spec.get("matchConstraints") or {}),
            spec.get("failurePolicy") == "Ignore",
            spec.get("reinvocationPolicy") == "IfNeeded",
            spec.get("paramKind"),
            tuple(_binding(one) for one in self._bindings),
            **compiled,  # type: ignore[arg-type]
        )


def _binding(binding: Object) -> Binding:
    spec = binding["spec"]
    match = match_of(spec.get("matchResources") or {})
    return Binding(_name(binding), match, spec.get("paramRef"), tuple(spec.get("validationActions") or ()))


def _validation(compiler: PolicyCompiler, one: Object) -> Validation:
    maker = one.get("messageExpression")
    return Validation(
        compiler.compile(one["expression"].strip(), CONDITION),
        (one.get("message") or "").strip(),
        compiler.compile(maker, MESSAGE, authorizer=False) if maker else None,
        one.get("reason") or "Invalid",
    )


def _mutation(compiler: PolicyCompiler, one: Object) -> Mutation:
    applies = one.get("patchType") == "ApplyConfiguration"
    expression = one["applyConfiguration" if applies else "jsonPatch"]["expression"]
    return Mutation(applies, compiler.compile(expression, APPLY_CONFIGURATION if applies else JSON_PATCH, patches=True))
