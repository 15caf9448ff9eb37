"""Go's strconv: numbers and quoted strings, read and written."""

from corral.charts.render.gotypes import INT64_MAX, decoded

_HEX_DIGITS = "0123456789abcdef"
_ESCAPES = {"\a": "\\a", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\v": "\\v", "\\": "\\\\"}
_UNESCAPES = {"a": 7, "b": 8, "f": 12, "n": 10, "r": 13, "t": 9, "v": 11, "\\": 92, "'": 39, '"': 34}
#: What floats are written with, and those in hexadecimal.
_FLOAT = frozenset("+-._0123456789eE")
_HEX_FLOAT = frozenset("+-._0123456789abcdefABCDEFpPxX")
#: What makes a leading zero more than an octal number's.
_PREFIXES = frozenset(["", "x", "X", "o", "O", "b", "B"])
_SPECIAL = frozenset(["inf", "infinity", "nan"])


def printable(char: str) -> bool:
    """unicode.IsPrint: letters, marks, numbers, punctuation, symbols and the ASCII space."""
    if "\ud800" <= char <= "\udfff":
        return False
    if char.isascii():
        return " " <= char <= "~"
    import unicodedata

    return unicodedata.category(char)[0] in "LMNPS"


def quote(text: str, *, ascii_only: bool = False, mark: str = '"') -> str:
    """A string in double quotes (`%q`)."""
    if mark == '"' and text.isascii() and text.isprintable() and '"' not in text and "\\" not in text:
        return f'"{text}"'
    return mark + "".join(_quoted(char, ascii_only, mark) for char in text) + mark


def _quoted(char: str, ascii_only: bool, mark: str) -> str:
    if char == mark:
        return "\\" + char
    if char in _ESCAPES:
        return _ESCAPES[char]
    code = ord(char)
    if 0xDC80 <= code <= 0xDCFF:
        return f"\\x{code - 0xDC00:02x}"
    if (code < 128 or not ascii_only) and printable(char):
        return char
    if code < 0x80:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def unquote(text: str) -> str:
    """What a quoted or raw string of a template holds. Raises ValueError("invalid syntax")."""
    if text[0] == "`":
        return text[1:-1].replace("\r", "")
    body = text[1:-1]
    if "\\" not in body:
        return body
    parts = []
    at, end = 0, len(body)
    while at < end:
        stop = body.find("\\", at)
        if stop < 0:
            parts.append(body[at:].encode("utf-8", "surrogateescape"))
            break
        parts.append(body[at:stop].encode("utf-8", "surrogateescape"))
        code, raw, at = unescape(body, stop, '"')
        parts.append(bytes([code]) if raw else chr(code).encode())
    return decoded(b"".join(parts))


def unescape(body: str, at: int, mark: str) -> tuple[int, bool, int]:
    """The escape that begins at `at`: its code, whether it is a byte, and where it ends. Raises ValueError."""
    char = body[at + 1 : at + 2]
    if char in _UNESCAPES and char != ("'" if mark == '"' else '"') and char:
        return _UNESCAPES[char], False, at + 2
    try:
        if char in "xuU" and char:
            length = {"x": 2, "u": 4, "U": 8}[char]
            digits = body[at + 2 : at + 2 + length]
            if len(digits) == length and all(digit in _HEX_DIGITS for digit in digits.lower()):
                code = int(digits, 16)
                if code <= 0x10FFFF and not 0xD800 <= code <= 0xDFFF:
                    return code, char == "x", at + 2 + length
        elif char in "01234567" and char:
            digits = body[at + 1 : at + 4]
            code = int(digits, 8)
            if len(digits) == 3 and digits.isdigit() and code <= 255:
                return code, True, at + 4
    except ValueError:
        pass
    raise ValueError("invalid syntax")


def parse_int(text: str, base: int = 10) -> int:
    """strconv.ParseInt in 64 bits; base 0 reads prefixes and underscores. Raises ValueError in Go's words."""
    # int() knows where digits and underscores may stand, but takes space and other scripts' digits, too.
    if not text.isascii() or text != text.strip() or (base and "_" in text):
        raise ValueError("invalid syntax")
    digits = text[1:] if text[:1] in ("+", "-") else text
    octal = not base and digits[:1] == "0" and digits[1:2] not in _PREFIXES
    try:
        number = int(text, 8 if octal else base)
    except ValueError:
        raise ValueError("invalid syntax") from None
    if not -INT64_MAX - 1 <= number <= INT64_MAX:
        raise ValueError("value out of range")
    return number


def parse_float(text: str) -> float:
    """strconv.ParseFloat in 64 bits. Raises ValueError in Go's words."""
    unsigned = text[1:] if text[:1] in ("+", "-") else text
    try:
        if _FLOAT.issuperset(text):
            number = float(text)
        elif unsigned[:2] in ("0x", "0X") and _HEX_FLOAT.issuperset(text):
            mantissa, power, exponent = text.replace("P", "p").partition("p")
            if not power or "_" in exponent:
                raise ValueError
            int(exponent)  # fromhex looks no further once a number is too large
            number = float.fromhex(f"{mantissa.replace('_', '')}p{exponent}")
        elif unsigned.lower() in _SPECIAL:
            return float(text)
        else:
            raise ValueError
    except ValueError:
        raise ValueError("invalid syntax") from None
    except OverflowError:
        raise ValueError("value out of range") from None
    if number in (float("inf"), float("-inf")):
        raise ValueError("value out of range")
    return number


def digits_of(number: float) -> tuple[str, str, int]:
    """Sign, shortest digits and the place of the point (0.DIGITS × 10^place) of a finite number."""
    text = repr(number)
    sign = "-" if text[0] == "-" else ""
    mantissa, _, exponent = text.lstrip("-").partition("e")
    whole, _, fraction = mantissa.partition(".")
    place = len(whole) + int(exponent or 0)
    digits = whole + fraction
    stripped = digits.lstrip("0")
    place -= len(digits) - len(stripped)
    digits = stripped.rstrip("0")
    return (sign, digits, place) if digits else (sign, "0", 1)


def format_float(number: float, verb: str = "g", precision: int = -1) -> str:
    """strconv.FormatFloat for 64 bits; precision -1 is as few digits as tell the number apart."""
    if number != number:  # noqa: PLR0124
        return "NaN"
    if number in (float("inf"), float("-inf")):
        return "+Inf" if number > 0 else "-Inf"
    if precision >= 0:
        if verb in "gG" and precision == 0:
            precision = 1
        return f"%.{precision}{verb}" % number
    sign, digits, place = digits_of(number)
    if verb in "gG":
        if -4 <= place - 1 < 6:
            return sign + _plain(digits, place)
        return sign + _scientific(digits, place, "e" if verb == "g" else "E")
    if verb in "eE":
        return sign + _scientific(digits, place, verb)
    return sign + _plain(digits, place)


def _plain(digits: str, place: int) -> str:
    if place <= 0:
        return "0." + "0" * -place + digits if digits != "0" else "0"
    if place >= len(digits):
        return digits + "0" * (place - len(digits))
    return digits[:place] + "." + digits[place:]


def _scientific(digits: str, place: int, e: str) -> str:
    exponent = place - 1 if digits != "0" else 0
    mantissa = digits[0] + ("." + digits[1:] if len(digits) > 1 else "")
    return f"{mantissa}{e}{'-' if exponent < 0 else '+'}{abs(exponent):02d}"


def json_float(number: float) -> str:
    """A float64 as encoding/json writes it."""
    sign, digits, place = digits_of(number)
    if digits != "0" and not -6 <= place - 1 < 21:
        text = _scientific(digits, place, "e")
        return sign + (text[:-2] + text[-1] if text[-4:-1] == "e-0" else text)
    return sign + _plain(digits, place)
