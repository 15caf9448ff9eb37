"""Quantities: `500m`, `1.5Gi`, `2e3`, as resource requests, limits and quotas hold them.

A quantity is an exact multiple of a nano-unit with the format it prints in. Parsing, rounding and the canonical form are those
of apimachinery's `resource.Quantity` (https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal

Format = Literal["DecimalSI", "BinarySI", "DecimalExponent"]

FORMAT_WRONG = r"quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
NUMERIC_WRONG = "unable to parse numeric part of quantity"
SUFFIX_WRONG = "unable to parse quantity's suffix"

NANO = 10**9
_DECIMAL = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_BINARY = {"Ki": 10, "Mi": 20, "Gi": 30, "Ti": 40, "Pi": 50, "Ei": 60}
_DECIMAL_SUFFIX = {exponent: suffix for suffix, exponent in _DECIMAL.items()}
_BINARY_SUFFIX = {0: ""} | {exponent: suffix for suffix, exponent in _BINARY.items()}
#: sign, leading zeros, digits, decimals, suffix, exponent. Everything may be empty, and nothing is looked at twice, as in Go's
#: scanner.
_PARTS = re.compile(r"([+-]?+)(0*+)([0-9]*+)(\.[0-9]*+)?+([eEinumkKMGTP]*+)([+-]?+[0-9]*+)")
_MAX_CHARS = 1000
_MAX_INT64 = 2**63 - 1
#: Digits beyond which Go leaves its fast path, which keeps some texts as they were given.
_FAST_DIGITS = 18
_MAX_EXPONENT = 10_000


class QuantityError(ValueError):
    """A text that is no quantity; the message is the API server's."""


@dataclass(frozen=True, order=True, slots=True)
class Quantity:
    """An amount in nano-units. Compares, adds and subtracts by amount; `str()` is the canonical form."""

    nanos: int
    format: Format = field(default="DecimalSI", compare=False)
    #: The text as it was given, where that counts as canonical already.
    text: str = field(default="", compare=False)

    def value(self) -> int:
        """Whole units (bytes, cores), rounded away from zero."""
        return _round_up(self.nanos, NANO)

    def milli(self) -> int:
        """Thousandths, rounded away from zero."""
        return _round_up(self.nanos, NANO // 1000)

    def __add__(self, other: Quantity) -> Quantity:
        return Quantity(self.nanos + other.nanos, self.format if self.nanos else other.format)

    def __sub__(self, other: Quantity) -> Quantity:
        return Quantity(self.nanos - other.nanos, self.format if self.nanos else other.format)

    def __bool__(self) -> bool:
        return self.nanos != 0

    def __float__(self) -> float:
        return self.nanos / NANO

    def __str__(self) -> str:
        if self.text:
            return self.text
        if not self.nanos:
            return "0"
        whole = self.nanos % NANO == 0
        if self.format == "BinarySI" and whole and abs(self.nanos) >= 1024 * NANO:
            number, exponent = _factor_out(self.nanos // NANO, 1024, max(_BINARY_SUFFIX) // 10)
            return f"{number}{_BINARY_SUFFIX[exponent * 10]}"
        number, thousands = _factor_out(self.nanos, 1000, 1_000_000)
        exponent = 3 * thousands - 9
        if self.format == "DecimalExponent":
            return f"{number}e{exponent}" if exponent else str(number)
        if exponent > max(_DECIMAL_SUFFIX):
            number, exponent = number * 10 ** (exponent - 18), 18
        return f"{number}{_DECIMAL_SUFFIX[exponent]}"


def of_value(value: int, format_: Format = "DecimalSI") -> Quantity:
    """A quantity of `value` whole units."""
    return Quantity(value * NANO, format_)


ZERO = Quantity(0)


def parse(text: str | int | float) -> Quantity:
    """The quantity that `text` says; numbers of JSON are read as they print. Raises QuantityError."""
    text = text if isinstance(text, str) else _number_text(text)
    if len(text) > _MAX_CHARS:
        raise QuantityError(NUMERIC_WRONG)
    return _parse(text)


def canonical(text: str | int | float) -> str:
    """`text` as the API server shows it: `1000m` is `1`, `1024Mi` is `1Gi`. Raises QuantityError."""
    return str(parse(text))


@lru_cache(maxsize=4096)
def _parse(text: str) -> Quantity:
    if not text:
        raise QuantityError(FORMAT_WRONG)
    if text == "0":
        return Quantity(0, text="0")
    match = _PARTS.fullmatch(text)
    if match is None:
        raise QuantityError(FORMAT_WRONG)
    sign, zeros, digits, dotted, letters, tail = match.groups(default="")
    if not (digits or dotted or letters or tail):
        return ZERO  # only zeros, or only a sign
    decimals = dotted[1:]
    base, exponent, format_ = _interpret(letters + tail)
    if not (zeros or digits or decimals):
        raise QuantityError(NUMERIC_WRONG)
    number = int((digits + decimals) or "0")
    if abs(exponent) > _MAX_EXPONENT:
        raise QuantityError(NUMERIC_WRONG)
    nanos = _scale(number, base, exponent, len(decimals))
    if format_ == "BinarySI":
        nanos = min(nanos, _MAX_INT64 * NANO)
        if 0 < nanos < NANO:
            format_ = "DecimalSI"
    kept = text if _stays(digits, decimals, base, exponent) else ""
    return Quantity(-nanos if sign == "-" else nanos, format_, kept)


def _interpret(suffix: str) -> tuple[int, int, Format]:
    if suffix in _DECIMAL:
        return 10, _DECIMAL[suffix], "DecimalSI"
    if suffix in _BINARY:
        return 2, _BINARY[suffix], "BinarySI"
    if re.fullmatch(r"[eE][+-]?[0-9]+", suffix):
        return 10, int(suffix[1:]), "DecimalExponent"
    raise QuantityError(SUFFIX_WRONG)


def _scale(number: int, base: int, exponent: int, decimals: int) -> int:
    """`number` × 10^-decimals × base^exponent in nano-units, rounded up."""
    if base == 2:
        return _round_up(number * NANO << exponent, 10**decimals)
    power = exponent - decimals + 9
    return number * 10**power if power >= 0 else _round_up(number, 10**-power)


def _stays(digits: str, decimals: str, base: int, exponent: int) -> bool:
    """Whether Go keeps the text as it was given (its fast path, which takes these texts for canonical)."""
    shifted = (digits or "0") + decimals
    if base == 2:
        room = 15 - len(digits or "0") - int(exponent * 3 / 10) - 1
        return not decimals and room >= 0 and int(shifted) & 7 != 0
    if len(shifted) > _FAST_DIGITS:
        return False
    scale = exponent - len(decimals)
    return scale >= -9 and scale % 3 == 0 and not shifted.endswith("000") and shifted[0] != "0"


def _round_up(number: int, divisor: int) -> int:
    """`number` / `divisor`, away from zero."""
    return -(-number // divisor) if number >= 0 else number // divisor


def _factor_out(number: int, factor: int, most: int) -> tuple[int, int]:
    times = 0
    while times < most and number % factor == 0:
        number //= factor
        times += 1
    return number, times


def _number_text(number: int | float) -> str:
    return str(number) if isinstance(number, int) else repr(number).replace("e+", "e")
