"""The verbs of Go's fmt with their flags, for the types of `gotypes`: what `gofmt` leaves to others."""

from corral.base.annotations import Any
from corral.charts.render import strconv, visits
from corral.charts.render.gofmt import plain
from corral.charts.render.gotypes import (
    NilMap,
    NilSlice,
    NilStringMap,
    NilStrings,
    Strings,
    Struct,
    decoded,
    encoded,
    type_name,
)
from corral.charts.render.ordering import sorted_items

#: What Go takes for a width or a precision; a larger one is %!(BADWIDTH).
_TOO_LARGE = 1_000_000
#: So deep may maps and lists be within each other; Go ends its process at a map that is in itself.
_MAX_DEPTH = 100_000
_NO_VERB = "%!(NOVERB)"


class Flags:
    """The flags of one verb."""

    __slots__ = ("minus", "plus", "precision", "sharp", "space", "value_plus", "value_sharp", "width", "zero")

    def __init__(self) -> None:
        self.minus = self.plus = self.sharp = self.space = self.zero = False
        self.value_plus = self.value_sharp = False
        self.width: int | None = None
        self.precision: int | None = None

    def pad(self, text: str) -> str:
        """`text` in the wanted width, counted in runes."""
        if self.width is None or len(text) >= self.width:
            return text
        if self.minus:
            return text.ljust(self.width)
        return text.rjust(self.width, "0" if self.zero else " ")


def shown(value: Any) -> str:
    """`%v`."""
    return _value(value, "v", Flags(), 0)


class Printf:
    """One Sprintf."""

    def __init__(self, form: str, values: tuple[Any, ...] | list[Any]) -> None:
        self._form = form
        self._values = values
        self._next = 0
        self._reordered = False
        self._good = True
        self._made: list[str] = []

    def run(self) -> str:
        """What it gives."""
        form, end, made = self._form, len(self._form), self._made
        at = 0
        while at < end:
            stop = form.find("%", at)
            if stop < 0:
                made.append(form[at:])
                break
            if stop > at:
                made.append(form[at:stop])
            at = self._verb(stop + 1)
        if not self._reordered and self._next < len(self._values):
            rest = self._values[self._next :]
            shown = ("<nil>" if value is None else f"{type_name(value)}={plain(value)}" for value in rest)
            made.append(f"%!(EXTRA {', '.join(shown)})")
        return "".join(made)

    def _verb(self, at: int) -> int:
        form, end = self._form, len(self._form)
        flags = Flags()
        self._good = True
        after_index = False
        at = self._simple_flags(at, flags)
        at, after_index = self._index(at)
        at = self._width(at, flags, after_index)
        if at < end and form[at] == ".":
            at = self._precision(at + 1, flags, after_index)
        else:
            at, _ = self._index(at)
        if at >= end:
            self._made.append(_NO_VERB)
            return at
        verb = form[at]
        at += 1
        if verb == "%":
            self._made.append("%")
        elif not self._good:
            self._made.append(f"%!{verb}(BADINDEX)")
        elif self._next >= len(self._values):
            self._made.append(f"%!{verb}(MISSING)")
        else:
            if verb == "v":
                flags.value_sharp, flags.sharp = flags.sharp, False
                flags.value_plus, flags.plus = flags.plus, False
            value = self._values[self._next]
            self._next += 1
            self._made.append(_argument(value, verb, flags))
        return at

    def _simple_flags(self, at: int, flags: Flags) -> int:
        form, end = self._form, len(self._form)
        while at < end:
            char = form[at]
            if char == "#":
                flags.sharp = True
            elif char == "0":
                flags.zero = not flags.minus
            elif char == "+":
                flags.plus = True
            elif char == "-":
                flags.minus, flags.zero = True, False
            elif char == " ":
                flags.space = True
            else:
                break
            at += 1
        return at

    def _index(self, at: int) -> tuple[int, bool]:
        """An explicit index of an argument, [n]."""
        form = self._form
        if not form.startswith("[", at):
            return at, False
        self._reordered = True
        stop = form.find("]", at)
        if stop < 0:
            self._good = False
            return at + 1, False
        text = form[at + 1 : stop]
        if text.isascii() and text.isdigit() and 1 <= int(text) <= len(self._values):
            self._next = int(text) - 1
            return stop + 1, True
        self._good = False
        return stop + 1, text.isascii() and text.isdigit()

    def _width(self, at: int, flags: Flags, after_index: bool) -> int:
        form = self._form
        if form.startswith("*", at):
            width = self._star()
            if width is None:
                self._made.append("%!(BADWIDTH)")
            elif width < 0:
                flags.width, flags.minus, flags.zero = -width, True, False
            else:
                flags.width = width
            return at + 1
        number, stop = self._number(at)
        if number is not None:
            flags.width = number
            if after_index:
                self._good = False
        return stop

    def _precision(self, at: int, flags: Flags, after_index: bool) -> int:
        if after_index:
            self._good = False
        at, after_index = self._index(at)
        if self._form.startswith("*", at):
            precision = self._star()
            if precision is None:
                self._made.append("%!(BADPREC)")
            elif precision >= 0:
                flags.precision = precision
            at += 1
        else:
            number, at = self._number(at)
            flags.precision = number or 0
        at, _ = self._index(at)
        return at

    def _number(self, at: int) -> tuple[int | None, int]:
        stop = at
        while stop < len(self._form) and self._form[stop] in "0123456789":
            stop += 1
        if stop == at:
            return None, at
        number = int(self._form[at:stop][:20])
        return (number, stop) if number <= _TOO_LARGE else (None, len(self._form))

    def _star(self) -> int | None:
        if self._next >= len(self._values):
            return None
        value = self._values[self._next]
        self._next += 1
        if not isinstance(value, int) or isinstance(value, bool) or abs(value) > _TOO_LARGE:
            return None
        return int(value)


