"""What calls cost while they are evaluated, in cel-go's units: a tenth for each character that is walked through.

A cost is a function of a call's arguments and its result.
"""

import math
from collections.abc import Sequence
from typing import Any

#: For each character (or item) that a function goes through.
PER_CHARACTER = 0.1


def traversed(args: Sequence[Any], _result: Any) -> float:
    """The first argument is walked through once."""
    return math.ceil(len(args[0]) * PER_CHARACTER)


def twice_traversed(args: Sequence[Any], result: Any) -> float:
    """It is walked through, and a result made."""
    return math.ceil(max(len(args[0]) * 2, len(result)) * PER_CHARACTER)


def both_traversed(args: Sequence[Any], _result: Any) -> float:
    """Both arguments are copied."""
    return math.ceil((len(args[0]) + len(args[1])) * PER_CHARACTER)


def text_matched(args: Sequence[Any], _result: Any) -> float:
    """One text is looked for in another."""
    return math.ceil(len(args[0]) * PER_CHARACTER) * math.ceil(len(args[1]) * PER_CHARACTER)


def items_traversed(args: Sequence[Any], _result: Any) -> float:
    """Each item of a list is looked at, and each character of it."""
    items = args[0]
    if isinstance(items, str):
        return math.ceil(len(items) * PER_CHARACTER)
    sizes = sum(len(item) for item in items if isinstance(item, str | bytes))
    return len(items) + math.ceil(sizes * PER_CHARACTER)


def pattern_searched(args: Sequence[Any], _result: Any) -> float:
    """A pattern (the second argument) is looked for in a text."""
    return math.ceil((1 + len(args[0])) * PER_CHARACTER) * math.ceil(len(args[1]) * 0.25)


def result_made(_args: Sequence[Any], result: Any) -> float:
    """The result is walked through twice."""
    return math.ceil(len(result) * 2 * PER_CHARACTER)
