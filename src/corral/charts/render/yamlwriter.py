"""YAML as sigs.k8s.io/yaml over go-yaml v2.4 writes it: what `toYaml` gives, byte for byte.

The way of the original is value → JSON → YAML, so that what JSON cannot hold is an error, keys are strings, and whole floats
are integers. Then go-yaml's emitter: keys in natural order, no indentation of lists in maps, lines folded beyond 80 columns.
"""

from corral.base.annotations import Any, Iterable
from corral.charts.render import gojson
from corral.charts.render.gotypes import encoded
from corral.charts.render.strconv import format_float
from corral.charts.render.yamlstyles import IS_SURELY_PLAIN, resolves_to_text, styles, unprintable

_WIDTH = 80
#: What the reader of the original refuses in a text, so that nothing comes out.
_UNREADABLE = frozenset(map(chr, (*range(0x7F, 0x85), *range(0x86, 0xA0), 0xFFFE, 0xFFFF)))
_MAX_SIMPLE_KEY = 128
#: What else than letters may be in keys that are in the natural order as they are in their own.
_MARKS = dict.fromkeys(map(ord, "./-"))
_ESCAPES = {
    **{0: "\\0", 7: "\\a", 8: "\\b", 9: "\\t", 10: "\\n", 11: "\\v", 12: "\\f", 13: "\\r", 27: "\\e", 34: '\\"', 92: "\\\\"},
    **{0x85: "\\N", 0xA0: "\\_", 0x2028: "\\L", 0x2029: "\\P"},
}


class UnwritableError(ValueError):
    """A value that JSON or YAML cannot hold."""


def dump(value: Any) -> str:
    """A value as a document, with its last newline. Raises UnwritableError."""
    try:
        plain = gojson.plain(value)
    except gojson.UnwritableError as error:
        raise UnwritableError(str(error)) from None
    writer = _Writer()
    writer.node(plain, -1, column=0)
    made = "".join(writer.made)
    if gojson.is_odd(made) or gojson.is_odd(writer.escaped):
        return dump(gojson.readable(plain))
    if _is_unreadable(made) or ("\\" in made and _is_unreadable(writer.escaped)):
        raise UnwritableError("yaml: control characters are not allowed")
    return made


def _is_unreadable(text: str) -> bool:
    return (not text.isascii() or "\x7f" in text) and not _UNREADABLE.isdisjoint(text)