def _argument(value: Any, verb: str, flags: Flags) -> str:
    if value is None:
        if verb in "Tv":
            return flags.pad("<nil>")
        return f"%!{verb}(<nil>)"
    if verb == "T":
        return _text(type_name(value), "s", flags)
    if verb == "p":
        return _pointer(value, flags)
    return _value(value, verb, flags, 0)


def _pointer(value: Any, flags: Flags) -> str:
    if isinstance(value, dict | list | Struct):
        return flags.pad(f"0xc{id(value) & 0xFFFFFFFFF:09x}")
    return _bad(value, "p", flags)


def _bad(value: Any, verb: str, flags: Flags) -> str:
    """A verb that the type of a value has not; the value is shown with the flags that it came with."""
    return f"%!{verb}(<nil>)" if value is None else f"%!{verb}({type_name(value)}={_value(value, 'v', flags, 0)})"


def _value(value: Any, verb: str, flags: Flags, depth: int) -> str:
    if value is None:
        return "interface {}(nil)" if flags.value_sharp else "<nil>"
    cls = value.__class__
    if cls is bool:
        return flags.pad("true" if value else "false") if verb in "tv" else _bad(value, verb, flags)
    if cls is str:
        return _string(value, verb, flags)
    if cls is float:
        return _float(value, verb, flags)
    if cls is bytes:
        return _bytes(value, verb, flags)
    if cls is complex:
        return _complex(value, verb, flags)
    shown = value.shown() if verb in "vsxXq" and not flags.value_sharp and hasattr(value, "shown") else None
    if shown is not None:
        return _string(shown, verb, flags)
    if isinstance(value, int):
        return _integer(value, verb, flags)
    if depth > _MAX_DEPTH:
        raise RecursionError
    if depth == 0:
        visits.of_call()
    if isinstance(value, dict | list):
        visits.spend(len(value))
    if isinstance(value, dict):
        return _map(value, verb, flags, depth)
    if isinstance(value, list):
        return _slice(value, verb, flags, depth)
    if isinstance(value, Struct):
        return _struct(value, verb, flags, depth)
    return "0x4a5b60"


def _string(value: str, verb: str, flags: Flags) -> str:
    if verb == "v":
        return _text(value, "q" if flags.value_sharp else "s", flags)
    if verb in "sq":
        return _text(value, verb, flags)
    if verb in "xX":
        return flags.pad(_hex(encoded(value), verb, flags))
    return _bad(value, verb, flags)


