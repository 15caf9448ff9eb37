"""Checks histories of calls and of a watch: is there one order of all writes that explains everything that clients saw?

The revisions that the server gives are that order, if it is right: so nothing has to be searched for. Times are seconds of one
clock. The model of an object is a register with compare-and-swap (see "Linearizability", Herlihy and Wing 1990).
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import inf


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a client.

    `kind` is create, update, delete or get. `expected` is the revision that an update or delete named. `outcome` is ok, absent
    (404), exists (409 of a create), conflict (409 of the others) or unknown (the server was killed meanwhile). `revision` and
    `value` are what a good answer said; `value` of a write that failed is what it would have written.
    """

    kind: str
    name: str
    began_s: float
    ended_s: float
    outcome: str
    expected: int = 0
    revision: int = 0
    value: str = ""


@dataclass(frozen=True, slots=True)
class Event:
    """One event of a watch: ADDED, MODIFIED or DELETED; or GAP, where the watch was told to list again (410).

    Then `items` (name → revision, value) is the list at `revision`; what was missed happened between `began_s` and `ended_s`.
    """

    type: str
    name: str
    revision: int
    value: str
    items: "dict[str, tuple[int, str]] | None" = None
    began_s: float = 0.0
    ended_s: float = 0.0


@dataclass(slots=True)
class State:
    """What an object was from `revision` on; absent if `value` is None.

    Times: when the write that made it could begin to count, and when it certainly did; and of the write that ended it.
    """

    revision: int
    value: str | None
    possible_s: float = -inf
    certain_s: float = -inf
    over_possible_s: float = inf
    over_certain_s: float = inf
    #: In a gap: any state explains any call.
    unknown: bool = False


def check_watch(events: Sequence[Event], calls: Sequence[Call]) -> Iterator[str]:
    """What is wrong with the events: order, repetition, what was acknowledged and is missing, what nobody wrote."""
    last = 0
    present: dict[str, str] = {}
    missed: list[tuple[int, int]] = []
    for event in events:
        if event.revision <= last and event.type != "GAP":
            yield f"{event} came after revision {last}"
        if event.items is not None:
            missed.append((last, event.revision))
            present = {name: value for name, (_, value) in event.items.items()}
            last = max(last, event.revision)
            continue
        last = event.revision
        if (event.type == "ADDED") == (event.name in present):
            yield f"{event}: the object was {'there' if event.name in present else 'not there'}"
        if event.type == "DELETED":
            if present.pop(event.name, None) != event.value:
                yield f"{event}: what was deleted is not what was there"
        else:
            present[event.name] = event.value
    by_revision = {event.revision: event for event in events if event.items is None}
    attempts = {(call.name, call.value) for call in calls if call.kind in ("create", "update")}
    for call in calls:
        if call.kind in ("create", "update") and call.outcome == "ok":
            seen = by_revision.get(call.revision)
            if seen is None and any(after < call.revision <= until for after, until in missed):
                continue
            if seen is None or (seen.name, seen.value) != (call.name, call.value):
                yield f"{call} was acknowledged; the watch saw {seen}"
    for event in events:
        if event.type not in ("DELETED", "GAP") and (event.name, event.value) not in attempts:
            yield f"{event}: nobody wrote that"


def check_calls(events: Sequence[Event], calls: Sequence[Call]) -> Iterator[str]:
    """What clients saw that no order of the writes explains."""
    times = _times(events, calls)
    states = _states(events, times)
    yield from _check_order(calls)
    for call in calls:
        timeline = states.get(call.name, [State(0, None)])
        if call.outcome == "unknown":
            continue
        if call.kind in ("update", "delete") and call.outcome == "ok":
            made = _made_by(call, timeline)
            if made is None and not any(state.unknown and _overlaps(state, call) for state in timeline):
                yield f"{call} was acknowledged, and no state follows from it"
            elif made is not None and made and not timeline[made - 1].unknown and timeline[made - 1].revision != call.expected:
                yield f"{call} replaced revision {timeline[made - 1].revision}, not {call.expected}"
        elif not any(_explains(state, call) for state in timeline if _overlaps(state, call)):
            yield f"{call}: no state of that time explains it: {[s for s in timeline if _overlaps(s, call)]}"


