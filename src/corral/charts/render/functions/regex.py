"""Sprig's regular expressions: RE2, as Go's regexp."""

from collections.abc import Callable

from corral.base.annotations import Any
from corral.charts.render.errors import FunctionError
from corral.charts.render.functions import Table
from corral.charts.render.gotypes import NilStrings, Strings, decoded, encoded
from corral.charts.render.strconv import quote

FUNCTIONS = Table()
_META = set("\\.+*?()|[]{}^$")


def _compiled(pattern: str) -> Any:
    from corral.charts.render import regexes

    try:
        return regexes.compiled(pattern)
    except ValueError as error:
        raise FunctionError(str(error)) from None


def _panicking(pattern: str) -> Any:
    """regexp.MustCompile, whose panic the engine turns into an error."""
    from corral.charts.render import regexes

    try:
        return regexes.compiled(pattern)
    except ValueError as error:
        shown = f"`{pattern}`" if "`" not in pattern else quote(pattern)
        raise FunctionError(f"regexp: Compile({shown}): {error}") from None


def _declare(name: str, *params: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Declare a function and its must variant; the first argument is compiled."""

    def declare(call: Callable[..., Any]) -> Callable[..., Any]:
        FUNCTIONS.add(name, *params)(lambda pattern, *args: call(_panicking(pattern), *args))
        FUNCTIONS.add("must" + name[0].upper() + name[1:], *params)(lambda pattern, *args: call(_compiled(pattern), *args))
        return call

    return declare


@FUNCTIONS.add("regexMatch", "string", "string")
def _match(pattern: str, text: str) -> bool:
    from corral.charts.render import regexes

    try:
        return bool(regexes.compiled(pattern).matches(encoded(text)))
    except ValueError:
        return False


@FUNCTIONS.add("mustRegexMatch", "string", "string")
def _must_match(pattern: str, text: str) -> bool:
    return bool(_compiled(pattern).matches(encoded(text)))


@_declare("regexFindAll", "string", "string", "int")
def _find_all(regex: Any, text: str, count: int) -> Strings:
    found = regex.find_all(encoded(text), count)
    return Strings(map(decoded, found)) if found else NilStrings()


@_declare("regexFind", "string", "string")
def _find(regex: Any, text: str) -> str:
    return next((decoded(found) for found in regex.find_all(encoded(text), 1)), "")


@_declare("regexReplaceAll", "string", "string", "string")
def _replace_all(regex: Any, text: str, replacement: str) -> str:
    return decoded(regex.replace(encoded(text), encoded(replacement)))


@_declare("regexReplaceAllLiteral", "string", "string", "string")
def _replace_all_literal(regex: Any, text: str, replacement: str) -> str:
    return decoded(regex.replace_literal(encoded(text), encoded(replacement)))


@_declare("regexSplit", "string", "string", "int")
def _split(regex: Any, text: str, count: int) -> Strings:
    return Strings([decoded(part) for part in regex.split(encoded(text), count)])


@FUNCTIONS.add("regexQuoteMeta", "string")
def _quote_meta(text: str) -> str:
    return "".join("\\" + char if char in _META else char for char in text)
