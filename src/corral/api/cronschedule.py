"""Schedules of CronJobs: five fields or a descriptor such as `@hourly`, with the errors of robfig/cron.

https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/#schedule-syntax
"""

import re
from datetime import datetime, timedelta

from msgspec import Struct

_NAMES_OF_MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec"
_NAMES_OF_DAYS = "sun mon tue wed thu fri sat"
_MONTHS = {name: i + 1 for i, name in enumerate(_NAMES_OF_MONTHS.split())}
_DAYS = {name: i for i, name in enumerate(_NAMES_OF_DAYS.split())}
#: Least, most, names of each field: minute, hour, day of the month, month, day of the week.
_FIELDS: tuple[tuple[int, int, dict[str, int]], ...] = (
    (0, 59, {}),
    (0, 23, {}),
    (1, 31, {}),
    (1, 12, _MONTHS),
    (0, 6, _DAYS),
)
_DESCRIPTORS = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
_EVERY = "@every "
_UNITS_S = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9}
#: A schedule that has no time within these years has none at all (29 February is 8 years off at most).
_YEARS_AHEAD = 9


class ScheduleError(ValueError):
    """A text that is no schedule; the message is the reference's."""


class Schedule(Struct, frozen=True):
    """The times at which a job starts: the sets of its fields, or an interval."""

    minutes: frozenset[int] = frozenset()
    hours: frozenset[int] = frozenset()
    days: frozenset[int] = frozenset()
    months: frozenset[int] = frozenset()
    weekdays: frozenset[int] = frozenset()
    #: Both day fields are restricted: either may match (as in every cron).
    either_day: bool = False
    interval: timedelta | None = None

    def next(self, after: datetime) -> datetime | None:
        """The first time later than `after`, in its time zone; None if there is none."""
        if self.interval is not None:
            return after.replace(microsecond=0) + self.interval
        moment = after.replace(second=0, microsecond=0) + timedelta(minutes=1)
        last_year = moment.year + _YEARS_AHEAD
        while moment.year < last_year:
            if moment.month not in self.months or not self._on_day(moment):
                moment = moment.replace(hour=0, minute=0) + timedelta(days=1)
            elif moment.hour not in self.hours:
                moment = moment.replace(minute=0) + timedelta(hours=1)
            elif moment.minute not in self.minutes:
                moment += timedelta(minutes=1)
            else:
                return moment
        return None

    def _on_day(self, moment: datetime) -> bool:
        in_month, in_week = moment.day in self.days, moment.isoweekday() % 7 in self.weekdays
        return in_month or in_week if self.either_day else in_month and in_week


def parse(text: str) -> Schedule:
    """The schedule that `text` says. Raises ScheduleError."""
    if not text:
        raise ScheduleError("empty spec string")
    if text.startswith("@"):
        if text.startswith(_EVERY):
            return Schedule(interval=timedelta(seconds=max(1, int(_duration_s(text)))))
        if text not in _DESCRIPTORS:
            raise ScheduleError(f"unrecognized descriptor: {text}")
        text = _DESCRIPTORS[text]
    fields = text.split()
    if len(fields) != len(_FIELDS):
        raise ScheduleError(f"expected exactly 5 fields, found {len(fields)}: [{' '.join(fields)}]")
    sets = [_field(field, *bounds) for field, bounds in zip(fields, _FIELDS, strict=True)]
    free = any(part.startswith(("*", "?")) for i in (2, 4) for part in fields[i].split(","))
    minutes, hours, days, months, weekdays = sets
    return Schedule(minutes, hours, days, months, weekdays, either_day=not free)


def _duration_s(text: str) -> float:
    duration = text.removeprefix(_EVERY)
    parts = re.findall(r"(\d+(?:\.\d*)?|\.\d+)(h|ms|us|µs|ns|m|s)", duration)
    if not parts or "".join(n + u for n, u in parts) != duration.lstrip("+"):
        raise ScheduleError(f'failed to parse duration {text}: time: invalid duration "{duration}"')
    return sum(float(number) * _UNITS_S[unit] for number, unit in parts)


def _field(text: str, least: int, most: int, names: dict[str, int]) -> frozenset[int]:
    found: set[int] = set()
    for part in text.split(","):
        if part:
            found.update(_range(part, least, most, names))
    return frozenset(found)


def _range(text: str, least: int, most: int, names: dict[str, int]) -> range:
    body, *steps = text.split("/")
    low_text, *ends = body.split("-")
    if low_text in ("*", "?"):
        low, high = least, most
    else:
        low = high = _number(low_text, names)
        if len(ends) == 1:
            high = _number(ends[0], names)
        elif ends:
            raise ScheduleError(f"too many hyphens: {text}")
    if len(steps) > 1:
        raise ScheduleError(f"too many slashes: {text}")
    step = _number(steps[0], {}) if steps else 1
    if steps and not ends and low_text not in ("*", "?"):
        high = most
    if low < least:
        raise ScheduleError(f"beginning of range ({low}) below minimum ({least}): {text}")
    if high > most:
        raise ScheduleError(f"end of range ({high}) above maximum ({most}): {text}")
    if low > high:
        raise ScheduleError(f"beginning of range ({low}) beyond end of range ({high}): {text}")
    if step == 0:
        raise ScheduleError(f"step of range should be a positive number: {text}")
    return range(low, high + 1, step)


#: Of the longest numbers that Go reads.
_INT64_CHARS = 20


def _number(text: str, names: dict[str, int]) -> int:
    if text.lower() in names:
        return names[text.lower()]
    if not re.fullmatch("[+-]?[0-9]+", text):
        raise ScheduleError(f'failed to parse int from {text}: strconv.Atoi: parsing "{text}": invalid syntax')
    if len(text) > _INT64_CHARS:
        raise ScheduleError(f'failed to parse int from {text}: strconv.Atoi: parsing "{text}": value out of range')
    number = int(text)
    if number < 0:
        raise ScheduleError(f"negative number ({number}) not allowed: {text}")
    return number
