"""Flags as Helm's library (pflag) reads them: anywhere between arguments, `--name=value`, `-abc`, repeated, `--flag=false`.

Tables of `Flag` in, a dict of values and the arguments out. Messages are pflag's.
"""

from corral.base.annotations import Any, Callable, Iterable, NamedTuple, Sequence
from corral.base.errors import CorralError
from corral.base.patterns import pattern

_DURATION = pattern(r"(\d+(?:\.\d*)?|\.\d+)([^\d.]*)")
_INTEGER = pattern(r"[+-]?\d{1,18}")
_UNITS_S = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
TRUE, _FALSE = ("1", "t", "T", "true", "TRUE", "True"), ("0", "f", "F", "false", "FALSE", "False")


class UsageError(CorralError):
    """A wrong command line."""


class Flag:
    """One flag. `kind` is bool, string, int, duration (seconds), array (repeated) or strings (and split at commas)."""

    __slots__ = ("default", "help", "hidden", "kind", "name", "short")

    def __init__(self, name: str, kind: str, help: str, short: str = "", default: Any = None, hidden: bool = False) -> None:
        self.name = name
        self.kind = kind
        self.help = help
        self.short = short
        self.default = default
        self.hidden = hidden

    @property
    def key(self) -> str:
        """Its name in the values."""
        return self.name.replace("-", "_")

    @property
    def start(self) -> Any:
        """What it is when it is not given."""
        if self.kind in ("array", "strings"):
            return []
        return _EMPTY[self.kind] if self.default is None else self.default

    def concealed(self) -> "Flag":
        """The same, not shown by `--help`."""
        return Flag(self.name, self.kind, self.help, self.short, self.default, hidden=True)


_EMPTY: dict[str, Any] = {"bool": False, "string": "", "int": 0, "duration": 0.0}


class Parsed(NamedTuple):
    """The values of all flags, the arguments, and the names of the flags that were given, as they were written."""

    values: dict[str, Any]
    arguments: list[str]
    given: set[str]


def parse(flags: Iterable[Flag], words: Sequence[str]) -> Parsed:
    """Read a command line. Raises UsageError."""
    by_name = {f.name: f for f in flags}
    by_short = {f.short: f for f in by_name.values() if f.short}
    values = {f.key: f.start for f in by_name.values()}
    arguments: list[str] = []
    given: set[str] = set()
    rest = list(words)
    while rest:
        word = rest.pop(0)
        if word == "--":
            arguments += rest
            break
        if word.startswith("--"):
            name, equals, text = word[2:].partition("=")
            flag = by_name.get(name)
            if flag is None:
                raise UsageError(f"unknown flag: --{name}", "see which there are: --help")
            given.add(f"--{name}")
            if not equals and flag.kind != "bool":
                if not rest:
                    raise UsageError(f"flag needs an argument: --{name}")
                text = rest.pop(0)
            _put(values, flag, text if equals or flag.kind != "bool" else "true", f"--{name}" if not flag.short else "")
        elif word.startswith("-") and len(word) > 1:
            _shorthands(word, rest, by_short, values, given)
        else:
            arguments.append(word)
    return Parsed(values, arguments, given)


def _shorthands(word: str, rest: list[str], by_short: dict[str, Flag], values: dict[str, Any], given: set[str]) -> None:
    letters = word[1:]
    while letters:
        letter, letters = letters[0], letters[1:]
        flag = by_short.get(letter)
        if flag is None:
            raise UsageError(f"unknown shorthand flag: '{letter}' in {word}", "see which there are: --help")
        given.add(f"-{letter}")
        if letters.startswith("="):
            text, letters = letters[1:], ""
        elif flag.kind == "bool":
            text = "true"
        elif letters:
            text, letters = letters, ""
        elif rest:
            text = rest.pop(0)
        else:
            raise UsageError(f"flag needs an argument: '{letter}' in {word}")
        _put(values, flag, text, "")


def _put(values: dict[str, Any], flag: Flag, text: str, shown: str) -> None:
    shown = shown or (f"-{flag.short}, --{flag.name}" if flag.short else f"--{flag.name}")
    try:
        if flag.kind == "array":
            values[flag.key].append(text)
        elif flag.kind == "strings":
            values[flag.key] += _csv(text)
        else:
            values[flag.key] = _READERS[flag.kind](text)
    except ValueError as error:
        raise UsageError(f'invalid argument "{text}" for "{shown}" flag: {error}') from None


def _csv(text: str) -> list[str]:
    if '"' not in text:
        return text.split(",") if text else []
    import csv

    return next(csv.reader([text]))


def _bool(text: str) -> bool:
    if text in TRUE or text in _FALSE:
        return text in TRUE
    raise ValueError(f'strconv.ParseBool: parsing "{text}": invalid syntax')


def _int(text: str) -> int:
    if _INTEGER.fullmatch(text):
        return int(text)
    raise ValueError(f'strconv.ParseInt: parsing "{text}": invalid syntax')


def duration(text: str) -> float:
    """Go's duration in seconds: `5m`, `1h30m`, `500ms`. Raises ValueError."""
    bare = text[1:] if text[:1] in ("-", "+") else text
    if bare == "0":
        return 0.0
    at, seconds = 0, 0.0
    while match := _DURATION.match(bare, at):
        number, unit = match.groups()
        if not unit:
            raise ValueError(f'time: missing unit in duration "{text}"')
        if unit not in _UNITS_S:
            raise ValueError(f'time: unknown unit "{unit}" in duration "{text}"')
        seconds += float(number) * _UNITS_S[unit]
        at = match.end()
    if at == 0 or at < len(bare):
        raise ValueError(f'time: invalid duration "{text}"')
    return -seconds if text.startswith("-") else seconds


_READERS: dict[str, Callable[[str], Any]] = {"bool": _bool, "string": str, "int": _int, "duration": duration}


def described(flags: Iterable[Flag]) -> str:
    """The flags as `--help` shows them."""
    rows = []
    for flag in sorted(flags, key=lambda f: f.name):
        if flag.hidden:
            continue
        kind = {"bool": "", "array": " TEXT", "strings": " TEXT", "string": " TEXT", "int": " N", "duration": " TIME"}[
            flag.kind
        ]
        short = f"-{flag.short}, " if flag.short else "    "
        note = f" (default {_plain(flag.default)})" if flag.default not in (None, False, "") else ""
        rows.append((f"  {short}--{flag.name}{kind}", flag.help + note))
    width = max((len(left) for left, _ in rows), default=0)
    return "\n".join(f"{left:<{width}}   {right}" for left, right in rows)


def _plain(value: Any) -> str:
    if isinstance(value, float):
        return f"{int(value // 60)}m{int(value % 60)}s"
    return str(value)
