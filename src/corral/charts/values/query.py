"""What a text with JSONPath in braces finds in values, as `helm show values --jsonpath` takes it.

`{.image.repository}:{.image.tag}`, `{range .hosts[*]}{.host}{"\\n"}{end}`. What is not there is nothing.
https://kubernetes.io/docs/reference/kubectl/jsonpath/.
"""

import re
from collections.abc import Iterator
from typing import Any

from corral.api.jsonpath import JsonPathError, find
from corral.charts.render import gofmt, gojson

_ACTION = re.compile(r"""\{((?:[^{}"']|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')*)\}""")
#: Actions, and texts between them.
_Token = tuple[str, str]


def filled(template: str, value: Any) -> str:
    """The text for a value. Raises JsonPathError."""
    tokens = list(_tokens(template))
    return "".join(_executed(tokens, 0, len(tokens), value))


def _tokens(template: str) -> Iterator[_Token]:
    at = 0
    while (start := template.find("{", at)) >= 0:
        if start > at:
            yield "text", template[at:start]
        match = _ACTION.match(template, start)
        if match is None:
            raise JsonPathError(f"error parsing jsonpath {template}: unclosed action")
        yield "action", match[1].strip()
        at = match.end()
    if at < len(template):
        yield "text", template[at:]


def _executed(tokens: list[_Token], at: int, end: int, value: Any) -> Iterator[str]:
    while at < end:
        kind, text = tokens[at]
        at += 1
        if kind == "text":
            yield text
        elif text.startswith("range "):
            stop = _end(tokens, at, end)
            for item in find(value, _path(text.removeprefix("range "))):
                yield from _executed(tokens, at, stop, item)
            at = stop + 1
        elif text != "end":
            yield _printed(text, value)


def _end(tokens: list[_Token], at: int, end: int) -> int:
    """Where the range ends whose body begins at `at`."""
    depth = 1
    for i in range(at, end):
        kind, text = tokens[i]
        if kind == "action":
            depth += text.startswith("range ") - (text == "end")
            if depth == 0:
                return i
    raise JsonPathError("error parsing jsonpath: a range without {end}")


def _printed(text: str, value: Any) -> str:
    if text[:1] in "\"'" and len(text) > 1:
        return re.sub(r"\\(.)", lambda match: {"n": "\n", "t": "\t"}.get(match[1], match[1]), text[1:-1])
    if text[:1] not in ".[$@":
        return text
    return " ".join(_shown(item) for item in find(value, _path(text)))


def _path(text: str) -> str:
    return text.strip().removeprefix("@")


def _shown(value: Any) -> str:
    if value is None:
        return ""
    return gojson.dumps(value) if isinstance(value, dict | list) else gofmt.plain(value)