class _Writer:
    def __init__(self) -> None:
        self.made: list[str] = []
        #: The texts that were written with escapes, to be searched for what is unreadable.
        self.escaped = ""

    def node(self, value: Any, indent: int, *, column: int) -> None:
        """A node that follows what was written in this line up to `column`; ends its line."""
        inner = indent + 2 if indent >= 0 else 0
        if isinstance(value, dict) and value:
            self._map(value, inner)
        elif isinstance(value, list) and value:
            self._list(value, inner)
        else:
            self.made.append(self.scalar(value, inner or 2, column))
            self.made.append("\n")

    def _map(self, value: dict[str, Any], indent: int) -> None:
        made = self.made
        lead, pad = "", " " * indent
        for key in _sorted(value):
            item = value[key]
            if IS_SURELY_PLAIN[key]:
                name = key
            elif "\n" in key or (len(key) > _MAX_SIMPLE_KEY // 4 and len(encoded(key)) > _MAX_SIMPLE_KEY):
                self._long_key(key, item, lead, indent)
                lead = pad
                continue
            else:
                name = self.scalar(key, indent, 0, is_key=True)
            if item.__class__ is str and IS_SURELY_PLAIN[item]:
                made.append(f"{lead}{name}: {item}\n")
            elif isinstance(item, dict) and item:
                made.append(f"{lead}{name}:\n{pad}  ")
                self._map(item, indent + 2)
            elif isinstance(item, list) and item:
                made.append(f"{lead}{name}:\n{pad}")
                self._list(item, indent)
            else:
                made.append(f"{lead}{name}: {self.scalar(item, indent + 2, indent + len(name) + 2)}\n")
            lead = pad

    def _long_key(self, key: str, item: Any, lead: str, indent: int) -> None:
        self.made.append(f"{lead}? ")
        self.node(key, indent, column=indent + 2)
        self.made.append(" " * indent + ": ")
        self.node(item, indent, column=indent + 2)

    def _list(self, value: list[Any], indent: int) -> None:
        made = self.made
        lead, pad = "- ", " " * indent + "- "
        for item in value:
            made.append(lead)
            lead = pad
            self.node(item, indent, column=indent + 2)

    def scalar(self, value: Any, indent: int, column: int, *, is_key: bool = False) -> str:
        """A scalar; lines that it folds into are indented by `indent`."""
        if value.__class__ is not str:
            return _other(value)
        if not value:
            return '""'
        plain, single, block = styles(value)
        if "\n" in value and not is_key:
            if block:
                return _literal(value, indent)
        elif resolves_to_text(value):
            if plain:
                return value if is_key or column + len(value) <= _WIDTH else _fold(value, indent, column)
            if single:
                return self._single(value, indent, column, is_key)
        elif "\n" in value and single:
            pass
        return self._double(value, indent, column, is_key)

    def _single(self, value: str, indent: int, column: int, is_key: bool) -> str:
        value = value.replace("'", "''")
        if is_key or column + len(value) + 1 <= _WIDTH:
            return f"'{value}'"
        return "'" + _fold(value, indent, column + 1, inside=True) + "'"

    def _double(self, value: str, indent: int, column: int, is_key: bool) -> str:
        self.escaped += value
        made = ['"']
        column += 1
        spaces = False
        last = len(value) - 1
        for i, char in enumerate(value):
            if char == " ":
                if not is_key and not spaces and column > _WIDTH and 0 < i < last:
                    made.append("\n" + " " * indent + ("\\" if value[i + 1] == " " else ""))
                    column = indent + (1 if value[i + 1] == " " else 0)
                else:
                    made.append(char)
                    column += 1
                spaces = True
                continue
            spaces = False
            text = _escape(char) if char in '"\\\n' or unprintable(char) else char
            made.append(text)
            column += len(text)
        made.append('"')
        return "".join(made)


def _other(value: Any) -> str:
    if value is None:
        return "null"
    if value is True:
        return "true"
    if value is False:
        return "false"
    if isinstance(value, int):
        return str(int(value))
    if isinstance(value, float):
        if value.is_integer() and abs(value) < 1e21:
            whole = int(value)
            if -(2**63) <= whole < 2**64:
                return str(whole)
        return format_float(value)
    return "{}" if isinstance(value, dict) else "[]"


def _escape(char: str) -> str:
    code = ord(char)
    found = _ESCAPES.get(code)
    if found:
        return found
    if code <= 0xFF:
        return f"\\x{code:02X}"
    return f"\\u{code:04X}" if code <= 0xFFFF else f"\\U{code:08X}"


def _literal(value: str, indent: int) -> str:
    hint = "2" if value[0] in " \n\r\x85\u2028\u2029" else ""
    if value[-1] != "\n":
        chomp = "-"
    elif len(value) == 1 or value[-2] == "\n":
        chomp = "+"
    else:
        chomp = ""
    pad = " " * indent
    lines = value.split("\n")
    if lines[-1] == "":
        lines.pop()
    return f"|{hint}{chomp}\n" + "\n".join(pad + line if line else "" for line in lines)


def _fold(value: str, indent: int, column: int, *, inside: bool = False) -> str:
    """A plain or single-quoted scalar with its lines broken at single spaces beyond the width."""
    made: list[str] = []
    start, last = 0, len(value) - 1
    at = value.find(" ", max(_WIDTH + 1 - column, 1 if inside else 0))
    while 0 <= at < last:
        if value[at + 1] != " " and (at == 0 or value[at - 1] != " "):
            made.append(value[start:at])
            start = at + 1
            at += max(_WIDTH + 1 - indent, 0)
        at = value.find(" ", at + 1)
    made.append(value[start:])
    return ("\n" + " " * indent).join(made)


def _sorted(keys: Iterable[str]) -> list[str]:
    """The keys of a map in their natural order."""
    found = list(keys)
    whole = "".join(found)
    if whole.isascii() and (whole.isalpha() or whole.translate(_MARKS).isalpha()):
        found.sort()
    elif len(found) > 1:
        from corral.charts.render.keyorder import natural

        return natural(found)
    return found
