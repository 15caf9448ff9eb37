"""Counts given as a number or a percentage of a total (`25%`).

https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#max-unavailable
"""

import math


def scaled(value: int | str, total: int, *, up: bool) -> int:
    """`value` of `total`, a percentage rounded up or down. Raises ValueError where a text is no percentage."""
    if isinstance(value, int):
        return value
    share = int(value.removesuffix("%")) * total
    return math.ceil(share / 100) if up else share // 100
