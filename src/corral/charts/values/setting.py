"""`--set` and its relatives: `a.b[0].c=1,d={x,y}` laid on a tree of values, letter for letter as Helm reads it.

`--set` makes booleans, null and whole numbers (of 64 bits, where those of files are floats) of what looks like them;
`--set-string` keeps text; `--set-json` takes JSON; `--set-literal` takes all that follows the first `=` as it is;
`--set-file` takes a file's content.
https://helm.sh/docs/intro/using_helm/#the-format-and-limitations-of---set
"""

from corral.base.annotations import Any, Callable
from corral.charts.chart.errors import ChartError
from corral.charts.chart.model import Values
from corral.charts.chart.yamlfile import floats
from corral.charts.render.gotypes import Int64, type_name

MAX_INDEX = 65536
MAX_NESTED = 30
_INT64 = 1 << 63

#: From the text of a value to the value.
Reader = Callable[[str], Any]


def typed(text: str) -> Any:
    """What `--set` makes of a text."""
    lower = text.lower()
    if lower in ("true", "false"):
        return lower == "true"
    if lower == "null":
        return None
    if text == "0":
        return Int64(0)
    if text and not text.startswith("0") and text.isascii() and text.removeprefix("-").removeprefix("+").isdigit():
        sign = text[0] in "+-"
        if not (sign and text[1:2] in ("+", "-")) and -_INT64 <= (number := int(text[:21])) < _INT64 and len(text) < 21:
            return Int64(number)
    return text


def apply(values: Values, text: str, reader: Reader = typed) -> None:
    """Lay what `text` says on `values`, which is changed. Raises ChartError."""
    _Parser(text, values, reader).run()


def apply_json(values: Values, text: str) -> None:
    """The same with values in JSON."""
    _JsonParser(text, values, typed).run()


def apply_literal(values: Values, text: str) -> None:
    """The same with one key whose value is all that follows."""
    _LiteralParser(text, values, str).run()


class _EndError(Exception):
    """The text is over."""


