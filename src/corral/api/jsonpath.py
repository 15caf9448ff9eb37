"""JSONPath as custom columns, selectable fields and scale paths use it: `.spec.n`, `.a['b.c'][0]`, `.x[?(@.type=="Ready")].y`.

The dialect is that of client-go's `util/jsonpath`. https://kubernetes.io/docs/reference/kubectl/jsonpath/.
"""

import json
import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

_STEP = re.compile(
    r"""\.\.(?P<deep>(?:[^.\[\]\\]|\\.)+)         # ..name, however deep
      | \.(?P<name>(?:[^.\[\]\\]|\\.)+)          # .name, with \. for a dot in it
      | \[(?P<union>'[^']*'(?:,'[^']*')+)\]       # ['a','b']
      | \['(?P<quoted>(?:[^'\\]|\\.)*)'\]        # ['name']
      | \["(?P<doubly>(?:[^"\\]|\\.)*)"\]        # ["name"]
      | \[\?\((?P<filter>.*?)\)\]                # [?(@.type=="Ready")]
      | \[(?P<index>-?\d+)\]                     # [0]
      | \[(?P<slice>-?\d*:-?\d*)\]               # [0:2]
      | \[(?P<all>\*)\]                          # [*]
    """,
    re.VERBOSE,
)
_FILTER = re.compile(r"""^\s*@(?P<path>[^=!<>]*?)\s*(?:(?P<operator>==|!=|<=|>=|<|>)\s*(?P<value>.+?))?\s*$""")
_OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "==": lambda a, b: bool(a == b),
    "!=": lambda a, b: bool(a != b),
    "<": lambda a, b: bool(a < b),
    "<=": lambda a, b: bool(a <= b),
    ">": lambda a, b: bool(a > b),
    ">=": lambda a, b: bool(a >= b),
}

Step = Callable[[Any], Iterator[Any]]


class JsonPathError(ValueError):
    """A path that cannot be understood."""


def find(value: Any, path: str) -> list[Any]:
    """What is at `path`: nothing, one value, or several. Raises JsonPathError."""
    found = [value]
    for step in steps(path):
        found = [inner for outer in found for inner in step(outer)]
    return found


@lru_cache(1024)
def steps(path: str) -> tuple[Step, ...]:
    """The steps of a path. Raises JsonPathError."""
    text, made, at = path.strip().removeprefix("$"), [], 0
    while at < len(text):
        match = _STEP.match(text, at)
        if match is None:
            raise JsonPathError(f"cannot understand {text[at:]!r} in {path!r}")
        at = match.end()
        made.append(_step(match))
    return tuple(made)


def names(path: str) -> list[str]:
    """The names of a path that has nothing else: of `.spec.replicas`, spec and replicas."""
    return [re.sub(r"\\(.)", r"\1", match["name"]) for match in _STEP.finditer(path) if match["name"]]


def _step(match: re.Match[str]) -> Step:
    if match["index"]:
        return _at(int(match["index"]))
    if match["slice"]:
        first, _, last = match["slice"].partition(":")
        return _slice(slice(int(first) if first else None, int(last) if last else None))
    if match["all"] or match["name"] == "*":
        return _all
    if match["filter"] is not None:
        return _filter(match["filter"])
    if match["deep"]:
        return _deep(match["deep"])
    if match["union"]:
        return _union([_named(name[1:-1]) for name in match["union"].split(",")])
    given = next(match[group] for group in ("name", "quoted", "doubly") if match[group] is not None)
    return _named(re.sub(r"\\(.)", r"\1", given))


def _named(name: str) -> Step:
    def step(value: Any) -> Iterator[Any]:
        if isinstance(value, dict) and name in value:
            yield value[name]

    return step


def _deep(name: str) -> Step:
    named = _all if name == "*" else _named(name)

    def step(value: Any) -> Iterator[Any]:
        yield from named(value)
        for inner in _all(value):
            yield from step(inner)

    return step


def _union(named: list[Step]) -> Step:
    def step(value: Any) -> Iterator[Any]:
        for one in named:
            yield from one(value)

    return step


def _at(index: int) -> Step:
    def step(value: Any) -> Iterator[Any]:
        if isinstance(value, list) and -len(value) <= index < len(value):
            yield value[index]

    return step


def _slice(part: slice) -> Step:
    def step(value: Any) -> Iterator[Any]:
        if isinstance(value, list):
            yield from value[part]

    return step


def _all(value: Any) -> Iterator[Any]:
    if isinstance(value, list):
        yield from value
    elif isinstance(value, dict):
        yield from value.values()


def _filter(text: str) -> Step:
    match = _FILTER.match(text)
    if match is None:
        raise JsonPathError(f"cannot understand the filter {text!r}")
    path, operator, wanted = match["path"], match["operator"], _literal(match["value"])
    steps(path)

    def step(value: Any) -> Iterator[Any]:
        for item in value if isinstance(value, list) else ():
            found = find(item, path)
            if operator is None:
                matches = bool(found)
            else:
                matches = any(_compared(_OPERATORS[operator], one, wanted) for one in found)
            if matches:
                yield item

    return step


def _literal(text: str | None) -> Any:
    if text is None:
        return None
    if text[:1] == "'" and text[-1:] == "'":
        return text[1:-1]
    try:
        return json.loads(text)
    except ValueError:
        return text


def _compared(operator: Callable[[Any, Any], bool], value: Any, wanted: Any) -> bool:
    try:
        return operator(value, wanted)
    except TypeError:
        return False
