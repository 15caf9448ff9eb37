"""The YAML that people mostly write, read without the library: block mappings and lists, scalars, literal blocks.

PyYAML takes longer to load than Helm to render a chart, and reads slowly. What is written in this small part of the language
is read here; everything else (anchors, tags, most flow collections, folded text, escapes, whatever is wrong) raises
`UnusualError`, and the library reads it. Where this module reads a text, it reads what `api.yamltext` would.
"""

from corral.base.annotations import Any
from corral.base.memo import Memo
from corral.base.patterns import pattern

MAX_DEPTH = 100

_NUMBER = pattern(
    r"[-+]?(?:0[xX][0-9a-fA-F]+|0[bB][01]+|0[oO]?[0-7]+|0|[1-9][0-9]*)|[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?"
)
_WORDS: dict[str, bool | None] = {
    **dict.fromkeys(("y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"), True),
    **dict.fromkeys(("n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"), False),
    **dict.fromkeys(("~", "null", "Null", "NULL"), None),
}
#: What a plain scalar may not begin with here.
_SPECIAL = frozenset("-?:,[]{}#&*!|>'\"%@`=<.+0123456789")
#: What a plain key may hold beside what a name of Python may.
_LETTERS = str.maketrans("./-", "___")
_NO_WORD_CHARACTERS = dict.fromkeys([*range(0x30, 0x3A), *range(0x41, 0x5B), *range(0x61, 0x7B), *b"_./-"])
#: What a number can be written with, infinity included.
_NUMERIC = "0123456789abcdefABCDEFxXoOinINF_.+-"
#: Integers of so many digits are exact everywhere; so are floats with so many before and behind the point.
_SAFE_DIGITS = 18
_SAFE_WHOLE_DIGITS, _SAFE_FRACTION_DIGITS = 15, 14
_INDICATORS = frozenset(",[]{}#&*!|>'\"%@`=<?:")


class UnusualError(Exception):
    """The text is not, or not surely, in the part of YAML that is read here."""


def parse(text: str) -> Any:
    """The value of a document; whole numbers are ints. Raises UnusualError."""
    if "\t" in text or "\r" in text or not text.isascii():
        raise UnusualError
    return _Reader(text).document()


def value_of(data: bytes) -> Any:
    """The value of the first document, read here or by the library. Raises ValueError, with the words of the reference."""
    try:
        return parse(data.decode("ascii"))
    except (UnusualError, UnicodeDecodeError):
        pass
    from corral.api import yamltext
    from corral.api.jsontext import TextError

    try:
        return yamltext.parse(data)[0]
    except TextError as error:
        raise ValueError(f"error converting YAML to JSON: {error}") from None


