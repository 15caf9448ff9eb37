"""A Job's policies on failed pods (KEP-3329) and on success (KEP-3998)."""

import contextlib

from corral.api import names
from corral.api.fields import Errors, Path
from corral.api.kinds.workload import NEGATIVE
from corral.api.objects import Object

ACTIONS = ("Count", "FailIndex", "FailJob", "Ignore")
STATUSES = ("False", "True", "Unknown")
MAX_RULES = 20
MAX_PATTERNS = 20
MAX_EXIT_CODES = 255
INDEXES_MAX_BYTES = 64 * 1024


def check_failure_policy(errs: Errors, spec: Object, path: Path) -> None:
    """`podFailurePolicy` of the job's spec."""
    rules, pods = spec["podFailurePolicy"].get("rules") or [], (spec.get("template") or {}).get("spec") or {}
    if len(rules) > MAX_RULES:
        errs.too_many(path.child("rules"), len(rules), MAX_RULES)
    known = {c.get("name") for kind in ("containers", "initContainers") for c in pods.get(kind) or ()}
    for i, rule in enumerate(rules):
        at = path.child("rules").at(i)
        action, codes, patterns = rule.get("action", ""), rule.get("onExitCodes"), rule.get("onPodConditions") or []
        if not action:
            errs.required(at.child("action"), f"valid values: {_quoted(ACTIONS)}")
        elif action not in ACTIONS:
            errs.unsupported(at.child("action"), action, ACTIONS)
        elif action == "FailIndex" and spec.get("backoffLimitPerIndex") is None:
            errs.invalid(at.child("action"), action, "requires the backoffLimitPerIndex to be set")
        if codes is not None:
            _check_exit_codes(errs, codes, known, at.child("onExitCodes"))
        if patterns:
            _check_conditions(errs, patterns, at.child("onPodConditions"))
        if codes is not None and patterns:
            errs.invalid_here(at, "specifying both OnExitCodes and OnPodConditions is not supported")
        if codes is None and not patterns:
            errs.invalid_here(at, "specifying one of OnExitCodes and OnPodConditions is required")


def check_success_policy(errs: Errors, spec: Object, path: Path) -> None:
    """`successPolicy` of an indexed job's spec."""
    rules, completions = spec["successPolicy"].get("rules") or [], spec.get("completions") or 0
    at = path.child("rules")
    if not rules:
        errs.required(at, "at least one rules must be specified when the successPolicy is specified")
    if len(rules) > MAX_RULES:
        errs.too_many(at, len(rules), MAX_RULES)
    for i, rule in enumerate(rules):
        count, indexes = rule.get("succeededCount"), rule.get("succeededIndexes")
        if count is None and indexes is None:
            errs.required(at.at(i), "at least one of succeededCount or succeededIndexes must be specified")
        total = 0
        if indexes is not None:
            field = at.at(i).child("succeededIndexes")
            if len(indexes) > INDEXES_MAX_BYTES:
                errs.too_long(field, INDEXES_MAX_BYTES)
            try:
                total = count_indexes(indexes, completions)
            except ValueError as error:
                errs.invalid(field, indexes, f"error parsing succeededIndexes: {error}")
        if count is not None:
            _check_count(errs, count, completions, total if indexes is not None else None, at.at(i).child("succeededCount"))


def count_indexes(text: str, completions: int) -> int:
    """How many indexes `1,3-5,7` holds. Raises ValueError where the text is not in order or goes beyond `completions`."""
    total, last = 0, -1
    for interval in text.split(",") if text else ():
        low, high = _bounds(interval, completions)
        if last >= low:
            raise ValueError(f"non-increasing order, previous: {last}, current: {low}")
        total += high - low + 1
        last = high
    return total


def first_overlap(one: str, other: str, completions: int) -> int | None:
    """The first index that is in both texts, of which parts that cannot be read do not count."""
    here, there = _readable(one, completions), _readable(other, completions)
    while here and there:
        (low, high), (other_low, other_high) = here[-1], there[-1]
        if low <= other_high and other_low <= high:
            return max(low, other_low)
        (here if low <= other_low else there).pop()
    return None


def _readable(text: str, completions: int) -> list[tuple[int, int]]:
    """The intervals, the first at the end."""
    found = []
    for interval in reversed(text.split(",")) if text else ():
        with contextlib.suppress(ValueError):
            found.append(_bounds(interval, completions))
    return found


def _bounds(interval: str, completions: int) -> tuple[int, int]:
    first, dash, end = interval.partition("-")
    if "-" in end:
        raise ValueError(
            f'the fragment "{interval}" violates the requirement that an index interval can have at most two'
            " parts separated by '-'"
        )
    low = _index(first, completions)
    high = _index(end, completions) if dash else low
    if dash and low >= high:
        raise ValueError(f"non-increasing order, previous: {low}, current: {high}")
    return low, high


def _index(text: str, completions: int) -> int:
    if not (text.isascii() and text.isdigit()):
        raise ValueError(f'cannot convert string to integer for index: "{text}"')
    if int(text) >= completions:
        raise ValueError(f'too large index: "{text}"')
    return int(text)


def _quoted(values: tuple[str, ...]) -> str:
    return "[" + " ".join(f'"{v}"' for v in values) + "]"


def _check_count(errs: Errors, count: int, completions: int, indexes: int | None, path: Path) -> None:
    if count < 0:
        errs.invalid(path, count, NEGATIVE)
    if count > completions:
        errs.invalid(path, count, f"must be less than or equal to {completions} (the number of specified completions)")
    if indexes is not None and count > indexes:
        why = f"must be less than or equal to {indexes} (the number of indexes in the specified succeededIndexes field)"
        errs.invalid(path, count, why)


def _check_exit_codes(errs: Errors, codes: Object, known: set[str | None], path: Path) -> None:
    operator, values = codes.get("operator", ""), codes.get("values") or []
    if not operator:
        errs.required(path.child("operator"), f"valid values: {_quoted(('In', 'NotIn'))}")
    elif operator not in ("In", "NotIn"):
        errs.unsupported(path.child("operator"), operator, ("In", "NotIn"))
    container = codes.get("containerName")
    if container is not None and container not in known:
        why = "must be one of the container or initContainer names in the pod template"
        errs.invalid(path.child("containerName"), container, why)
    at = path.child("values")
    if not values:
        errs.invalid(at, codes.get("values"), "at least one value is required")
    elif len(values) > MAX_EXIT_CODES:
        errs.too_many(at, len(values), MAX_EXIT_CODES)
    for i, value in enumerate(values):
        if operator == "In" and value == 0:
            errs.invalid(at.at(i), value, "must not be 0 for the In operator")
        if value in values[:i]:
            errs.duplicate(at.at(i), value)
    if values != sorted(values):
        errs.invalid(at, values, "must be ordered")


def _check_conditions(errs: Errors, patterns: list[Object], path: Path) -> None:
    if len(patterns) > MAX_PATTERNS:
        errs.too_many(path, len(patterns), MAX_PATTERNS)
    for i, pattern in enumerate(patterns):
        kind, status = pattern.get("type", ""), pattern.get("status", "")
        errs.each(path.at(i).child("type"), kind, names.qualified_name(kind))
        if not status:
            errs.required(path.at(i).child("status"), f"valid values: {_quoted(STATUSES)}")
        elif status not in STATUSES:
            errs.unsupported(path.at(i).child("status"), status, STATUSES)
