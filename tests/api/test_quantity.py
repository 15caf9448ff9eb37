"""Quantities: parsing, the canonical form, arithmetic."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corral.api import quantity
from corral.api.quantity import Quantity, QuantityError


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("0", "0"),
        ("0.0", "0"),
        ("000", "0"),
        ("1000m", "1"),
        ("1500m", "1500m"),
        ("0.5", "500m"),
        (".5", "500m"),
        ("1.5", "1500m"),
        ("1.50", "1500m"),
        ("100", "100"),
        ("1000", "1k"),
        ("1024Mi", "1Gi"),
        ("1536Mi", "1536Mi"),
        ("1.5Gi", "1536Mi"),
        ("0.5Gi", "512Mi"),
        ("0.1Gi", "107374182400m"),
        ("512Ki", "512Ki"),
        ("0.5Ki", "512"),
        ("2e3", "2e3"),
        ("2000e3", "2e6"),
        ("1E", "1E"),
        ("12E6", "12E6"),
        ("0.0000000001", "1n"),
        ("-1", "-1"),
        ("-1500m", "-1500m"),
        ("-0.5Gi", "-512Mi"),
        ("1000000000000000000000", "1000E"),
        ("9Ei", "9223372036854775807"),
        ("1k", "1k"),
        (5, "5"),
        (0.25, "250m"),
        (1000000, "1M"),
    ],
)
def test_the_canonical_form(text: str | float, shown: str) -> None:
    assert quantity.canonical(text) == shown


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", quantity.FORMAT_WRONG),
        ("abc", quantity.FORMAT_WRONG),
        ("1 Gi", quantity.FORMAT_WRONG),
        ("1.2.3", quantity.FORMAT_WRONG),
        ("1Kii", quantity.SUFFIX_WRONG),
        ("1e", quantity.SUFFIX_WRONG),
        ("1m5", quantity.SUFFIX_WRONG),
        (".", quantity.NUMERIC_WRONG),
    ],
)
def test_what_is_none_says_why(text: str, message: str) -> None:
    with pytest.raises(QuantityError, match="^" + __import__("re").escape(message) + "$"):
        quantity.parse(text)


def test_units_and_thousandths_round_up() -> None:
    assert quantity.parse("1500m").value() == 2
    assert quantity.parse("-1500m").value() == -2
    assert quantity.parse("100u").milli() == 1
    assert quantity.parse("1.5Gi").value() == 1536 * 1024**2


def test_amounts_compare_whatever_their_format() -> None:
    assert quantity.parse("1024Mi") == quantity.parse("1Gi")
    assert quantity.parse("1G") < quantity.parse("1Gi")


def test_a_sum_keeps_the_first_format_unless_it_is_zero() -> None:
    assert str(quantity.parse("1Gi") + quantity.parse("1Gi")) == "2Gi"
    assert str(quantity.ZERO + quantity.parse("512Mi")) == "512Mi"
    assert str(quantity.parse("1") - quantity.parse("250m")) == "750m"


suffixes = st.sampled_from(["", "n", "u", "m", "k", "M", "G", "T", "P", "E", "Ki", "Mi", "Gi", "Ti", "Pi", "e3", "e-3", "E2"])
numbers = st.from_regex(r"[+-]?[0-9]{1,12}(\.[0-9]{1,6})?", fullmatch=True)


@given(numbers, suffixes)
def test_the_canonical_form_says_the_same_amount_and_is_stable(number: str, suffix: str) -> None:
    first = quantity.parse(number + suffix)
    shown = str(first)
    assert quantity.parse(shown) == first
    assert quantity.canonical(shown) == shown


@given(st.integers(-(10**24), 10**24), st.integers(-(10**24), 10**24), st.sampled_from(["DecimalSI", "BinarySI"]))
def test_sums_are_exact(a: int, b: int, format_: quantity.Format) -> None:
    total = Quantity(a, format_) + Quantity(b)
    assert total.nanos == a + b
    assert total - Quantity(b) == Quantity(a)


@given(st.text(max_size=12))
def test_any_text_is_a_quantity_or_a_clear_error(text: str) -> None:
    try:
        quantity.parse(text)
    except QuantityError as error:
        assert str(error) in (quantity.FORMAT_WRONG, quantity.NUMERIC_WRONG, quantity.SUFFIX_WRONG)


@pytest.mark.parametrize(
    "text", ["0" * 900 + "x", "0" * 1_000_000 + "x", "1" * 1_000_000, "1." + "0" * 900 + "x", "1" + "E" * 900]
)
def test_a_hostile_text_is_refused_at_once(text: str) -> None:
    began_s = time.process_time()
    with pytest.raises(QuantityError):
        quantity.parse(text)
    assert time.process_time() - began_s < 0.5