class _Reader:
    def __init__(self, text: str) -> None:
        self.raw = text.split("\n")
        #: The indent and the content of each line; the content is "" of blank lines and comments.
        self.indents: list[int] = []
        self.contents: list[str] = []
        indents, contents = self.indents.append, self.contents.append
        for line in self.raw:
            content = line.lstrip(" ")
            indents(len(line) - len(content))
            if content and content[-1] == " ":
                content = content.rstrip(" ")
            contents("" if content[:1] == "#" else content)
        self.at = 0
        self.end = len(self.raw)

    def document(self) -> Any:
        self.skip()
        if self.at < self.end and self.raw[self.at] == "---":
            self.at += 1
            self.skip()
        if self.at == self.end:
            return None
        value = self.node(self.indents[self.at], 0)
        if self.at < self.end:
            raise UnusualError
        return value

    def skip(self) -> None:
        """Go to the next line that has content."""
        contents, at, end = self.contents, self.at, self.end
        while at < end and not contents[at]:
            at += 1
        self.at = at

    def node(self, indent: int, depth: int) -> Any:
        """The mapping or list that begins at this line."""
        if depth > MAX_DEPTH:
            raise UnusualError
        return self.items(indent, depth) if _is_item(self.contents[self.at]) else self.mapping(indent, depth)

    def mapping(self, indent: int, depth: int) -> dict[str, Any]:
        made: dict[str, Any] = {}
        indents, contents = self.indents, self.contents
        while self.at < self.end:
            if indents[self.at] != indent:
                if indents[self.at] > indent:
                    raise UnusualError
                return made
            content = contents[self.at]
            key, colon, text = content.partition(":")
            if not colon or not _PLAIN_KEYS[key]:
                key, text = _quoted_key(content)
            elif text:
                if text[0] != " ":
                    raise UnusualError
                text = text.lstrip(" ")
            made[key] = self.value(text, indent, depth, in_list=False)
        return made

    def items(self, indent: int, depth: int) -> list[Any]:
        made: list[Any] = []
        while self.at < self.end:
            here, content = self.indents[self.at], self.contents[self.at]
            if here != indent or not _is_item(content):
                if here > indent:
                    raise UnusualError
                return made
            if content.startswith("---"):
                raise UnusualError
            rest = content[1:].lstrip(" ")
            if rest and rest[0] != "#" and (_is_item(rest) or _begins_mapping(rest)):
                # What follows the dash is a node of its own, as if the dash were a space.
                inner = indent + len(content) - len(rest)
                self.indents[self.at], self.contents[self.at] = inner, rest
                made.append(self.node(inner, depth + 1))
            else:
                made.append(self.value(rest, indent, depth, in_list=True))
        return made

    def value(self, text: str, indent: int, depth: int, *, in_list: bool) -> Any:
        """What stands after a key or a dash at `indent`, or below it; goes on to the next line with content."""
        self.at += 1
        if not text or text[0] == "#":
            return self.below(indent, depth, in_list=in_list)
        if text[0] == "|":
            return self.literal(text, indent)
        self.skip()
        if self.at < self.end and self.indents[self.at] > indent:
            raise UnusualError  # text that goes on in the next line, or a mistake
        return scalar(text)

    def below(self, indent: int, depth: int, *, in_list: bool) -> Any:
        self.skip()
        if self.at == self.end:
            return None
        here, content = self.indents[self.at], self.contents[self.at]
        if here > indent:
            if content[0] in "[{":
                self.at += 1
                self.skip()
                if self.at < self.end and self.indents[self.at] > indent:
                    raise UnusualError
                return _flow(content)
            return self.node(here, depth + 1)
        if not in_list and here == indent and _is_item(content):
            return self.items(here, depth + 1)
        return None

    def literal(self, header: str, indent: int) -> str:
        mark = header[1:2] if header[1:2] in ("-", "+") else ""
        if not _is_comment(header[1 + len(mark) :]):
            raise UnusualError
        raw, start = self.raw, self.at
        at, inner = start, -1
        while at < self.end:
            line = raw[at]
            bare = line.lstrip(" ")
            if bare:
                width = len(line) - len(bare)
                if inner < 0:
                    if width <= indent:
                        break
                    inner = width
                elif width < inner:
                    if width > indent:
                        raise UnusualError
                    break
            elif inner < 0 and line:
                raise UnusualError  # blanks before the text: the library knows
            at += 1
        if inner < 0:
            raise UnusualError
        lines = [line[inner:] for line in raw[start:at]]
        blank = 0
        while lines and not lines[-1]:
            lines.pop()
            blank += 1
        self.at = at
        self.skip()
        text = "\n".join(lines)
        if mark == "-":
            return text
        if at == self.end and not blank:
            return text  # the last line of the document does not end
        if mark == "+":
            # What is after the last newline of the document is no line.
            return text + "\n" * (blank if at == self.end else blank + 1)
        return text + "\n"


def _is_item(content: str) -> bool:
    return content[0] == "-" and (len(content) == 1 or content[1] == " ")


def _needs_no_quotes(key: str) -> bool:
    if key in _WORDS or key.startswith(("---", "...")):
        raise UnusualError
    return key.translate(_LETTERS).isidentifier() and key[0] not in "./-"


