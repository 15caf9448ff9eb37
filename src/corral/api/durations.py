"""Durations as tables show them: `5s`, `3m20s`, `2d4h` (apimachinery's `util/duration`), and the age of a timestamp."""

from corral.base.clock import parse_rfc3339

_MINUTE_S = 60
_HOUR_S = 60 * _MINUTE_S
_DAY_S = 24 * _HOUR_S
_YEAR_S = 365 * _DAY_S


def human(duration_s: float) -> str:
    """A duration with the precision that still matters at its length; up to a second below zero counts as none."""
    seconds = int(duration_s)
    if seconds < -1:
        return "<invalid>"
    if seconds < 2 * _MINUTE_S:
        return f"{max(seconds, 0)}s"
    if seconds < 10 * _MINUTE_S:
        return _two(seconds, _MINUTE_S, "m", 1, "s")
    if seconds < 3 * _HOUR_S:
        return f"{seconds // _MINUTE_S}m"
    if seconds < 8 * _HOUR_S:
        return _two(seconds, _HOUR_S, "h", _MINUTE_S, "m")
    if seconds < 2 * _DAY_S:
        return f"{seconds // _HOUR_S}h"
    if seconds < 8 * _DAY_S:
        return _two(seconds, _DAY_S, "d", _HOUR_S, "h")
    if seconds < 2 * _YEAR_S:
        return f"{seconds // _DAY_S}d"
    if seconds < 8 * _YEAR_S:
        return _two(seconds, _YEAR_S, "y", _DAY_S, "d")
    return f"{seconds // _YEAR_S}y"


def elapsed(timestamp: str | None, now_s: float) -> str:
    """The time since an RFC 3339 timestamp; `<unknown>` where there is none."""
    return human(now_s - parse_rfc3339(timestamp)) if timestamp else "<unknown>"


def _two(total_s: int, large_s: int, large: str, small_s: int, small: str) -> str:
    count, rest = divmod(total_s, large_s)
    rest //= small_s
    return f"{count}{large}{rest}{small}" if rest else f"{count}{large}"
