"""Sprig's functions of strings; those that count, count bytes, as Go does."""

from corral.base.annotations import Any
from corral.charts.render import gofmt
from corral.charts.render.errors import FunctionError
from corral.charts.render.functions import ANY, Table
from corral.charts.render.gotypes import StringMap, Strings, decoded, encoded
from corral.charts.render.strconv import quote

FUNCTIONS = Table()
_SPACE = (
    "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000"
)
_MAX_REPEAT = 64 * 1024 * 1024


def _check_size(count: int) -> None:
    """Raise FunctionError for a result of so many characters, if they are too many."""
    if count > _MAX_REPEAT:
        raise FunctionError(f"the result has more than {_MAX_REPEAT} characters")


def text_of(value: Any) -> str:
    """Sprig's strval: a value as `%v`, bytes as the string they are."""
    if value.__class__ is str:
        return str(value)
    return decoded(value) if isinstance(value, bytes) else gofmt.plain(value)


def texts_of(value: Any) -> Strings:
    """Sprig's strslice: the elements of a list as strings, without nil; any other value as a list of one."""
    if isinstance(value, Strings):
        return value
    if isinstance(value, list):
        return Strings([text_of(item) for item in value if item is not None])
    if isinstance(value, bytes):
        return Strings([str(byte) for byte in value])
    return Strings() if value is None else Strings([text_of(value)])


@FUNCTIONS.add("hello")
def _hello() -> str:
    return "Hello!"


def _abbreviate(text: str, offset: int, width: int) -> str:
    data = encoded(text)
    size = len(data)
    if width < 4:
        return ""
    if size <= width:
        return text
    offset = min(offset, size)
    if size - offset < width - 3:
        offset = size - (width - 3)
    if offset <= 4:
        return decoded(data[: width - 3]) + "..."
    if width < 7:
        return ""
    if offset + width - 3 < size:
        return "..." + _abbreviate(decoded(data[offset:]), 0, width - 3)
    return "..." + decoded(data[size - (width - 3) :])


@FUNCTIONS.add("abbrev", "int", "string")
def _abbrev(width: int, text: str) -> str:
    return text if width < 4 else _abbreviate(text, 0, width)


@FUNCTIONS.add("abbrevboth", "int", "int", "string")
def _abbrevboth(left: int, right: int, text: str) -> str:
    return text if right < 4 or (left > 0 and right < 7) else _abbreviate(text, left, right)


@FUNCTIONS.add("trunc", "int", "string")
def _trunc(size: int, text: str) -> str:
    if text.isascii():
        if size < 0:
            return text[size:] if len(text) + size > 0 else text
        return text[:size]
    data = encoded(text)
    if size < 0:
        return decoded(data[size:]) if len(data) + size > 0 else text
    return decoded(data[:size])


@FUNCTIONS.add("trim", "string")
def _trim(text: str) -> str:
    return text.strip(_SPACE)


@FUNCTIONS.add("upper", "string")
def _upper(text: str) -> str:
    if text.isascii():
        return text.upper()
    from corral.charts.render import wordcases
    from corral.charts.render.gojson import readable

    return "".join(map(wordcases.upper, readable(text)))


@FUNCTIONS.add("lower", "string")
def _lower(text: str) -> str:
    if text.isascii():
        return text.lower()
    from corral.charts.render import wordcases
    from corral.charts.render.gojson import readable

    return "".join(map(wordcases.lower, readable(text)))


@FUNCTIONS.add("substr", "int", "int", "string")
def _substr(start: int, end: int, text: str) -> str:
    data = encoded(text)
    size = len(data)
    if start < 0:
        if end < 0 or end > size:
            raise FunctionError(
                f"runtime error: slice bounds out of range [:{end}]" + (f" with length {size}" if end > size else "")
            )
        return decoded(data[:end])
    if end < 0 or end > size:
        if start > size:
            raise FunctionError(f"runtime error: slice bounds out of range [{start}:{size}]")
        return decoded(data[start:])
    if start > end:
        raise FunctionError(f"runtime error: slice bounds out of range [{start}:{end}]")
    return decoded(data[start:end])


@FUNCTIONS.add("repeat", "int", "string")
def _repeat(count: int, text: str) -> str:
    if count < 0:
        raise FunctionError("strings: negative Repeat count")
    _check_size(count * len(text))
    return text * count


@FUNCTIONS.add("trimall trimAll", "string", "string")
def _trim_all(chars: str, text: str) -> str:
    return text.strip(chars) if chars else text


@FUNCTIONS.add("trimSuffix", "string", "string")
def _trim_suffix(suffix: str, text: str) -> str:
    return text.removesuffix(suffix)


@FUNCTIONS.add("trimPrefix", "string", "string")
def _trim_prefix(prefix: str, text: str) -> str:
    return text.removeprefix(prefix)


