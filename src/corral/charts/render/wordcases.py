"""Cases of words as Go's strings and unicode, goutils and xstrings 1.3 change them."""

from corral.base.annotations import Final

_CONNECTORS: Final = "-_"
_ALPHABET, _NUMBER, _CONNECTOR, _PUNCTUATION, _NONE = "alphabet", "number", "connector", "punctuation", ""


#: What xstrings takes for no letters.
_CHINESE: Final = (("\u3400", "\u4d85"), ("\u4e00", "\u9fcc"), ("\U00020000", "\U0002b81d"))


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
    if not text:
        return ""
    made: list[str] = []
    kind, word, rest = _next_word(text)
    while rest:
        if kind != _CONNECTOR:
            _write(made, kind, word, connector)
        before, last = word, kind
        kind, word, rest = _next_word(rest)
        if last == _NUMBER:
            while kind in (_ALPHABET, _NUMBER):
                _write(made, kind, word, connector)
                kind, word, rest = _next_word(rest)
            if kind not in (_NONE, _PUNCTUATION):
                made.append(connector)
        elif last == _CONNECTOR:
            _write(made, last, before, connector)
        elif last != _PUNCTUATION:
            kind, word, rest = _after_letters(made, kind, word, rest, connector)
    _write(made, kind, word, connector)
    return "".join(made)


def _after_letters(made: list[str], kind: str, word: str, rest: str, connector: str) -> tuple[str, str, str]:
    if kind != _NUMBER:
        if kind not in (_CONNECTOR, _PUNCTUATION):
            made.append(connector)
        return kind, word, rest
    if not rest:
        return kind, word, rest
    last, before = kind, word
    kind, word, rest = _next_word(rest)
    if kind != _ALPHABET:
        _write(made, last, before, connector)
        if kind not in (_CONNECTOR, _PUNCTUATION):
            made.append(connector)
        return kind, word, rest
    made.append(connector)
    _write(made, last, before, connector)
    while kind in (_ALPHABET, _NUMBER):
        _write(made, kind, word, connector)
        kind, word, rest = _next_word(rest)
    if kind not in (_NONE, _CONNECTOR, _PUNCTUATION):
        made.append(connector)
    return kind, word, rest


def _write(made: list[str], kind: str, word: str, connector: str) -> None:
    if kind == _CONNECTOR:
        made.append(connector * len(word))
    elif kind in (_ALPHABET, "upper"):
        made.append("".join(map(lower, word)))
    else:
        made.append(word)


def _next_word(text: str) -> tuple[str, str, str]:
    """The kind of the word that a text begins with, the word, and the rest."""
    if not text:
        return _NONE, "", ""
    first = text[0]
    if _connects(first):
        return _CONNECTOR, *_span(text, _connects)
    if _punctuates(first):
        return _PUNCTUATION, *_span(text, _punctuates)
    if first.isupper():
        return "upper", *_upper_word(text)
    if _is_letter(first):
        return _ALPHABET, *_span(text, lambda char: _is_letter(char) and not char.isupper())
    if _counts(first):
        return _NUMBER, *_span(text, _counts)
    known = (_connects, _punctuates, _is_letter, _counts)
    return "other", *_span(text, lambda char: not any(is_one(char) for is_one in known))


def _category(char: str) -> str:
    from unicodedata import category

    return category(char)


def _punctuates(char: str) -> bool:
    return char in "!\"#%&'()*,-./:;?@[\\]_{}" if char.isascii() else _category(char)[0] == "P"


def _counts(char: str) -> bool:
    return char.isdecimal() if char.isascii() else _category(char)[0] == "N"


def _is_letter(char: str) -> bool:
    """Whether it is a letter, but none of Chinese."""
    return char.isalpha() and not any(first <= char <= last for first, last in _CHINESE)


def _span(text: str, takes: "object") -> tuple[str, str]:
    end = 1
    while end < len(text) and takes(text[end]):  # type: ignore[operator]
        end += 1
    return text[:end], text[end:]


def _upper_word(text: str) -> tuple[str, str]:
    """Capital letters as an abbreviation, or one of them with the small ones after it."""
    end = 1
    while end < len(text) and text[end].isupper():
        end += 1
    if end < len(text) and _is_letter(text[end]):
        if end > 1:
            return text[: end - 1], text[end - 1 :]
        while end < len(text) and _is_letter(text[end]) and not text[end].isupper():
            end += 1
    return text[:end], text[end:]
