"""A checked expression to a Python closure: `plan`.

The closure takes a frame: a list whose first item is the cost that may still be spent, followed by the values of variables.
Costs are cel-go's (one for a name, a selection or a plain call), so that limits mean the same; they are looked at wherever an
evaluation can repeat itself or grow.
"""

from collections.abc import Callable
from typing import Any

from corral.api.cel import comprehensions, operators
from corral.api.cel.check import Checked
from corral.api.cel.errors import CostError, EvaluationError
from corral.api.cel.functions import Overload
from corral.api.cel.syntax import Call, Ident, ListLiteral, Literal, Macro, MapLiteral, Node, Select, StructLiteral
from corral.api.cel.types import ObjectType, Type
from corral.api.cel.values import NONE, Frame, Optional, Struct, charge, kind

Step = Callable[[Frame], Any]
#: What making a list, a map and a struct costs.
_LIST_COST, _MAP_COST, _STRUCT_COST = 10, 30, 40


class Planner:
    """Makes the closures of one expression; `slots` says where in the frame each variable is."""

    def __init__(self, checked: Checked, slots: dict[str, int]) -> None:
        self._checked = checked
        #: Nodes that stand for something by their whole names: types, and variables with a dot.
        self._named = checked.constants.keys() | checked.dotted.keys()
        self._slots = dict(slots)
        #: Variables of the environment, which may have been given no value, have the first places.
        self._given = self.size = len(slots) + 1

    def plan(self, node: Node) -> Step:
        """The closure of a node."""
        constant = self._checked.constants.get(node)
        if constant is not None:
            # Values know no type parameters.
            return _constant(Type(constant.name))
        match node:
            case Literal():
                return _constant(node.value)
            case Ident():
                slot = self._slots[node.name]
                return _ident(slot) if slot < self._given else _local(slot)
            case Select():
                return self._select(node)
            case Call():
                return self._call(node)
            case Macro():
                return self._macro(node)
            case ListLiteral():
                return _list([self.plan(item) for item in node.items], node.optional)
            case MapLiteral():
                return _map([(self.plan(key), self.plan(value)) for key, value in node.entries], node.optional)
            case StructLiteral():
                return self._struct(node)
        raise AssertionError(type(node))

    def _select(self, node: Select) -> Step:
        dotted = self._checked.dotted.get(node)
        if dotted is not None:
            return _ident(self._slots[dotted])
        step = self._one_select(node)
        names, base = [], node
        while isinstance(base, Select) and not (base.test or base.optional or base in self._named):
            names.append(self._key(base))
            base = base.operand  # type: ignore[assignment]
        is_path = isinstance(base, Ident) and base not in self._named and len(names) > 1
        return _path(self._slots[base.name], names[::-1], step) if is_path and isinstance(base, Ident) else step

    def _key(self, node: Select) -> str:
        """The key of the field that is selected, in the value."""
        type_ = self._checked.types[node.operand]
        inner = type_.args[0] if type_.name == "optional_type" else type_
        return inner.names.get(node.name, node.name) if isinstance(inner, ObjectType) else node.name

    def _one_select(self, node: Select) -> Step:
        operand, type_ = self.plan(node.operand), self._checked.types[node.operand]
        name, absent = self._key(node), _nulls_absent(type_)
        if node.test:
            return _has(operand, name, absent)
        if node.optional or type_.name == "optional_type":
            return _optional_select(operand, name, absent)
        return _select(operand, name, node.name, absent)

    def _call(self, node: Call) -> Step:
        parts = ([node.target] if node.target is not None else []) + node.args
        args = [self.plan(part) for part in parts]
        operator = operators.OPERATORS.get(node.function)
        if operator is not None:
            made: Step = operator(*args)
            return made
        overloads = self._checked.overloads[node]
        known = all(_is_known(self._checked.types[part]) for part in parts)
        if len(overloads) == 1 and known:
            return _direct(overloads[0], args)
        return _dispatched(node.function, overloads, args)

    def _macro(self, node: Macro) -> Step:
        over, outer = self.plan(node.over), dict(self._slots)
        slots = []
        for name in node.variables:
            self._slots[name] = self.size
            slots.append(self.size)
            self.size += 1
        bodies = [self.plan(body) for body in node.bodies]
        self._slots = outer
        return comprehensions.made(node.name, over, slots, bodies)

    def _struct(self, node: StructLiteral) -> Step:
        type_ = self._checked.structs[node]
        names = type_.names
        fields = [(names.get(name, name), self.plan(value)) for name, value in node.fields]
        optional = node.optional

        def run(frame: Frame) -> Any:
            charge(frame, _STRUCT_COST)
            made = Struct(type_.name)
            for i, (name, step) in enumerate(fields):
                value = step(frame)
                if i in optional:
                    if not value.present:
                        continue
                    value = value.value
                made[name] = value
            return made

        return run


def _nulls_absent(type_: Type) -> bool:
    inner = type_.args[0] if type_.name == "optional_type" else type_
    return isinstance(inner, ObjectType) and inner.null_is_absent


def _is_known(type_: Type) -> bool:
    """Whether a value's kind is sure before there is one."""
    return type_.name not in ("dyn", "!error!") and not isinstance(type_, ObjectType)


def _constant(value: Any) -> Step:
    return lambda _frame: value


def _ident(slot: int) -> Step:
    def run(frame: Frame) -> Any:
        frame[0] -= 1
        value = frame[slot]
        if value.__class__ is operators.Missing:
            raise EvaluationError(f"no such attribute(s): {value.name}")
        return value

    return run