#: Whether a key needs no quotes. Raises UnusualError for one that is not what it looks like.
_PLAIN_KEYS = Memo(4096, _needs_no_quotes)


def _quoted_key(content: str) -> tuple[str, str]:
    """A key in quotes, and what stands after it. Raises UnusualError."""
    mark = content[0]
    key, closed, rest = content[1:].partition(mark)
    if mark not in "\"'" or not closed or rest[:1] != ":" or rest[1:2] not in ("", " ") or (mark == '"' and "\\" in key):
        raise UnusualError
    return key, rest[1:].lstrip(" ")


def _begins_mapping(content: str) -> bool:
    """Whether a line is a key, and perhaps its value."""
    key, colon, text = content.partition(":")
    if colon and text[:1] in ("", " ") and (key in _WORDS or _PLAIN_KEYS[key]):
        return True
    if content[0] not in "\"'":
        return False
    try:
        _quoted_key(content)
    except UnusualError:
        return False
    return True


def scalar(text: str) -> Any:
    """The value of what stands on one line."""
    return _flow(text) if text[0] in "[{" else _SCALARS[text]


def _scalar(text: str) -> Any:
    first = text[0]
    if first in "\"'":
        return _quoted(text)
    if first in _INDICATORS:
        raise UnusualError
    if " #" in text:
        text = text[: text.index(" #")].rstrip(" ")
    if ": " in text or text[-1] == ":":
        raise UnusualError
    if text in _WORDS:
        return _WORDS[text]
    if first not in _SPECIAL:
        return text
    if text.isdigit() and len(text) <= _SAFE_DIGITS and (first != "0" or len(text) == 1):
        return int(text)
    return _text(text) if text.strip(_NUMERIC) or text.count(".") > 1 else _number(text)


_SCALARS = Memo(4096, _scalar)


def _is_comment(text: str) -> bool:
    """Whether what stands behind a value is nothing, or a comment."""
    return not text or (text[0] == " " and text.lstrip(" ")[:1] == "#")


def _text(text: str) -> str:
    """What begins as a number could, and is none."""
    if text[0] == "-" and (len(text) == 1 or text[1] in " ,[]{}"):
        raise UnusualError
    return text


def _number(text: str) -> Any:
    whole, point, fraction = text.removeprefix("-").partition(".")
    if whole.isdigit() and (whole[0] != "0" or len(whole) == 1):
        if not point and len(whole) <= _SAFE_DIGITS:
            return int(text)
        if fraction.isdigit() and len(whole) <= _SAFE_WHOLE_DIGITS and len(fraction) <= _SAFE_FRACTION_DIGITS:
            number = float(text)
            return int(number) if number.is_integer() else number
    if text[1:].lower() in ("inf", "nan", ".inf", ".nan") or _NUMBER.fullmatch(text.replace("_", "")):
        raise UnusualError
    return _text(text)


def _quoted(text: str) -> str:
    inside, closed, rest = text[1:].partition(text[0])
    if not closed or not _is_comment(rest) or (text[0] == '"' and "\\" in inside):
        raise UnusualError
    return inside


def _flow(text: str) -> Any:
    """The value of what begins with a bracket."""
    if text == "{}":
        return {}
    if text == "[]":
        return []
    inside, closed, rest = text[1:].partition("]" if text[0] == "[" else "}")
    if closed and not inside.strip(" ") and _is_comment(rest):
        return [] if text[0] == "[" else {}
    if text[0] != "[" or text[-1] != "]":
        raise UnusualError
    return [_flow_item(item.strip(" ")) for item in text[1:-1].split(",")]


def _flow_item(text: str) -> Any:
    """A word or a text in quotes; with anything else in it, it could be part of more than was split off."""
    mark = text[:1]
    if mark in ("'", '"'):
        if text.find(mark, 1) != len(text) - 1 or "\\" in text:
            raise UnusualError
    elif not text or text.translate(_NO_WORD_CHARACTERS):
        raise UnusualError
    return _SCALARS[text]