def _text(value: str, verb: str, flags: Flags) -> str:
    if flags.precision is not None:
        value = value[: flags.precision]
    if verb == "q":
        if flags.sharp and "`" not in value and all(char == "\t" or (char >= " " and char != "\x7f") for char in value):
            value = f"`{value}`"
        else:
            value = strconv.quote(value, ascii_only=flags.plus)
    return flags.pad(value)


def _hex(data: bytes, verb: str, flags: Flags) -> str:
    if flags.precision is not None:
        data = data[: flags.precision]
    if not data:
        return ""
    prefix = "0x" if flags.sharp else ""
    joined = (" " + prefix).join(f"{byte:02x}" for byte in data) if flags.space else data.hex()
    return (prefix + joined).upper() if verb == "X" else prefix + joined


def _bytes(value: bytes, verb: str, flags: Flags) -> str:
    if verb in "vd":
        if flags.value_sharp:
            return "[]byte{" + ", ".join(f"0x{byte:x}" for byte in value) + "}"
        return "[" + " ".join(_integer(byte, "d", flags) for byte in value) + "]"
    if verb in "sq":
        return _text(decoded(value), verb, flags)
    if verb in "xX":
        return flags.pad(_hex(value, verb, flags))
    return "[" + " ".join(_bad_byte(byte, verb, flags) for byte in value) + "]"


def _bad_byte(byte: int, verb: str, flags: Flags) -> str:
    return _integer(byte, verb, flags) if verb in "boOcUqxX" else f"%!{verb}(uint8={byte})"


_BASES = {"d": 10, "v": 10, "b": 2, "o": 8, "O": 8, "x": 16, "X": 16}
_DIGITS = {10: "d", 2: "b", 8: "o", 16: "x"}


def _integer(value: int, verb: str, flags: Flags) -> str:
    if verb in "cqU":
        return _rune(int(value), verb, flags)
    if verb not in _BASES:
        return _bad(value, verb, flags)
    value = int(value)
    base = _BASES[verb]
    digits = format(abs(value), _DIGITS[base])
    if flags.precision is not None:
        if flags.precision == 0 and value == 0:
            return " " * (flags.width or 0)
        digits = digits.rjust(flags.precision, "0")
    elif flags.zero and flags.width is not None:
        room = flags.width - (1 if value < 0 or flags.plus or flags.space else 0)
        digits = digits.rjust(room, "0")
    if flags.sharp:
        prefix = {2: "0b", 8: "0" if digits[0] != "0" else "", 16: "0x", 10: ""}[base]
        digits = prefix + digits
    if verb == "O":
        digits = "0o" + digits
    if verb == "X":
        digits = digits.upper()
    sign = "-" if value < 0 else "+" if flags.plus else " " if flags.space else ""
    zero, flags.zero = flags.zero, False
    made = flags.pad(sign + digits)
    flags.zero = zero
    return made


def _rune(value: int, verb: str, flags: Flags) -> str:
    char = chr(value) if 0 <= value <= 0x10FFFF and not 0xD800 <= value <= 0xDFFF else "\ufffd"
    if verb == "c":
        return flags.pad(char)
    if verb == "q":
        return flags.pad(strconv.quote(char, ascii_only=flags.plus, mark="'"))
    text = f"U+{value & 0xFFFFFFFFFFFFFFFF:0{max(4, flags.precision or 4)}X}"
    if flags.sharp and 0 <= value <= 0x10FFFF and strconv.printable(char):
        text += f" '{char}'"
    zero, flags.zero = flags.zero, False
    made = flags.pad(text)
    flags.zero = zero
    return made


def _float(value: float, verb: str, flags: Flags) -> str:
    precision = flags.precision if flags.precision is not None else -1
    if verb == "v":
        text = strconv.format_float(value, "g", precision)
        if flags.sharp:
            text = _with_point(text, "g", precision)
    elif verb in "eEfFgG":
        default = -1 if verb in "gG" else 6
        text = strconv.format_float(value, "f" if verb == "F" else verb, default if precision < 0 else precision)
        if flags.sharp:
            text = _with_point(text, verb, precision)
    elif verb in "bxX":
        text = _binary_float(value, verb, precision)
    else:
        return _bad(value, verb, flags)
    if flags.plus and text[0] not in "+-":
        text = "+" + text
    elif flags.space and text[0] not in "+-":
        text = " " + text
    elif text[0] == "+" and not flags.plus:
        text = text if text == "+Inf" else text[1:]
    finite = text.lstrip("+-")[:1].isdigit()
    if flags.zero and finite and flags.width is not None and len(text) < flags.width and text[0] in "+- ":
        return text[0] + text[1:].rjust(flags.width - 1, "0")
    zero = flags.zero
    flags.zero = zero and finite
    made = flags.pad(text)
    flags.zero = zero
    return made