class _Parser:
    stops = "=[,."

    def __init__(self, text: str, values: Values, reader: Reader) -> None:
        self.text = text
        self.at = 0
        self.values = values
        self.reader = reader
        #: Whether the text ended where a key's value would begin. Helm then leaves a list as it is that the key was put into.
        self.ended = False

    def run(self) -> None:
        try:
            while True:
                self.key(self.values, 0)
        except _EndError:
            pass

    def until(self, stops: str) -> tuple[str, str]:
        """The characters up to one of `stops`, and it; "" where the text ends. A backslash keeps what follows from stopping."""
        found: list[str] = []
        while self.at < len(self.text):
            char = self.text[self.at]
            self.at += 1
            if char in stops:
                return "".join(found), char
            if char == "\\":
                if self.at == len(self.text):
                    break
                char = self.text[self.at]
                self.at += 1
            found.append(char)
        return "".join(found), ""

    def key(self, data: Values, depth: int) -> None:
        if depth > MAX_NESTED:
            raise _bad(f"value name nested level is greater than maximum supported nested level of {MAX_NESTED}")
        name, last = self.until(self.stops)
        if last == "":
            if not name:
                raise _EndError
            raise _bad(f"key {_quoted(name)} has no value")
        if last == "[":
            index = self.index()
            known = data.get(name, [])
            if not isinstance(known, list):
                raise _conversion(known, "[]interface {}")
            items = list(known)
            self.put(data, name, items)  # it is there even if what follows ends too early
            self.put(data, name, self.item(items, index, depth))
        elif last == "=":
            self.ended = self.at == len(self.text)
            self.put(data, name, self.value())
        elif last == ",":
            self.put(data, name, "")
            raise _bad(f"key {_quoted(name)} has no value (cannot end with ,)")
        else:
            inner = data.get(name, {})
            if not isinstance(inner, dict):
                raise _conversion(inner, "map[string]interface {}")
            try:
                self.key(inner, depth + 1)
            except (ChartError, _EndError):
                if not inner:
                    raise _bad(f"key map {_quoted(name)} has no value") from None
                self.put(data, name, inner)
                raise
            if not inner:
                raise _bad(f"key map {_quoted(name)} has no value")
            self.put(data, name, inner)

    @staticmethod
    def put(data: Values, name: str, value: Any) -> None:
        if name:
            data[name] = value

    def index(self) -> int:
        text, last = self.until("]")
        if last == "":
            raise _bad("error parsing index: EOF")
        try:
            return int(text) if text.lstrip("+-").isdigit() else int("")
        except ValueError:
            raise _bad(f"error parsing index: strconv.Atoi: parsing {_quoted(text)}: invalid syntax") from None

    def item(self, items: list[Any], index: int, depth: int) -> list[Any]:
        """`items` with what follows the index put at it."""
        if index < 0:
            raise _bad(f"negative {index} index not allowed")
        rest, last = self.until("[.=")
        if rest:
            raise _bad(f"unexpected data at end of array index: {_runes(rest)}")
        if last == "":
            raise _EndError
        known = items[index] if index < len(items) else None
        made: Any
        if last == "=":
            made = self.value()
        elif last == "[":
            if depth > MAX_NESTED:
                raise _bad(f"value name nested level is greater than maximum supported nested level of {MAX_NESTED}")
            below = self.index()
            if not isinstance(known, list | None):
                raise _conversion(known, "[]interface {}")
            made = self.item(list(known or []), below, depth + 1)
            if self.ended:
                return items
        else:
            made = known if isinstance(known, dict) else {}
            self.key(made, depth + 1)
            if self.ended:
                return items
        if index > MAX_INDEX:
            raise _bad(f"index of {index} is greater than maximum supported index of {MAX_INDEX}")
        items += [None] * (index + 1 - len(items))
        items[index] = made
        return items

    def value(self) -> Any:
        """What stands after `=`: a list in braces, or text up to a comma."""
        if self.at == len(self.text):
            return ""
        if self.text[self.at] != "{":
            return self.reader(self.until(",")[0])
        self.at += 1
        items = []
        while True:
            text, last = self.until(",}")
            if last == "":
                raise _bad("list must terminate with '}'")
            items.append(self.reader(text))
            if last == "}":
                if self.text[self.at : self.at + 1] == ",":
                    self.at += 1
                return items


class _JsonParser(_Parser):
    def value(self) -> Any:
        import json

        if self._empty():
            return None
        try:
            value, length = json.JSONDecoder(strict=True, parse_int=float).raw_decode(self.text[self.at :])
        except (ValueError, RecursionError) as error:
            raise _bad(str(error)) from None
        self.at += length
        self._empty()
        return floats(value)

    def _empty(self) -> bool:
        """Skip blanks and one comma; whether there was a comma or the end."""
        while self.at < len(self.text):
            char = self.text[self.at]
            if char == ",":
                self.at += 1
                return True
            if not char.isspace():
                return False
            self.at += 1
        return True


class _LiteralParser(_Parser):
    stops = "=[."

    def until(self, stops: str) -> tuple[str, str]:
        for at in range(self.at, len(self.text)):
            if self.text[at] in stops:
                found = self.text[self.at : at]
                self.at = at + 1
                return found, self.text[at]
        found, self.at = self.text[self.at :], len(self.text)
        return found, ""

    def value(self) -> Any:
        found, self.at = self.text[self.at :], len(self.text)
        return found


def _quoted(text: str) -> str:
    import json

    return json.dumps(text, ensure_ascii=False)


def _runes(text: str) -> str:
    """A text as Go prints a slice of runes with %q."""
    from corral.charts.render.strconv import quote

    return "[" + " ".join(quote(char, mark="'") for char in text) + "]"


def _bad(message: str) -> ChartError:
    return ChartError(message, "write it as name.of.key=value,other[0]=value; a backslash keeps a comma in a value")


def _conversion(value: Any, wanted: str) -> ChartError:
    got = "nil" if value is None else type_name(value)
    return _bad(f"unable to parse key: interface conversion: interface {{}} is {got}, not {wanted}")
