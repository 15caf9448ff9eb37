"""When node agents are asked, and what two of their answers say."""

import asyncio

import orjson
import pytest

from corral.base.clock import rfc3339_micro
from corral.server.resourcemetrics.samples import Reading, Sample, between, read
from corral.server.resourcemetrics.scraper import FRESH_S, STALE_S, Scraper
from corral.testing.clock import VirtualClock, settle

KEY = ("default", "web", "app")
SECOND_NS = 1_000_000_000


class Agents:
    """Each node's container works half of the time; `down` ones do not answer."""

    def __init__(self, clock: VirtualClock) -> None:
        self.clock = clock
        self.asked: list[str] = []
        self.down: set[str] = set()

    async def ask(self, node: str) -> Sample:
        self.asked.append(node)
        if node in self.down:
            raise OSError("connection refused")
        now_s = self.clock.now()
        return Sample(Reading(now_s, int(now_s * SECOND_NS), 1000), {KEY: Reading(now_s, int(now_s * SECOND_NS) // 2, 500)})


def run(story) -> None:
    async def told() -> None:
        clock = VirtualClock()
        agents = Agents(clock)
        await story(Scraper(agents.ask, clock), agents, clock)

    asyncio.run(told())


async def look(scraper: Scraper, clock: VirtualClock, *nodes: str) -> None:
    task = asyncio.ensure_future(scraper.look(nodes))
    await settle()
    for _ in range(3):
        if not task.done():
            await clock.advance(1)
            await settle()
    await task


def test_the_first_look_takes_two_samples_a_second_apart_and_later_ones_one():
    async def story(scraper, agents, clock):
        await look(scraper, clock, "n")
        assert agents.asked == ["n", "n"]
        used = scraper.container("n", KEY)
        assert (used.cpu_nanocores, used.window_s, used.memory_bytes) == (SECOND_NS // 2, 1.0, 500)
        assert scraper.node("n").cpu_nanocores == SECOND_NS
        await look(scraper, clock, "n")
        assert len(agents.asked) == 2
        await clock.advance(FRESH_S + 5)
        await look(scraper, clock, "n")
        assert len(agents.asked) == 3
        assert scraper.container("n", KEY).window_s == pytest.approx(FRESH_S + 5)

    run(story)


def test_all_who_ask_at_once_share_one_question():
    async def story(scraper, agents, clock):
        await asyncio.gather(look(scraper, clock, "n", "m"), look(scraper, clock, "n"))
        assert sorted(agents.asked) == ["m", "m", "n", "n"]

    run(story)


def test_what_is_too_old_says_nothing():
    async def story(scraper, agents, clock):
        await look(scraper, clock, "n")
        await clock.advance(STALE_S + 1)
        assert scraper.node("n") is None
        await look(scraper, clock, "n")
        assert scraper.node("n").window_s == 1.0

    run(story)


def test_an_agent_that_does_not_answer_costs_only_its_own_node():
    async def story(scraper, agents, clock):
        agents.down.add("m")
        await look(scraper, clock, "n", "m")
        assert scraper.node("n") is not None
        assert scraper.node("m") is None
        agents.down.clear()
        await look(scraper, clock, "m")
        assert scraper.node("m") is not None

    run(story)


def test_nodes_that_went_are_forgotten():
    async def story(scraper, agents, clock):
        await look(scraper, clock, "n", "m")
        await clock.advance(STALE_S + 1)
        await look(scraper, clock, "m")
        assert scraper._pairs.keys() == {"m"}
        assert scraper.node("n") is None
        assert scraper.node("m") is not None

    run(story)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (None, Reading(1, 10, 1)),
        (Reading(1, 10, 1), None),
        (Reading(1, 10, 1), Reading(1, 20, 1)),
        (Reading(1, 20, 1), Reading(2, 10, 1)),
    ],
)
def test_a_new_or_restarted_container_has_no_rate(before, after):
    assert between(before, after) is None


def test_an_agents_summary_is_read():
    def item(at_s: float, cpu_ns: int) -> dict:
        time = rfc3339_micro(at_s)
        return {"cpu": {"time": time, "usageCoreNanoSeconds": cpu_ns}, "memory": {"time": time, "workingSetBytes": 4096}}

    pod = {"podRef": {"namespace": "default", "name": "web", "uid": "u"}, "containers": [{"name": "app", **item(7.25, 5)}]}
    sample = read(orjson.dumps({"node": {"nodeName": "n", **item(8.5, 9)}, "pods": [pod]}))
    assert sample.at_s == 8.5
    assert sample.containers[KEY] == Reading(7.25, 5, 4096)


@pytest.mark.parametrize("text", [b"", b"{}", b"[]", b'{"node": {"cpu": 1}}', b'{"node": {}, "pods": [1]}'])
def test_what_is_no_summary_is_refused(text):
    with pytest.raises(ValueError, match=r"."):
        read(text)
