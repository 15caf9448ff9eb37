"""Number literals: what they are as each type that can hold them (text/template/parse/node.go)."""

from corral.base.annotations import Any
from corral.charts.render import strconv
from corral.charts.render.strconv import quote

_UINT64_MAX = 2**64 - 1


def number(text: str, kind: str) -> tuple[Any, dict[str, Any]]:
    """A literal's value where the type is free (None where it fits no int), and as each of int, uint, float and complex.

    Raises ValueError in Go's words.
    """
    if kind == "char":
        code = _character(text)
        return code, {"int": code, "uint": code, "float": float(code)}
    if kind == "complex":
        return _complex(text)
    if text.endswith("i"):
        try:
            return _simplified(complex(0, strconv.parse_float(text[:-1])))
        except ValueError:
            raise ValueError(f"illegal number syntax: {quote(text)}") from None
    forms: dict[str, Any] = {}
    integer = _integer(text)
    if integer is not None:
        if integer >= 0 and text[0] not in "+-":
            forms["uint"] = integer
        if -(2**63) <= integer < 2**63:
            forms["int"] = integer
            if integer == 0:
                forms["uint"] = 0
        forms["float"] = float(integer)
    else:
        _read_float(text, forms)
    if not forms:
        raise ValueError(f"illegal number syntax: {quote(text)}")
    return _ideal(text, forms), forms


def _read_float(text: str, forms: dict[str, Any]) -> None:
    try:
        value = strconv.parse_float(text)
    except ValueError:
        return
    if not any(mark in text for mark in ".eEpP"):
        raise ValueError(f"integer overflow: {quote(text)}")
    forms["float"] = value
    if value == int(value):
        if -(2.0**63) <= value < 2.0**63:
            forms["int"] = int(value)
        if 0 <= value < 2.0**64:
            forms["uint"] = int(value)


def _ideal(text: str, forms: dict[str, Any]) -> Any:
    is_hex = text[:2] in ("0x", "0X") and len(text) > 2 and not any(mark in text for mark in "pP")
    if "complex" in forms:
        return forms["complex"]
    if "float" in forms and not is_hex and any(mark in text for mark in ".eEpP"):
        return forms["float"]
    return forms.get("int")


def _integer(text: str) -> int | None:
    try:
        return strconv.parse_int(text, 0)
    except ValueError as error:
        if str(error) == "value out of range" and text[0] != "-":
            value = int(text.replace("_", ""), 0)
            return value if value <= _UINT64_MAX and text[0] != "+" else None
        return None


def _character(text: str) -> int:
    body = text[1:-1]
    if not body or body == "'":
        raise ValueError("invalid syntax")
    if body[0] == "\\":
        code, _, stop = strconv.unescape(body, 0, "'")
    else:
        code, stop = ord(body[0]), 1
    if stop != len(body):
        raise ValueError(f"malformed character constant: {text}")
    return code


def _complex(text: str) -> tuple[Any, dict[str, Any]]:
    at = max(text.rfind(sign, 1, len(text) - 1) for sign in "+-")
    while at > 0 and text[at - 1] in "eEpP":
        at = max(text.rfind(sign, 1, at - 1) for sign in "+-")
    try:
        return _simplified(complex(strconv.parse_float(text[:at]), strconv.parse_float(text[at:-1])))
    except ValueError as error:
        if str(error) == "value out of range":
            raise
        raise ValueError("syntax error scanning complex number") from None


def _simplified(value: complex) -> tuple[Any, dict[str, Any]]:
    forms: dict[str, Any] = {"complex": value}
    if value.imag == 0:
        forms["float"] = value.real
        if value.real == int(value.real):
            forms["int"] = int(value.real)
    return value, forms
