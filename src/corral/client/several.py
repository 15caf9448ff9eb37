"""Doing several things with the API: in turn where it is near, at once where each answer takes its time.

To a server on the same machine a second connection costs more than an answer; to one that is far away waiting costs more.
"""

import time

from corral.base.annotations import Any, Callable, Sequence

#: An answer that took longer came from afar.
FAR_S = 0.02
AT_ONCE = 16


def each(act: Callable[[Any], Any], items: Sequence[Any], monotonic: Callable[[], float] = time.monotonic) -> list[Any]:
    """What `act` returns for each item, in their order. All are done; then the first error is raised."""
    outcomes = []
    for at, item in enumerate(items):
        began_s = monotonic()
        outcomes.append(_outcome(act, item))
        if monotonic() - began_s > FAR_S and at + 2 < len(items):
            outcomes += _at_once(act, items[at + 1 :])
            break
    for _, error in outcomes:
        if error is not None:
            raise error
    return [value for value, _ in outcomes]


def _outcome(act: Callable[[Any], Any], item: Any) -> tuple[Any, Exception | None]:
    try:
        return act(item), None
    except Exception as error:
        return None, error


def _at_once(act: Callable[[Any], Any], items: Sequence[Any]) -> list[tuple[Any, Exception | None]]:
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(lambda item: _outcome(act, item), items))
