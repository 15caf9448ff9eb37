"""Waiting for what other processes do."""

import time
from collections.abc import Callable
from typing import Any

LOOK_EVERY_S = 0.02


def eventually(question: Callable[[], Any], timeout_s: float = 30, why: str = "") -> Any:
    """The first true answer to `question`, asked again until the time is up; `why`: what is said then."""
    deadline_s = time.monotonic() + timeout_s
    while not (answer := question()):
        assert time.monotonic() < deadline_s, why or f"still {answer!r} after {timeout_s} s"
        time.sleep(LOOK_EVERY_S)
    return answer
