"""Cases of words as Go's strings and unicode, goutils and xstrings 1.3 change them."""

from corral.base.annotations import Final

_CONNECTORS: Final = "-_"
_ALPHABET, _UPPER, _NUMBER, _CONNECTOR, _PUNCTUATION = "alphabet", "upper", "number", "connector", "punctuation"
_OTHER, _NONE = "other", ""
#: Of ASCII, what Unicode takes for symbols and not for punctuation.
_SYMBOLS: Final = "$+<=>^`|~"
#: Letters that are no alphabet.
_CJK: Final = (("\u3400", "\u4d85"), ("\u4e00", "\u9fcc"), ("\U00020000", "\U0002b81d"))


def upper(char: str) -> str:
    """unicode.ToUpper of one character."""
    made = char.upper()
    return made if len(made) == 1 else char


def lower(char: str) -> str:
    """unicode.ToLower of one character."""
    made = char.lower()
    return made if len(made) == 1 else made[0] if char == "\u0130" else char


def _title(char: str) -> str:
    made = char.title()
    return made if len(made) == 1 else char


def _is_space(char: str) -> bool:
    return char in "\t\n\v\f\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" or "\u2000" <= char <= "\u200a"


def title(text: str) -> str:
    """strings.Title: a title letter where no letter, digit or underscore goes before."""
    made = []
    before = " "
    for char in text:
        made.append(_title(char) if _separates(before) else char)
        before = char
    return "".join(made)


def _separates(char: str) -> bool:
    if char <= "\x7f":
        return not (char.isalnum() or char == "_")
    return _is_space(char)


def untitle(text: str) -> str:
    """goutils.Uncapitalize: the first letter of each word between spaces in lower case."""
    made = []
    first = True
    for char in text:
        if _is_space(char):
            first = True
            made.append(char)
        else:
            made.append(lower(char) if first else char)
            first = False
    return "".join(made)


def swap(text: str) -> str:
    """goutils.SwapCase: upper to lower, lower to upper, lower at the start of a word to title."""
    import unicodedata

    made = []
    space = True
    for char in text:
        category = unicodedata.category(char)
        if category in ("Lu", "Lt"):
            made.append(lower(char))
            space = False
        elif category == "Ll":
            made.append(_title(char) if space else upper(char))
            space = False
        else:
            space = _is_space(char)
            made.append(char)
    return "".join(made)


def initials(text: str) -> str:
    """goutils.Initials: the first byte of each word between spaces."""
    made = []
    gap = True
    for byte in text.encode("utf-8", "surrogateescape"):
        char = chr(byte)
        if _is_space(char):
            gap = True
        elif gap:
            made.append(char)
            gap = False
    return "".join(made)


def _connects(char: str) -> bool:
    return char in _CONNECTORS or _is_space(char)


def camel(text: str) -> str:
    """xstrings.ToCamelCase: some_words → SomeWords."""
    made: list[str] = []
    at, end = 0, len(text)
    current = ""
    while at < end:
        current = text[at]
        at += 1
        if not _connects(current):
            current = upper(current)
            break
        made.append(current)
    if at >= end:
        return "".join(made) + current
    while at < end:
        before, current = current, text[at]
        at += 1
        if _connects(current) and _connects(before):
            made.append(before)
            continue
        if _connects(before):
            current = upper(current)
        else:
            current = lower(current)
            made.append(before)
    return "".join(made) + current


def snake(text: str) -> str:
    """xstrings.ToSnakeCase: FirstName → first_name."""
    return _lowered(text, "_")


def kebab(text: str) -> str:
    """xstrings.ToKebabCase: FirstName → first-name."""
    return _lowered(text, "-")


def _lowered(text: str, connector: str) -> str:
    """xstrings' camelCaseToLowerCase: words in lower case with a connector between them, numbers with the word before."""
    made: list[str] = []
    words = _Words(text)
    kind, word = words.next()
    while words.more:
        if kind != _CONNECTOR:
            made.append(_written(kind, word, connector))
        last, before = kind, word
        kind, word = words.next()
        if last == _CONNECTOR:
            made.append(_written(last, before, connector))
        elif last == _NUMBER:
            kind, word = _run_on(made, kind, word, words)
            if kind not in (_NONE, _PUNCTUATION):  # before a connector, too
                made.append(connector)
        elif last != _PUNCTUATION:
            kind, word = _after_letters(made, kind, word, words, connector)
    made.append(_written(kind, word, connector))
    return "".join(made)


def _after_letters(made: list[str], kind: str, word: str, words: "_Words", connector: str) -> tuple[str, str]:
    """What stands between letters and the word after them; a number belongs to the letters, unless small ones follow."""
    if kind == _NUMBER:
        if not words.more:
            return kind, word
        number = word
        kind, word = words.next()
        if kind == _ALPHABET:
            made += [connector, number]
            kind, word = _run_on(made, kind, word, words)
        else:
            made.append(number)
    if kind not in (_NONE, _CONNECTOR, _PUNCTUATION):
        made.append(connector)
    return kind, word


def _run_on(made: list[str], kind: str, word: str, words: "_Words") -> tuple[str, str]:
    """Small letters and numbers, written as they are; the word after them."""
    while kind in (_ALPHABET, _NUMBER):
        made.append(word)
        kind, word = words.next()
    return kind, word


def _written(kind: str, word: str, connector: str) -> str:
    if kind == _CONNECTOR:
        return connector * len(word)
    return "".join(map(lower, word)) if kind == _UPPER else word


class _Words:
    """The words of a text, and of which kind each is."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._kinds = _kinds(text)
        self._at = 0

    @property
    def more(self) -> bool:
        """Whether there are words that were not taken."""
        return self._at < len(self._text)

    def next(self) -> tuple[str, str]:
        """The kind of the next word, and the word."""
        if not self.more:
            return _NONE, ""
        start = self._at
        kind = self._kinds[start]
        self._at = self._past_capitals(start) if kind == _UPPER else self._past(kind, start)
        return kind, self._text[start : self._at]

    def _past(self, kind: str, at: int) -> int:
        kinds = self._kinds
        while at < len(kinds) and kinds[at] == kind:
            at += 1
        return at

    def _past_capitals(self, at: int) -> int:
        """The end of an abbreviation, or of a capital letter and the small ones after it."""
        start, at = at, self._past(_UPPER, at)
        if at < len(self._kinds) and self._kinds[at] == _ALPHABET:
            return at - 1 if at - start > 1 else self._past(_ALPHABET, at)
        return at


def _kinds(text: str) -> list[str]:
    """The kind of each character; bytes that are not UTF-8 are of the kind of the next one that is, or of the one before."""
    kinds = [_kind(char) for char in text]
    for i in reversed(range(len(kinds) - 1)):
        kinds[i] = kinds[i] or kinds[i + 1]
    for i in range(1, len(kinds)):
        kinds[i] = kinds[i] or kinds[i - 1]
    return kinds


def _kind(char: str) -> str:
    if _connects(char):
        return _CONNECTOR
    if char.isascii():
        if char.isalnum():
            return _NUMBER if char.isdigit() else _UPPER if char.isupper() else _ALPHABET
        return _OTHER if char in _SYMBOLS or not char.isprintable() else _PUNCTUATION
    import unicodedata

    category = unicodedata.category(char)
    if category == "Cs":
        return _NONE
    if category == "Lu":
        return _UPPER
    if category[0] == "L":
        return _OTHER if any(first <= char <= last for first, last in _CJK) else _ALPHABET
    return {"N": _NUMBER, "P": _PUNCTUATION}.get(category[0], _OTHER)
