"""The YAML that people mostly write, read without the library: block mappings and lists, scalars, literal blocks.

PyYAML takes longer to load than Helm to render a chart, and reads slowly. What is written in this small part of the language
is read here; everything else (anchors, tags, most flow collections, folded text, escapes, whatever is wrong) raises
`UnusualError`, and the library reads it. Where this module reads a text, it reads what `api.yamltext` would.
"""

from contextlib import suppress

from corral.base.annotations import Any
from corral.base.patterns import pattern

MAX_DEPTH = 100

_KEY = pattern(r"""(?:([A-Za-z_][A-Za-z0-9_./-]*)|"([^"\\]*)"|'([^']*)'):(?: +(.*)|$)""")
_QUOTED = pattern(r""""([^"\\]*)"(?: +#.*)?|'([^']*)'(?: +#.*)?""")
_COMMENT = pattern(r" +#.*$")
_FLOW = pattern(
    r"\[ *((?:[A-Za-z0-9_./-]+|\"[^\"\\]*\"|'[^']*')(?: *, *(?:[A-Za-z0-9_./-]+|\"[^\"\\]*\"|'[^']*'))*) *\](?: +#.*)?"
)
_FLOW_ITEM = pattern(r"[A-Za-z0-9_./-]+|\"[^\"\\]*\"|'[^']*'")
_EMPTY_FLOW = pattern(r"(\[ *\]|\{ *\})(?: +#.*)?")
_LITERAL = pattern(r"\|([-+]?)(?: +#.*)?")
_SIMPLE_INTEGER = pattern(r"-?(?:0|[1-9][0-9]{0,17})")
_SIMPLE_FLOAT = pattern(r"-?(?:0|[1-9][0-9]{0,14})\.[0-9]{1,14}")
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
    with suppress(UnusualError, UnicodeDecodeError):
        return parse(data.decode("ascii"))
    from corral.api import yamltext
    from corral.api.jsontext import TextError

    try:
        return yamltext.parse(data)[0]
    except TextError as error:
        raise ValueError(f"error converting YAML to JSON: {error}") from None


