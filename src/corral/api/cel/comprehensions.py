"""The comprehensions: all, exists, exists_one, filter, map, the transforms of two variables, optMap and optFlatMap.

Each turn costs what cel-go charges for the accumulator and its condition, and the limit is looked at in each.
"""

from collections.abc import Callable, Iterator
from typing import Any

from corral.api.cel.errors import CostError, EvaluationError
from corral.api.cel.operators import map_key, no_overload, optional
from corral.api.cel.values import NONE, Frame, Optional, charge

Step = Callable[[Frame], Any]
#: What a turn costs beside what is evaluated in it.
_ALL_COST, _EXISTS_COST, _COUNT_COST, _SKIP_COST, _APPEND_COST = 3, 4, 2, 1, 12
#: What an inserted entry costs.
_INSERT_COST = 3


def made(name: str, over: Step, slots: list[int], bodies: list[Step]) -> Step:
    """The step of a comprehension, whose variables are in `slots` of the frame."""
    if name == "bind":
        return _bound(over, slots[0], bodies[0])
    if name in ("optMap", "optFlatMap"):
        return _opt_map(over, slots[0], bodies[0], wraps=name == "optMap")
    if name in ("all", "exists"):
        return _quantified(over, slots, bodies[0], decisive=name == "exists")
    if name == "exists_one":
        return _exists_one(over, slots, bodies[0])
    if name == "filter":
        return _filtered(over, slots, bodies[0])
    return _transformed(name, over, slots, bodies)


def _turns(value: Any, slots: list[int], frame: Frame) -> Iterator[tuple[Any, Any]]:
    """Each key (or index) and item, put into the frame."""
    if isinstance(value, list):
        if len(slots) == 1:
            slot = slots[0]
            for item in value:
                frame[slot] = item
                yield None, item
            return
        pairs: Any = enumerate(value)
    elif isinstance(value, dict):
        if len(slots) == 1:
            slot = slots[0]
            for key in value:
                frame[slot] = key
                yield key, key
            return
        pairs = value.items()
    else:
        raise no_overload()
    for key, item in pairs:
        frame[slots[0]], frame[slots[1]] = key, item
        yield key, item


def _quantified(over: Step, slots: list[int], body: Step, *, decisive: bool) -> Step:
    cost = _EXISTS_COST if decisive else _ALL_COST
    slot, is_single = slots[0], len(slots) == 1

    def run(frame: Frame) -> bool:
        fault: EvaluationError | None = None
        value = over(frame)
        # The most common case is spared a generator.
        is_plain = is_single and isinstance(value, list | dict)
        for item in value if is_plain else _turns(value, slots, frame):
            if is_plain:
                frame[slot] = item
            left = frame[0] = frame[0] - cost
            if left < 0:
                raise CostError
            try:
                value = body(frame)
            except CostError:
                raise
            except EvaluationError as error:
                fault = error
                continue
            if value is decisive:
                return bool(decisive)
            if type(value) is not bool:
                fault = no_overload()
        frame[0] -= 1
        if fault is not None:
            raise fault
        return not decisive

    return run


def _holds(body: Step, frame: Frame) -> bool:
    value = body(frame)
    if type(value) is not bool:
        raise no_overload()
    return value


def _exists_one(over: Step, slots: list[int], body: Step) -> Step:
    def run(frame: Frame) -> bool:
        count = 0
        for _ in _turns(over(frame), slots, frame):
            charge(frame, _COUNT_COST)
            count += _holds(body, frame)
        frame[0] -= 2
        return count == 1

    return run


def _filtered(over: Step, slots: list[int], body: Step) -> Step:
    slot = slots[0]

    def run(frame: Frame) -> list[Any]:
        kept = []
        for _ in _turns(over(frame), slots, frame):
            charge(frame, _SKIP_COST)
            if _holds(body, frame):
                charge(frame, _APPEND_COST)
                kept.append(frame[slot])
        frame[0] -= 1
        return kept

    return run


def _transformed(name: str, over: Step, slots: list[int], bodies: list[Step]) -> Step:
    condition, body = (bodies[0], bodies[1]) if len(bodies) == 2 else (None, bodies[0])

    def run_list(frame: Frame) -> list[Any]:
        made = []
        for _ in _turns(over(frame), slots, frame):
            charge(frame, _APPEND_COST)
            if condition is None or _holds(condition, frame):
                made.append(body(frame))
        frame[0] -= 1
        return made

    def run_map(frame: Frame) -> dict[Any, Any]:
        made = {}
        for key, _ in _turns(over(frame), slots, frame):
            charge(frame, _INSERT_COST)
            if condition is None or _holds(condition, frame):
                made[key] = body(frame)
        return made

    def run_entries(frame: Frame) -> dict[Any, Any]:
        made: dict[Any, Any] = {}
        for _ in _turns(over(frame), slots, frame):
            charge(frame, _INSERT_COST)
            if condition is not None and not _holds(condition, frame):
                continue
            entries = body(frame)
            if not isinstance(entries, dict):
                raise no_overload()
            for key, value in entries.items():
                charge(frame, 1)
                if map_key(key) in made:
                    raise EvaluationError(f"insert failed: key {key} already exists")
                made[key] = value
        return made

    if name in ("map", "transformList"):
        return run_list
    return run_map if name == "transformMap" else run_entries


def _bound(value: Step, slot: int, body: Step) -> Step:
    def run(frame: Frame) -> Any:
        frame[slot] = value(frame)
        return body(frame)

    return run


def _opt_map(over: Step, slot: int, body: Step, *, wraps: bool) -> Step:
    def run(frame: Frame) -> Optional:
        frame[0] -= 2
        value = optional(over(frame))
        if not value.present:
            return NONE
        frame[slot] = value.value
        result = body(frame)
        return Optional(result) if wraps else optional(result)

    return run