def _local(slot: int) -> Step:
    def run(frame: Frame) -> Any:
        frame[0] -= 1
        return frame[slot]

    return run


def _select(operand: Step, name: str, written: str, absent: bool) -> Step:
    """`absent`: a null is no value."""

    def run(frame: Frame) -> Any:
        frame[0] -= 1
        value = operand(frame)
        try:
            found = value[name]
        except KeyError:
            raise EvaluationError(f"no such key: {written}") from None
        except (TypeError, IndexError):
            return _select_optional(value, name)
        if found is None and absent:
            raise EvaluationError(f"no such key: {written}")
        return found

    return run


def _path(slot: int, names: list[str], step: Step) -> Step:
    """A chain of selections from a variable in one step; `step` takes it one by one, where something is missing."""
    cost = len(names) + 1

    def run(frame: Frame) -> Any:
        value = frame[slot]
        try:
            for name in names:
                value = value[name]
        except (KeyError, TypeError, IndexError):
            return step(frame)
        if value is None:
            return step(frame)
        frame[0] -= cost
        return value

    return run


def _select_optional(value: Any, name: str) -> Any:
    if isinstance(value, Optional):
        return _picked(value, name)
    raise EvaluationError("no such overload")


def _picked(value: Any, name: str, absent: bool = False) -> Optional:
    """The field of a value that may be missing, or may miss it; `absent`: a null is no value."""
    if isinstance(value, Optional):
        if not value.present:
            return NONE
        value = value.value
    if not isinstance(value, dict):
        raise EvaluationError("no such overload")
    if name not in value:
        return NONE
    found = value[name]
    if found is None and absent:
        return NONE
    return found if isinstance(found, Optional) else Optional(found)


def _optional_select(operand: Step, name: str, absent: bool) -> Step:
    def run(frame: Frame) -> Any:
        frame[0] -= 1
        return _picked(operand(frame), name, absent)

    return run


def _has(operand: Step, name: str, absent: bool) -> Step:
    def run(frame: Frame) -> bool:
        value = operand(frame)
        if isinstance(value, Optional):
            return _picked(value, name, absent).present
        if not isinstance(value, dict):
            raise EvaluationError("no such overload")
        return name in value and not (absent and value[name] is None)

    return run


def _list(items: list[Step], optional: set[int]) -> Step:
    cost = _LIST_COST + len(items) * 0.1

    def run(frame: Frame) -> list[Any]:
        charge(frame, cost)
        if not optional:
            return [item(frame) for item in items]
        made = []
        for i, item in enumerate(items):
            value = item(frame)
            if i not in optional:
                made.append(value)
            elif operators.optional(value).present:
                made.append(value.value)
        return made

    return run


def _map(entries: list[tuple[Step, Step]], optional: set[int]) -> Step:
    def run(frame: Frame) -> dict[Any, Any]:
        charge(frame, _MAP_COST)
        made: dict[Any, Any] = {}
        for i, (key_step, value_step) in enumerate(entries):
            key, value = operators.map_key(key_step(frame)), value_step(frame)
            if i in optional:
                if not operators.optional(value).present:
                    continue
                value = value.value
            if key in made:
                raise EvaluationError("duplicate map key")
            made[key] = value
        return made

    return run


def _direct(overload: Overload, args: list[Step]) -> Step:
    if overload.cost is None and not overload.frame and len(args) == 1:
        only, call = args[0], overload.call

        def run_one(frame: Frame) -> Any:
            frame[0] -= 1
            value = only(frame)
            try:
                return call(value)
            except (TypeError, AttributeError):
                raise _unfit(overload.function, [value]) from None

        return run_one
    if not overload.frame and len(args) == 2:
        return _direct_two(overload, *args)

    def run(frame: Frame) -> Any:
        return _called(overload, frame, [arg(frame) for arg in args])

    return run


def _direct_two(overload: Overload, first: Step, second: Step) -> Step:
    call, cost = overload.call, overload.cost

    def run(frame: Frame) -> Any:
        one, other = first(frame), second(frame)
        try:
            result = call(one, other)
            left = frame[0] = frame[0] - (1 if cost is None else cost((one, other), result))
        except (TypeError, AttributeError):
            raise _unfit(overload.function, [one, other]) from None
        if left < 0:
            raise CostError
        return result

    return run


def _called(overload: Overload, frame: Frame, values: list[Any]) -> Any:
    try:
        result = overload.call(frame, *values) if overload.frame else overload.call(*values)
        charge(frame, 1 if overload.cost is None else overload.cost(values, result))
    except (TypeError, AttributeError):
        raise _unfit(overload.function, values) from None
    return result


def _unfit(function: str, values: list[Any]) -> EvaluationError:
    """For values that are not of the type that was declared, such as a null."""
    if function[0] in "_-!":
        return EvaluationError("no such overload")
    return EvaluationError(f"no such overload: {function}({', '.join(kind(value) for value in values)})")


def _dispatched(function: str, overloads: list[Overload], args: list[Step]) -> Step:
    """Choose the overload by what the values are; what was chosen for their classes is remembered."""
    chosen: dict[tuple[type, ...], Overload] = {}

    def choose(values: list[Any]) -> Overload:
        kinds = [kind(value) for value in values]
        for overload in overloads:
            if all(one is None or one == given for one, given in zip(overload.kinds, kinds, strict=True)):
                chosen[tuple(map(type, values))] = overload
                return overload
        raise _unfit(function, values)

    def run(frame: Frame) -> Any:
        values = [arg(frame) for arg in args]
        return _called(chosen.get(tuple(map(type, values))) or choose(values), frame, values)

    return run