def check_list(events: Sequence[Event], revision: int, items: dict[str, tuple[int, str]]) -> Iterator[str]:
    """Whether a list at `revision` (name → revision, value) is what the events up to then make."""
    there: dict[str, tuple[int, str]] = {}
    last = 0
    for event in events:
        if event.items is not None and last < revision < event.revision:
            return  # nobody knows
        if event.revision > revision:
            break
        last = event.revision
        if event.items is not None:
            there = dict(event.items)
            continue
        if event.type == "DELETED":
            there.pop(event.name, None)
        else:
            there[event.name] = (event.revision, event.value)
    if there != items:
        yield f"a list at {revision} shows {items}, the events make {there}"


def _check_order(calls: Sequence[Call]) -> Iterator[str]:
    """A write that began after another had ended has a higher revision."""
    writes = sorted((c for c in calls if c.outcome == "ok" and c.kind in ("create", "update")), key=lambda c: c.ended_s)
    ends = [call.ended_s for call in writes]
    highest: list[int] = []
    for call in writes:
        highest.append(max(call.revision, highest[-1] if highest else 0))
    for call in writes:
        before = bisect_right(ends, call.began_s)
        if before and highest[before - 1] >= call.revision:
            yield f"{call} began after a write with revision {highest[before - 1]} had ended"


def _times(events: Sequence[Event], calls: Sequence[Call]) -> dict[int, tuple[float, float]]:
    """Revision → when the write that made it began, and when it was acknowledged (inf: never)."""
    by_value = {(c.name, c.value): c for c in calls if c.kind in ("create", "update")}
    deletes: dict[tuple[str, int], list[Call]] = {}
    for call in calls:
        if call.kind == "delete" and call.outcome in ("ok", "unknown"):
            deletes.setdefault((call.name, call.expected), []).append(call)
    former: dict[str, int] = {}
    found: dict[int, tuple[float, float]] = {}
    for event in events:
        if event.type == "DELETED":
            tried = deletes.get((event.name, former.get(event.name, 0)), [])
            began_s = min((call.began_s for call in tried), default=-inf)
            ended_s = min((call.ended_s for call in tried if call.outcome == "ok"), default=inf)
            found[event.revision] = began_s, ended_s
        else:
            call_or_none = by_value.get((event.name, event.value))
            if call_or_none is not None:
                known = call_or_none.outcome == "ok"
                found[event.revision] = call_or_none.began_s, call_or_none.ended_s if known else inf
        former[event.name] = event.revision
    return found


def _states(events: Sequence[Event], times: dict[int, tuple[float, float]]) -> dict[str, list[State]]:
    states: dict[str, list[State]] = {}
    for event in events:
        if event.items is not None:
            for name in {*states, *event.items}:
                _skip(states.setdefault(name, [State(0, None)]), event, event.items.get(name))
            continue
        timeline = states.setdefault(event.name, [State(0, None)])
        possible_s, certain_s = times.get(event.revision, (-inf, inf))
        timeline[-1].over_possible_s, timeline[-1].over_certain_s = possible_s, certain_s
        value = None if event.type == "DELETED" else event.value
        timeline.append(State(event.revision, value, possible_s, certain_s))
    return states


def _skip(timeline: list[State], gap: Event, now: tuple[int, str] | None) -> None:
    timeline[-1].over_possible_s, timeline[-1].over_certain_s = gap.began_s, gap.ended_s
    between = State(-1, None, gap.began_s, gap.began_s, gap.began_s, gap.ended_s, unknown=True)
    revision, value = now or (0, None)
    timeline += [between, State(revision, value, gap.began_s, gap.ended_s)]


def _made_by(call: Call, timeline: Sequence[State]) -> int | None:
    for i, state in enumerate(timeline):
        if call.kind == "update" and state.revision == call.revision:
            return i
        if call.kind == "delete" and state.value is None and i and timeline[i - 1].revision == call.expected:
            return i
    return None


def _overlaps(state: State, call: Call) -> bool:
    """Whether the object may have been so at some moment of the call."""
    return state.possible_s <= call.ended_s and state.over_certain_s >= call.began_s


def _explains(state: State, call: Call) -> bool:
    if state.unknown:
        return True
    match call.kind, call.outcome:
        case "get", "ok":
            return (state.revision, state.value) == (call.revision, call.value)
        case "create", "ok":
            return state.revision == call.revision
        case (_, "absent"):
            return state.value is None
        case "create", "exists":
            return state.value is not None
        case (_, "conflict"):
            return state.revision != call.expected
    return False
