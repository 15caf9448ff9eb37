"""The order of keys in what go-yaml writes: digits by their number, letters behind all else.

Loaded for keys that have digits and the like: all others are in the natural order as they are in their own (`yamlwriter`).
"""


def natural(keys: list[str]) -> list[str]:
    """Keys in go-yaml's natural order."""
    return sorted(keys, key=_Natural)


class _Natural:
    """A key, to be put in order."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text

    def __lt__(self, other: "_Natural") -> bool:
        return _before(self.text, other.text)


def _before(one: str, two: str) -> bool:
    for i, (a, b) in enumerate(zip(one, two, strict=False)):
        if a == b:
            continue
        a_letter, b_letter = a.isalpha(), b.isalpha()
        if a_letter and b_letter:
            return a < b
        if a_letter or b_letter:
            return b_letter
        start = 0
        if a == "0" or b == "0":
            j = i - 1
            while j >= 0 and one[j].isdecimal():
                if one[j] != "0":
                    start = 1
                    break
                j -= 1
        a_number, a_end = _digits(one, i, start)
        b_number, b_end = _digits(two, i, start)
        if a_number != b_number:
            return a_number < b_number
        if a_end != b_end:
            return a_end < b_end
        return a < b
    return len(one) < len(two)


def _digits(text: str, at: int, number: int) -> tuple[int, int]:
    while at < len(text) and text[at].isdecimal():
        number = number * 10 + ord(text[at]) - 48
        at += 1
    return number, at
