"""Sprig's arithmetic of fractions (numeric.go): exact, as decimals, where the original is."""

import math
from decimal import Decimal, localcontext

from corral.base.annotations import Any
from corral.charts.render import strconv
from corral.charts.render.errors import FunctionError
from corral.charts.render.functions import ANY, Table
from corral.charts.render.functions.numbers import to_float

FUNCTIONS = Table()
_DIVISION_DIGITS = 16


def _decimal(value: Any) -> Decimal:
    number = to_float(value)
    if math.isnan(number) or number in (math.inf, -math.inf):
        raise FunctionError(f"Cannot create a Decimal from {strconv.format_float(number)}")
    return Decimal(repr(number))


def _operate(first: Any, values: tuple[Any, ...], operate: Any) -> float:
    with localcontext() as context:
        context.prec = 2000
        result = _decimal(first)
        for value in values:
            result = operate(result, _decimal(value))
        return float(result) + 0.0  # a decimal has no negative zero


def _quotient(one: Decimal, two: Decimal) -> Decimal:
    """Decimal.Div: 16 places, rounded half up."""
    if not two:
        raise FunctionError("decimal division by 0")
    places = Decimal(1).scaleb(-_DIVISION_DIGITS)
    return (one / two).quantize(places, rounding="ROUND_HALF_UP")


@FUNCTIONS.add("add1f", ANY)
def _add1f(value: Any) -> float:
    return _operate(value, (1,), Decimal.__add__)


@FUNCTIONS.add("addf", "..." + ANY)
def _addf(*values: Any) -> float:
    return _operate(0.0, values, Decimal.__add__)


@FUNCTIONS.add("subf", ANY, "..." + ANY)
def _subf(first: Any, *values: Any) -> float:
    return _operate(first, values, Decimal.__sub__)


@FUNCTIONS.add("divf", ANY, "..." + ANY)
def _divf(first: Any, *values: Any) -> float:
    return _operate(first, values, _quotient)


@FUNCTIONS.add("mulf", ANY, "..." + ANY)
def _mulf(first: Any, *values: Any) -> float:
    return _operate(first, values, Decimal.__mul__)


def _chosen(values: tuple[Any, ...], choose: Any) -> float:
    """math.Max and math.Min, which tell the zeros apart and keep what is no number."""
    numbers = list(map(to_float, values))
    if any(map(math.isnan, numbers)):
        return math.nan
    return float(choose(numbers, key=lambda number: (number, math.copysign(1, number))))


@FUNCTIONS.add("maxf", ANY, "..." + ANY)
def _maxf(*values: Any) -> float:
    return _chosen(values, max)


@FUNCTIONS.add("minf", ANY, "..." + ANY)
def _minf(*values: Any) -> float:
    return _chosen(values, min)


def _whole(value: float, rounded: Any) -> float:
    return value if math.isnan(value) or value in (math.inf, -math.inf) else math.copysign(float(rounded(value)), value)


@FUNCTIONS.add("ceil", ANY)
def _ceil(value: Any) -> float:
    return _whole(to_float(value), math.ceil)


@FUNCTIONS.add("floor", ANY)
def _floor(value: Any) -> float:
    return _whole(to_float(value), math.floor)


@FUNCTIONS.add("round", ANY, "int", "...float64")
def _round(value: Any, places: int, *on: float) -> float:
    number = to_float(value)
    try:
        power = math.pow(10, places)
    except OverflowError:
        power = math.inf
    digit = power * number
    if math.isnan(digit) or digit in (math.inf, -math.inf) or not power:
        return digit / power if power else math.nan
    rest = math.modf(digit)[0]
    threshold = on[0] if on else 0.5
    rounded = math.ceil(digit) if rest >= threshold else math.floor(digit)
    return float(rounded) / power
