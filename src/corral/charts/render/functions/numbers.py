"""Sprig's arithmetic (numeric.go), with cast's conversions."""

from corral.base.annotations import Any
from corral.charts.render import gofmt, strconv
from corral.charts.render.errors import FunctionError
from corral.charts.render.functions import ANY, Table
from corral.charts.render.gotypes import Int64, Ints, int64
from corral.charts.render.runtime import MAX_LIST

FUNCTIONS = Table()


def to_int(value: Any) -> int:
    """cast.ToInt64: 0 for what is no number."""
    cls = value.__class__
    if cls is int:
        return int(value)
    if cls is str:
        return _text_to_int(value)
    if cls is float:
        return _float_to_int(value)
    if cls is bool:
        return 1 if value else 0
    return int(value) if isinstance(value, int) else 0


def _float_to_int(value: float) -> int:
    if not -(2.0**63) <= value < 2.0**63:  # nor is what is no number at all
        return -(2**63)
    return int(value)


def _text_to_int(text: str) -> int:
    try:
        return strconv.parse_int(text, 0)
    except ValueError:
        return 0


def to_float(value: Any) -> float:
    """cast.ToFloat64: 0 for what is no number."""
    if isinstance(value, str):
        try:
            return strconv.parse_float(value)
        except ValueError:
            return 0.0
    return float(value) if isinstance(value, int | float) else 0.0


@FUNCTIONS.add("atoi", "string")
def _atoi(text: str) -> int:
    try:
        return strconv.parse_int(text)
    except ValueError as error:
        if str(error) == "value out of range":
            return -(2**63) if text[0] == "-" else 2**63 - 1
        return 0


@FUNCTIONS.add("int64", ANY)
def _int64(value: Any) -> Int64:
    return Int64(to_int(value))


FUNCTIONS.add("int", ANY)(to_int)
FUNCTIONS.add("float64", ANY)(to_float)


@FUNCTIONS.add("toDecimal", ANY)
def _to_decimal(value: Any) -> Int64:
    text = gofmt.sprint([value])
    try:
        number = int(text, 8) if text.lstrip("+-").isdigit() and text.isascii() else 0
    except ValueError:
        number = 0
    return Int64(number if -(2**63) <= number < 2**63 else 0)


def _until_step(start: int, stop: int, step: int) -> Ints:
    if (stop < start and step >= 0) or (stop >= start and step <= 0):
        return Ints()
    count = -(-(stop - start) // step)  # len() of a range would have to fit into a machine's word
    if count > MAX_LIST:
        raise FunctionError(f"the result has {count} elements, more than {MAX_LIST}")
    return Ints(range(start, stop, step))


@FUNCTIONS.add("until", "int")
def _until(count: int) -> Ints:
    return _until_step(0, count, -1 if count < 0 else 1)


FUNCTIONS.add("untilStep", "int", "int", "int")(_until_step)


@FUNCTIONS.add("seq", "...int")
def _seq(*params: int) -> str:
    if len(params) == 1:
        start, step, end = 1, 1, params[0]
        step = -1 if end < start else 1
        return _spaced(_until_step(start, end + step, step))
    if len(params) == 2:
        start, end = params
        step = -1 if end < start else 1
        return _spaced(_until_step(start, end + step, step))
    if len(params) == 3:
        start, step, end = params
        if end < start and step > 0:
            return ""
        return _spaced(_until_step(start, end + (-1 if end < start else 1), step))
    return ""


def _spaced(numbers: Ints) -> str:
    return " ".join(map(str, numbers))


@FUNCTIONS.add("add1", ANY)
def _add1(value: Any) -> Int64:
    return int64(to_int(value) + 1)


@FUNCTIONS.add("add", "..." + ANY)
def _add(*values: Any) -> Int64:
    return int64(sum(map(to_int, values)))


@FUNCTIONS.add("sub", ANY, ANY)
def _sub(one: Any, two: Any) -> Int64:
    return int64(to_int(one) - to_int(two))


@FUNCTIONS.add("div", ANY, ANY)
def _div(one: Any, two: Any) -> Int64:
    dividend, divisor = to_int(one), to_int(two)
    if not divisor:
        raise FunctionError("runtime error: integer divide by zero")
    quotient = abs(dividend) // abs(divisor)
    return int64(quotient if (dividend < 0) == (divisor < 0) else -quotient)


@FUNCTIONS.add("mod", ANY, ANY)
def _mod(one: Any, two: Any) -> Int64:
    dividend, divisor = to_int(one), to_int(two)
    if not divisor:
        raise FunctionError("runtime error: integer divide by zero")
    rest = abs(dividend) % abs(divisor)
    return int64(-rest if dividend < 0 else rest)


@FUNCTIONS.add("mul", ANY, "..." + ANY)
def _mul(first: Any, *values: Any) -> Int64:
    product = int64(to_int(first))
    for value in values:
        product = int64(product * to_int(value))
    return product


@FUNCTIONS.add("max biggest", ANY, "..." + ANY)
def _max(*values: Any) -> Int64:
    return Int64(max(map(to_int, values)))


@FUNCTIONS.add("min", ANY, "..." + ANY)
def _min(*values: Any) -> Int64:
    return Int64(min(map(to_int, values)))