def _with_point(text: str, verb: str, precision: int) -> str:
    """The # flag: always a point, and zeros kept for %g."""
    mantissa, e, exponent = text.partition("e")
    if not e:
        mantissa, e, exponent = text.partition("E")
    if verb in "gG":
        wanted = 6 if precision < 0 else precision
        have = len(mantissa.lstrip("+-").replace(".", "").lstrip("0")) or 1
        if "." not in mantissa:
            mantissa += "."
        mantissa += "0" * (wanted - have)
    elif "." not in mantissa:
        mantissa += "."
    return mantissa + e + exponent


def _binary_float(value: float, verb: str, precision: int) -> str:
    text = value.hex()
    if verb == "b":
        mantissa, exponent = int(value.as_integer_ratio()[0]), value.as_integer_ratio()[1].bit_length() - 1
        while mantissa and abs(mantissa) < 2**52:
            mantissa *= 2
            exponent += 1
        return f"{mantissa}p-{exponent}" if exponent > 0 else f"{mantissa}p+{-exponent}"
    head, _, exponent_text = text.partition("p")
    head = head.rstrip("0").rstrip(".") if "." in head else head
    number = int(exponent_text)
    made = f"{head}p{'-' if number < 0 else '+'}{abs(number):02d}"
    return made.upper() if verb == "X" else made


def _complex(value: complex, verb: str, flags: Flags) -> str:
    if verb not in "vbeEfFgGxX":
        return _bad(value, verb, flags)
    plus = flags.plus
    real = _float(value.real, verb, flags)
    flags.plus = True
    imaginary = _float(value.imag, verb, flags)
    flags.plus = plus
    return f"({real}{imaginary}i)"


def _map(value: dict[str, Any], verb: str, flags: Flags, depth: int) -> str:
    # Lists are joined, not generators: those would take the machine's stack, which a value can be too deep for.
    items = sorted_items(value)
    if flags.value_sharp:
        inside = ", ".join([f"{_value(key, verb, flags, 1)}:{_value(item, verb, flags, depth + 1)}" for key, item in items])
        name = type_name(value)
        return f"{name}(nil)" if not value and isinstance(value, NilMap | NilStringMap) else f"{name}{{{inside}}}"
    inside = " ".join([f"{_value(key, verb, flags, 1)}:{_value(item, verb, flags, depth + 1)}" for key, item in items])
    return f"map[{inside}]"


def _slice(value: list[Any], verb: str, flags: Flags, depth: int) -> str:
    if flags.value_sharp:
        name = type_name(value)
        if not value and isinstance(value, NilSlice | NilStrings):
            return f"{name}(nil)"
        return name + "{" + ", ".join([_value(item, verb, flags, depth + 1) for item in value]) + "}"
    if verb == "q" and isinstance(value, Strings):
        return "[" + " ".join(_text(item, "q", flags) for item in value) + "]"
    return "[" + " ".join([_value(item, verb, flags, depth + 1) for item in value]) + "]"


def _struct(value: Struct, verb: str, flags: Flags, depth: int) -> str:
    if value.pointer and depth > 0:
        return f"0xc{id(value) & 0xFFFFFFFFF:09x}"
    mark = "&" if value.pointer else ""
    parts = []
    for name, item, _, _ in value.items():
        shown = _value(item, verb, flags, depth + 1)
        parts.append(f"{name}:{shown}" if flags.value_plus or flags.value_sharp else shown)
    if flags.value_sharp:
        return f"{mark}{type_name(value).lstrip('*')}{{{', '.join(parts)}}}"
    return f"{mark}{{{' '.join(parts)}}}"