@FUNCTIONS.add("nospace", "string")
def _nospace(text: str) -> str:
    """goutils.DeleteWhiteSpace: byte by byte, so that where a space goes, what is not ASCII comes out as Latin-1."""
    data = encoded(text)
    kept = data.translate(None, b"\t\n\v\f\r \x85\xa0")
    return text if len(kept) == len(data) else kept.decode("latin-1")


@FUNCTIONS.add("contains", "string", "string")
def _contains(part: str, text: str) -> bool:
    return part in text


@FUNCTIONS.add("hasPrefix", "string", "string")
def _has_prefix(prefix: str, text: str) -> bool:
    return text.startswith(prefix)


@FUNCTIONS.add("hasSuffix", "string", "string")
def _has_suffix(suffix: str, text: str) -> bool:
    return text.endswith(suffix)


@FUNCTIONS.add("quote", "..." + ANY)
def _quote(*values: Any) -> str:
    return " ".join(quote(text_of(value)) for value in values if value is not None)


@FUNCTIONS.add("squote", "..." + ANY)
def _squote(*values: Any) -> str:
    return " ".join(f"'{gofmt.plain(value)}'" for value in values if value is not None)


@FUNCTIONS.add("cat", "..." + ANY)
def _cat(*values: Any) -> str:
    return " ".join(gofmt.plain(value) for value in values if value is not None)


def _pad(spaces: int) -> str:
    if spaces < 0:
        raise FunctionError("strings: negative Repeat count")
    _check_size(spaces)
    return " " * spaces


@FUNCTIONS.add("indent", "int", "string")
def _indent(spaces: int, text: str) -> str:
    pad = _pad(spaces)
    _check_size(spaces * text.count("\n"))
    return pad + text.replace("\n", "\n" + pad)


@FUNCTIONS.add("nindent", "int", "string")
def _nindent(spaces: int, text: str) -> str:
    return "\n" + _indent(spaces, text)


@FUNCTIONS.add("replace", "string", "string", "string")
def _replace(old: str, new: str, text: str) -> str:
    if len(new) > len(old):
        _check_size((text.count(old) if old else len(text) + 1) * len(new))
    return text.replace(old, new)


@FUNCTIONS.add("plural", "string", "string", "int")
def _plural(one: str, many: str, count: int) -> str:
    return one if count == 1 else many


FUNCTIONS.add("toString", ANY)(text_of)
FUNCTIONS.add("toStrings", ANY)(texts_of)


@FUNCTIONS.add("join", "string", ANY)
def _join(separator: str, values: Any) -> str:
    return separator.join(texts_of(values))


@FUNCTIONS.add("sortAlpha", ANY)
def _sort_alpha(values: Any) -> Strings:
    texts = texts_of(values)
    if isinstance(values, list | bytes):
        return Strings(sorted(texts, key=encoded))
    return texts if values is not None else Strings(["<nil>"])


def split_text(text: str, separator: str, limit: int = -1) -> Strings:
    """strings.SplitN; an empty separator splits into characters."""
    if limit == 0:
        return Strings()
    if not separator:
        chars = list(text)
        if 0 < limit < len(chars):
            chars = [*chars[: limit - 1], "".join(chars[limit - 1 :])]
        return Strings(chars)
    return Strings(text.split(separator, limit - 1 if limit > 0 else -1))


@FUNCTIONS.add("splitList", "string", "string")
def _split_list(separator: str, text: str) -> Strings:
    return split_text(text, separator)


@FUNCTIONS.add("split", "string", "string")
def _split(separator: str, text: str) -> StringMap:
    return StringMap({f"_{i}": part for i, part in enumerate(split_text(text, separator))})


@FUNCTIONS.add("splitn", "string", "int", "string")
def _splitn(separator: str, limit: int, text: str) -> StringMap:
    return StringMap({f"_{i}": part for i, part in enumerate(split_text(text, separator, limit))})


@FUNCTIONS.add("wrap", "int", "string")
def _wrap(width: int, text: str) -> str:
    return _wrapped(text, width, "\n", False)


@FUNCTIONS.add("wrapWith", "int", "string", "string")
def _wrap_with(width: int, newline: str, text: str) -> str:
    return _wrapped(text, width, newline, True)


def _wrapped(text: str, width: int, newline: str, break_words: bool) -> str:
    """goutils.WrapCustom, in bytes."""
    data = encoded(text)
    if not data:
        return ""
    mark = encoded(newline or "\n")
    width = max(width, 1)
    size, at = len(data), 0
    made = bytearray()
    while size - at > width:
        _check_size(len(made))
        if data[at] == 0x20:
            at += 1
            continue
        end = at + width + 1
        space = data[at:end].rfind(b" ") + at
        if space >= at:
            made += data[at:space] + mark
            at = space + 1
        elif break_words:
            made += data[at : at + width] + mark
            at += width
        else:
            space = data.find(b" ", at + width)
            if space < 0:
                made += data[at:]
                at = size
            else:
                made += data[at:space] + mark
                at = space + 1
    return decoded(bytes(made + data[at:]))
