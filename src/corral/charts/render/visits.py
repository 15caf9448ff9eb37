"""How many values functions may walk through: a map that holds another one twice, and so on, is small and has no end.

There is one rendering at a time: `of_rendering` begins it, `of_call` a function that walks, which tells `spend` how many
values each map and list holds.
"""

from corral.charts.render.errors import FunctionError

MAX_IN_CALL = 1_000_000
MAX_IN_RENDERING = 20_000_000


class _Left:
    in_call = MAX_IN_CALL
    in_rendering = MAX_IN_RENDERING


def of_rendering() -> None:
    """A rendering begins."""
    _Left.in_call, _Left.in_rendering = MAX_IN_CALL, MAX_IN_RENDERING


def of_call() -> None:
    """A function begins to walk."""
    _Left.in_call = MAX_IN_CALL


def spend(count: int) -> None:
    """So many values more. Raises FunctionError where they are too many."""
    _Left.in_call -= count
    _Left.in_rendering -= count
    if _Left.in_call < 0:
        raise FunctionError(f"the value holds more than {MAX_IN_CALL} values, all counted that are in it several times")
    if _Left.in_rendering < 0:
        raise FunctionError(f"functions have walked through more than {MAX_IN_RENDERING} values")
