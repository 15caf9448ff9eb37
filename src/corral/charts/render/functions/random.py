"""Sprig's random functions; the source is the run's."""

from binascii import b2a_base64

from corral.base.annotations import Any
from corral.charts.render.errors import FunctionError
from corral.charts.render.functions import Table

FUNCTIONS = Table()
_DIGITS = "0123456789"
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_PRINTABLE = "".join(map(chr, range(32, 127)))
_MAX = 16 * 1024 * 1024


def _some(run: Any, count: int, chars: str) -> str:
    if count > _MAX:
        raise FunctionError(f"the result has {count} characters, more than {_MAX}")
    return "".join(run.options.source.choices(chars, k=max(count, 0)))


@FUNCTIONS.add("randAlphaNum", "int", wants_run=True)
def _alpha_num(run: Any, count: int) -> str:
    return _some(run, count, _LETTERS + _DIGITS)


@FUNCTIONS.add("randAlpha", "int", wants_run=True)
def _alpha(run: Any, count: int) -> str:
    return _some(run, count, _LETTERS)


@FUNCTIONS.add("randAscii", "int", wants_run=True)
def _ascii(run: Any, count: int) -> str:
    return _some(run, count, _PRINTABLE)


@FUNCTIONS.add("randNumeric", "int", wants_run=True)
def _numeric(run: Any, count: int) -> str:
    return _some(run, count, _DIGITS)


@FUNCTIONS.add("randInt", "int", "int", wants_run=True)
def _int(run: Any, least: int, most: int) -> int:
    if most <= least:
        raise FunctionError("invalid argument to Intn")
    return int(run.options.source.randrange(least, most))


@FUNCTIONS.add("randBytes", "int", wants_run=True)
def _bytes(run: Any, count: int) -> str:
    if not 0 <= count <= _MAX:
        raise FunctionError("runtime error: makeslice: len out of range")
    return b2a_base64(run.options.source.randbytes(count), newline=False).decode()


@FUNCTIONS.add("shuffle", "string", wants_run=True)
def _shuffle(run: Any, text: str) -> str:
    chars = list(text)
    run.options.source.shuffle(chars)
    return "".join(chars)


@FUNCTIONS.add("uuidv4", wants_run=True)
def _uuid(run: Any) -> str:
    data = bytearray(run.options.source.randbytes(16))
    data[6] = data[6] & 0x0F | 0x40  # the version, and the variant of RFC 9562
    data[8] = data[8] & 0x3F | 0x80
    text = data.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