class _Reader:
    def __init__(self, text: str) -> None:
        self.raw = text.split("\n")
        #: (indent, content) of each line; content is "" of blank lines and comments.
        self.lines: list[tuple[int, str]] = []
        for line in self.raw:
            content = line.strip(" ")
            if not content or content[0] == "#":
                self.lines.append((0, ""))
            else:
                self.lines.append((len(line) - len(line.lstrip(" ")), content))
        self.at = 0
        self.end = len(self.lines)

    def document(self) -> Any:
        self.skip()
        if self.at < self.end and self.raw[self.at] == "---":
            self.at += 1
            self.skip()
        if self.at == self.end:
            return None
        value = self.node(self.lines[self.at][0], 0)
        if self.at < self.end:
            raise UnusualError
        return value

    def skip(self) -> None:
        """Go to the next line that has content."""
        lines, at, end = self.lines, self.at, self.end
        while at < end and not lines[at][1]:
            at += 1
        self.at = at

    def node(self, indent: int, depth: int) -> Any:
        """The mapping or list that begins at this line."""
        if depth > MAX_DEPTH:
            raise UnusualError
        content = self.lines[self.at][1]
        if content[0] == "-" and (len(content) == 1 or content[1] == " "):
            return self.items(indent, depth)
        return self.mapping(indent, depth)

    def mapping(self, indent: int, depth: int) -> dict[str, Any]:
        made: dict[str, Any] = {}
        lines = self.lines
        while self.at < self.end:
            here, content = lines[self.at]
            if here != indent:
                if here > indent:
                    raise UnusualError
                return made
            match = _KEY.fullmatch(content)
            if match is None:
                raise UnusualError
            plain, double, single, text = match.groups()
            if plain is not None:
                if plain in _WORDS or plain.startswith(("---", "...")):
                    raise UnusualError
                key = plain
            else:
                key = double if double is not None else single
            made[key] = self.value(text, indent, depth, in_list=False)
        return made

    def items(self, indent: int, depth: int) -> list[Any]:
        made: list[Any] = []
        lines = self.lines
        while self.at < self.end:
            here, content = lines[self.at]
            if here != indent or not (content[0] == "-" and (len(content) == 1 or content[1] == " ")):
                if here > indent:
                    raise UnusualError
                return made
            if content.startswith("---"):
                raise UnusualError
            rest = content[1:].lstrip(" ")
            if not rest or rest[0] == "#":
                made.append(self.value(None, indent, depth, in_list=True))
                continue
            if (rest[0] == "-" and (len(rest) == 1 or rest[1] == " ")) or _KEY.fullmatch(rest):
                # What follows the dash is a node of its own, as if the dash were a space.
                inner = indent + len(content) - len(rest)
                lines[self.at] = (inner, rest)
                made.append(self.node(inner, depth + 1))
            else:
                made.append(self.value(rest, indent, depth, in_list=True))
        return made

    def value(self, text: str | None, indent: int, depth: int, *, in_list: bool) -> Any:
        """What stands after a key or a dash at `indent`, or below it; goes on to the next line with content."""
        self.at += 1
        if text is None or not text or text[0] == "#":
            return self.below(indent, depth, in_list=in_list)
        first = text[0]
        if first == "|":
            return self.literal(text, indent)
        self.skip()
        if self.at < self.end and self.lines[self.at][0] > indent:
            raise UnusualError  # text that goes on in the next line, or a mistake
        return scalar(text)

    def below(self, indent: int, depth: int, *, in_list: bool) -> Any:
        self.skip()
        if self.at == self.end:
            return None
        here, content = self.lines[self.at]
        if here > indent:
            if content[0] in "[{":
                self.at += 1
                self.skip()
                if self.at < self.end and self.lines[self.at][0] > indent:
                    raise UnusualError
                return _marked(content)
            return self.node(here, depth + 1)
        if not in_list and here == indent and content[0] == "-" and (len(content) == 1 or content[1] == " "):
            return self.items(here, depth + 1)
        return None

    def literal(self, header: str, indent: int) -> str:
        match = _LITERAL.fullmatch(header)
        if match is None:
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
        if match[1] == "-":
            return text
        if at == self.end and not blank:
            return text  # the last line of the document does not end
        if match[1] == "+":
            # What is after the last newline of the document is no line.
            return text + "\n" * (blank if at == self.end else blank + 1)
        return text + "\n"


def scalar(text: str) -> Any:
    """The value of what stands on one line."""
    first = text[0]
    if first in _INDICATORS:
        return _marked(text)
    if " #" in text:
        text = _COMMENT.sub("", text)
    if ": " in text or text[-1] == ":":
        raise UnusualError
    if text in _WORDS:
        return _WORDS[text]
    if first not in _SPECIAL:
        return text
    if _SIMPLE_INTEGER.fullmatch(text):
        return int(text)
    if _SIMPLE_FLOAT.fullmatch(text):
        number = float(text)
        return int(number) if number.is_integer() else number
    if (
        (first == "." and text[1:].lower() in ("inf", "nan"))
        or _NUMBER.fullmatch(text.replace("_", ""))
        or text[1:].lower() == ".inf"
    ):
        raise UnusualError
    if first == "-" and (len(text) == 1 or text[1] in " ,[]{}"):
        raise UnusualError
    return text


def _marked(text: str) -> Any:
    """The value of what begins with a quote or a bracket."""
    if text[0] in "\"'":
        if match := _QUOTED.fullmatch(text):
            return match[1] if text[0] == '"' else match[2]
    elif match := _EMPTY_FLOW.fullmatch(text):
        return [] if match[1][0] == "[" else {}
    elif match := _FLOW.fullmatch(text):
        return [scalar(item) for item in _FLOW_ITEM.findall(match[1])]
    raise UnusualError
