"""The function libraries, one module each: `functions()` is what every environment has.

https://kubernetes.io/docs/reference/using-api/cel/#cel-options-language-features-and-libraries
"""

from functools import cache

from corral.api.cel.functions import Overload, joined
from corral.api.cel.libraries import (
    addresses,
    authorization,
    formats,
    images,
    jsonpatches,
    lists,
    patterns,
    quantities,
    semvers,
    standard,
    strings,
    urls,
)

_ALL = (standard, strings, lists, patterns, urls, addresses, quantities, semvers, formats, images, authorization, jsonpatches)


@cache
def functions() -> dict[str, list[Overload]]:
    """Every function, with its overloads."""
    return joined(module.LIBRARY for module in _ALL)
