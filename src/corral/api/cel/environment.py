"""Environments and programs: what callers of this room use."""

import math
from collections.abc import Callable, Mapping
from typing import Any

from corral.api.cel import libraries
from corral.api.cel.check import Checked, Scope, check
from corral.api.cel.errors import BudgetError, CompileError, CostError, EvaluationError, FaultError, shown
from corral.api.cel.literals import check_literals
from corral.api.cel.operators import Missing
from corral.api.cel.parser import MAX_DEPTH, parse
from corral.api.cel.plan import Planner
from corral.api.cel.syntax import Node
from corral.api.cel.types import ObjectType, Type

#: What one evaluation may cost: the reference's PerCallLimit, about a tenth of a second.
PER_CALL_LIMIT = 1_000_000
_TOO_DEEP = f"expression recursion limit exceeded: {MAX_DEPTH}"


class Budget:
    """What several evaluations may cost together; `left` goes down as they run."""

    __slots__ = ("left",)

    def __init__(self, left: float) -> None:
        self.left = left

    def exhausted(self) -> Exception:
        """What an evaluation raises that takes more than is left."""
        return BudgetError()


class LazyMap(dict[str, Any]):
    """A map whose values are made when they are first asked for (`variables` of admission policies)."""

    def __init__(self, makers: Mapping[str, Callable[[], Any]]) -> None:
        super().__init__()
        self._makers = dict(makers)

    def __missing__(self, key: str) -> Any:
        """Make the value; what it raises is the evaluation's error."""
        made = self._makers[key]()
        self[key] = made
        return made

    def __contains__(self, key: object) -> bool:
        return key in self._makers


class Environment:
    """The variables with their types, over all functions of Kubernetes' libraries.

    `structs(name)` gives the type of structs that expressions may make (`Object{…}` of mutations), or None.
    `bindings`: there is `cel.bind`.
    """

    def __init__(
        self,
        variables: Mapping[str, Type],
        structs: Callable[[str], ObjectType | None] | None = None,
        *,
        bindings: bool = False,
    ) -> None:
        self.variables = dict(variables)
        self._scope = Scope(self.variables, libraries.functions(), structs or (lambda _name: None))
        self._bindings = bindings

    def extended(self, variables: Mapping[str, Type]) -> "Environment":
        """This one with more variables."""
        return Environment({**self.variables, **variables}, self._scope.structs, bindings=self._bindings)

    def compile(self, source: str, *, limit: float = PER_CALL_LIMIT) -> "Program":
        """The program of an expression. Raises CompileError, whose text is all faults as cel-go prints them."""
        try:
            root = parse(source, bindings=self._bindings)
            checked = check(root, self._scope)
            faults = checked.faults or check_literals(root, checked)
            if faults:
                raise CompileError(shown(source, faults))
            return Program(source, root, checked, limit)
        except FaultError as fault:
            raise CompileError(shown(source, fault.faults)) from None
        except RecursionError:
            raise CompileError(shown(source, [(0, _TOO_DEEP)])) from None


class Program:
    """A compiled expression.

    `type` is what it gives, `variables` the names of the environment that it speaks of.
    """

    def __init__(self, source: str, root: Node, checked: Checked, limit: float) -> None:
        self.source, self.root, self.checked = source, root, checked
        self.type: Type = checked.types[root]
        self.variables = frozenset(checked.used)
        self.limit = limit
        self._spent: float = 0
        self._names = sorted(checked.used)
        planner = Planner(checked, {name: i + 1 for i, name in enumerate(self._names)})
        self._step = planner.plan(root)
        self._empty: list[Any] = [None] * (planner.size - len(self._names) - 1)

    def evaluate(self, values: Mapping[str, Any], budget: Budget | None = None) -> Any:
        """The value of the expression, for values of its variables. Raises EvaluationError (CostError, BudgetError)."""
        limit = self.limit if budget is None else min(self.limit, budget.left)
        frame: list[Any] = [limit]
        for name in self._names:
            frame.append(values[name] if name in values else Missing(name))
        frame += self._empty
        try:
            return self._step(frame)
        except RecursionError:
            raise EvaluationError(_TOO_DEEP) from None
        except CostError:
            if budget is not None and limit < self.limit:
                raise budget.exhausted() from None
            raise
        finally:
            self._spent = spent = limit - frame[0]
            if budget is not None:
                budget.left -= spent
                if budget.left < 0:
                    raise budget.exhausted()

    @property
    def cost(self) -> int:
        """What the last evaluation took."""
        return math.ceil(self._spent - 1e-3)
