"""What the long-running processes have in common: an event loop, a log, and an orderly end on SIGTERM."""

import asyncio
import contextlib
import gc
import logging
import signal
import sys
import time
from collections.abc import Awaitable, Callable

import uvloop

from corral.base.errors import CorralError
from corral.base.processes import say_failed, say_ready
from corral.cli.layout import Home

LOG_FORMAT = "%(asctime)s.%(msecs)03dZ %(levelname)s %(name)s: %(message)s"
LOG_TIME = "%Y-%m-%dT%H:%M:%S"
#: Collect young garbage seldom: requests make many short-lived dicts, and few cycles.
GC_THRESHOLDS = (50_000, 20, 50)


def run(main: Callable[[asyncio.Event], Awaitable[None]]) -> None:
    """Run `main(stop)` to its end; `stop` is set by SIGTERM or SIGINT. Exits with 1 and one line for a CorralError."""
    logging.Formatter.converter = time.gmtime
    logging.basicConfig(level=logging.INFO, format=LOG_FORMAT, datefmt=LOG_TIME, stream=sys.stderr)
    gc.freeze()  # What was imported stays.
    gc.set_threshold(*GC_THRESHOLDS)
    gc.enable()
    try:
        uvloop.run(_run(main))
    except CorralError as error:
        say_failed(error.message, error.remedy)
        logging.getLogger("corral").error("%s%s", error.message, f" → {error.remedy}" if error.remedy else "")
        sys.exit(1)


def tell_ready(home: Home, component: str) -> None:
    """Say that this component is ready: to the `up` that started it, and to later ones."""
    with contextlib.suppress(OSError):  # A full disk keeps no cluster from working.
        home.ready_file(component).touch()
    say_ready()


async def _run(main: Callable[[asyncio.Event], Awaitable[None]]) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await main(stop)
