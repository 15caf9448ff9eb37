"""The YAML that people mostly write, read without the library: block mappings and lists, text over several lines, and what
stands on one (plainscalars.py).

PyYAML takes longer to load than Helm to render a chart, and reads slowly. What is written in this part of the language is read
here; everything else (anchors, tags, quotes over several lines, whatever is wrong) raises `UnusualError`, and the
library reads it. Where this module reads a text, it reads what `api.yamltext` would.
"""

from corral.api.plainscalars import INDICATORS, PLAIN_KEYS, WORDS, UnusualError, flow, is_comment, quoted, scalar
from corral.base.annotations import Any

MAX_DEPTH = 100

#: What the next line of a text without quotes may not begin with here.
_NO_TEXT = frozenset("#&*!|>%@`\"'[]{},?:-\t")


def parse(text: str) -> Any:
    """The value of a document; whole numbers are ints. Raises UnusualError."""
    if not text.replace("\n", "").replace("\t", "").isprintable():
        raise UnusualError
    return _Reader(text).document()


def value_of(data: bytes) -> Any:
    """The value of the first document, read here or by the library. Raises ValueError, with the words of the reference."""
    try:
        return parse(data.decode())
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
            if content[:1] == "#":
                content = ""
            elif "\t" in content:
                content = "\t"  # fit for nothing but the lines of a literal block
            contents(content)
        self.at = 0
        self.end = len(self.raw)

    def document(self) -> Any:
        self.skip()
        if self.at < self.end and self.raw[self.at] == "---":
            self.at += 1
            self.skip()
        if self.at == self.end:
            return None
        content = self.contents[self.at]
        if content[0] in "[{":
            self.at += 1
            value = self.brackets(content, -1)
        else:
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
            if not colon or not PLAIN_KEYS[key]:
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
        if text[0] in "|>":
            return self.block(text, indent)
        if text[0] in "[{":
            return self.brackets(text, indent)
        return self.plain(text, indent)

    def plain(self, text: str, indent: int) -> Any:
        """A scalar of which the first line was this."""
        if text == "\t":
            raise UnusualError
        first = self.at
        self.skip()
        if self.at < self.end and self.indents[self.at] > indent:
            self.at = first
            return self.text(text, indent)
        return scalar(text)

    def text(self, text: str, indent: int) -> str:
        """Text without quotes that goes on in the next lines."""
        if text[0] in INDICATORS or text[0] == "-" or " #" in text or ": " in text or text[-1] == ":":
            raise UnusualError
        blank = 0
        while self.at < self.end:
            content = self.contents[self.at]
            if not content:
                if self.raw[self.at].strip(" "):
                    break  # a comment: it ends here
                blank += 1
            elif self.indents[self.at] <= indent:
                break
            elif content[0] in _NO_TEXT or " #" in content or ": " in content or content[-1] == ":":
                raise UnusualError
            else:
                text += ("\n" * blank or " ") + content
                blank = 0
            self.at += 1
        self.skip()
        if self.at < self.end and self.indents[self.at] > indent:
            raise UnusualError
        return text

    def below(self, indent: int, depth: int, *, in_list: bool) -> Any:
        self.skip()
        if self.at == self.end:
            return None
        here, content = self.indents[self.at], self.contents[self.at]
        if here > indent:
            if content[0] in "[{":
                self.at += 1
                return self.brackets(content, indent)
            if not _is_item(content) and not _begins_mapping(content):
                self.at += 1
                return self.plain(content, indent)
            return self.node(here, depth + 1)
        if not in_list and here == indent and _is_item(content):
            return self.items(here, depth + 1)
        return None

    def brackets(self, text: str, indent: int) -> Any:
        """A list or a mapping in brackets, of which the first line was this."""
        lines = [text]
        missing = _opened(text)
        while missing > 0 and self.at < self.end:
            content = self.contents[self.at]
            if not content or content == "\t" or (self.indents[self.at] <= indent and content[0] not in "]}"):
                raise UnusualError
            lines.append(content)
            missing += _opened(content)
            self.at += 1
        if len(lines) > 1 and any(" #" in line or line[-1] == "\\" for line in lines):
            raise UnusualError
        self.skip()
        if self.at < self.end and self.indents[self.at] > indent:
            raise UnusualError
        return flow(" ".join(lines))

    def block(self, header: str, indent: int) -> str:
        """A literal or a folded text."""
        mark = header[1:2] if header[1:2] in ("-", "+") else ""
        if not is_comment(header[1 + len(mark) :]):
            raise UnusualError
        lines, ended = self.lines(indent)
        blank = 0
        while lines and not lines[-1]:
            lines.pop()
            blank += 1
        text = "\n".join(lines) if header[0] == "|" else _folded(lines)
        if mark == "-":
            return text
        if ended and not blank:
            return text  # the last line of the document does not end
        if mark == "+":
            # What is after the last newline of the document is no line.
            return text + "\n" * (blank if ended else blank + 1)
        return text + "\n"

    def lines(self, indent: int) -> tuple[list[str], bool]:
        """The lines of a text that is indented further than `indent`, without what all are; whether nothing is after them."""
        raw, at, inner, widest = self.raw, self.at, -1, 0
        while at < self.end:
            line = raw[at]
            bare = line.lstrip(" ")
            if bare:
                width = len(line) - len(bare)
                if inner < 0:
                    if width <= indent:
                        break
                    inner = width
                    if widest > inner or bare[0] == "\t":
                        raise UnusualError
                elif width < inner:
                    if width > indent:
                        raise UnusualError
                    break
            elif inner < 0:
                widest = max(widest, len(line))
            at += 1
        if inner < 0:
            raise UnusualError
        lines = [line[inner:] for line in raw[self.at : at]]
        self.at = at
        self.skip()
        return lines, at == self.end


def _opened(text: str) -> int:
    """How many brackets it leaves open, those in quotes counted, too."""
    return text.count("[") + text.count("{") - text.count("]") - text.count("}")


def _folded(lines: list[str]) -> str:
    """The lines of a folded text as one; where some are indented further, the library knows."""
    text = ""
    blank = 0
    for line in lines:
        if not line:
            blank += 1
            continue
        if line[0] in " \t":
            raise UnusualError
        text += ("\n" * blank or (" " if text.strip("\n") else "")) + line
        blank = 0
    return text


def _is_item(content: str) -> bool:
    return content[0] == "-" and (len(content) == 1 or content[1] == " ")


def _quoted_key(content: str) -> tuple[str, str]:
    """A key in quotes, and what stands after it. Raises UnusualError."""
    if content[0] not in "\"'":
        raise UnusualError
    key, end = quoted(content)
    rest = content[end:]
    if rest[:1] != ":" or rest[1:2] not in ("", " "):
        raise UnusualError
    return key, rest[1:].lstrip(" ")


def _begins_mapping(content: str) -> bool:
    """Whether a line is a key, and perhaps its value."""
    key, colon, text = content.partition(":")
    if colon and text[:1] in ("", " ") and (key in WORDS or PLAIN_KEYS[key]):
        return True
    if content[0] not in "\"'":
        return False
    try:
        _quoted_key(content)
    except UnusualError:
        return False
    return True
