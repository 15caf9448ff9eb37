"""Asks node agents what is used, when somebody wants to know: each at most once in a while, whoever asks.

A rate takes two samples. Where there is no recent one, the agent is asked twice, a second apart: the first answer after a pause
takes that long; while somebody asks regularly (an autoscaler, `watch kubectl top`), every answer is there at once.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable

from aiohttp import ClientError, ClientTimeout
from msgspec import Struct

from corral.api.errors import ApiError
from corral.base.clock import Clock
from corral.server.answers import read_up_to
from corral.server.nodes import Nodes
from corral.server.resourcemetrics.samples import ContainerKey, Sample, Usage, between, read
from corral.server.streams.relay import Relay

log = logging.getLogger(__name__)

#: A sample this young is the answer.
FRESH_S = 10.0
#: One that is older than this says nothing about now.
STALE_S = 120.0
#: Between two samples where there was none to compare with.
PAUSE_S = 1.0
AT_ONCE = 32
TIMEOUT_S = 10.0
#: A summary of some thousand containers is shorter.
LIMIT_BYTES = 32 * 1024 * 1024

#: The agent's present sample. Raises OSError or ValueError where there is none to be had.
Ask = Callable[[str], Awaitable[Sample]]


class _Pair(Struct, frozen=True):
    before: Sample
    after: Sample
    #: When the second was taken, by the server's clock: a node's own may be wrong.
    taken_s: float


async def fetch(nodes: Nodes, relay: Relay, node: str, *, timeout_s: float = TIMEOUT_S) -> Sample:
    """The present sample of a node's agent. Raises OSError, ValueError, TimeoutError."""
    try:
        agent = nodes.agent(node)
        url = f"{agent.url}/stats/summary"
        timeout = ClientTimeout(total=timeout_s)
        async with relay.session.get(url, ssl=agent.tls, timeout=timeout, allow_redirects=False) as answer:
            if answer.status != 200:
                raise ValueError(f"{url} answers {answer.status}")
            text = await read_up_to(answer, LIMIT_BYTES)
            if len(text) > LIMIT_BYTES:
                raise ValueError(f"{url} answers more than {LIMIT_BYTES} bytes")
            return read(text)
    except (ApiError, ClientError) as error:
        raise OSError(str(error)) from error


class Scraper:
    """The newest two samples of each node that was asked about."""

    def __init__(self, ask: Ask, clock: Clock) -> None:
        self._ask = ask
        self._clock = clock
        self._pairs: dict[str, _Pair] = {}
        self._asking: dict[str, asyncio.Task[None]] = {}
        self._turns = asyncio.Semaphore(AT_ONCE)

    async def look(self, nodes: Iterable[str]) -> None:
        """Have fresh samples of these nodes, as far as their agents answer."""
        due = [node for node in nodes if not self._is_fresh(node)]
        if due:
            self._pairs = {node: pair for node, pair in self._pairs.items() if self._is_recent(pair)}
            await asyncio.gather(*(asyncio.shield(self._task(node)) for node in due))

    def node(self, node: str) -> Usage | None:
        """What a node uses; None where it is not known."""
        pair = self._recent(node)
        return None if pair is None else between(pair.before.node, pair.after.node)

    def container(self, node: str, key: ContainerKey) -> Usage | None:
        """What a container on a node uses; None where it is not known."""
        pair = self._recent(node)
        return None if pair is None else between(pair.before.containers.get(key), pair.after.containers.get(key))

    def _task(self, node: str) -> "asyncio.Task[None]":
        """The one look at a node that all who ask now share."""
        task = self._asking.get(node)
        if task is None:
            task = self._asking[node] = asyncio.create_task(self._look(node), name=f"usage of {node}")
            task.add_done_callback(lambda _: self._asking.pop(node, None))
        return task

    async def _look(self, node: str) -> None:
        async with self._turns:
            try:
                after = await self._ask(node)
                known = self._pairs.get(node)
                before = known.after if known is not None and after.at_s - known.after.at_s <= STALE_S else None
                if before is None:
                    before = after
                    await self._clock.sleep(PAUSE_S)
                    after = await self._ask(node)
            except (OSError, ValueError, TimeoutError) as error:
                log.debug("usage of node %s: %s", node, error)
                return
            self._pairs[node] = _Pair(before, after, self._clock.now())

    def _is_fresh(self, node: str) -> bool:
        pair = self._pairs.get(node)
        return pair is not None and self._clock.now() - pair.taken_s < FRESH_S

    def _recent(self, node: str) -> _Pair | None:
        pair = self._pairs.get(node)
        return pair if pair is not None and self._is_recent(pair) else None

    def _is_recent(self, pair: _Pair) -> bool:
        return self._clock.now() - pair.taken_s <= STALE_S
