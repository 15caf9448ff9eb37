"""When a container is asked how it is."""

import asyncio
import itertools

from corral.node.probes.prober import Prober
from corral.testing.clock import VirtualClock


def asked(spec, answers_from_s, until_s, kind="readinessProbe"):
    """When a container is asked, how often that is told, and whether it is ready in the end."""

    async def run():
        clock = VirtualClock()
        began_s = clock.now()
        times, told = [], []
        prober = Prober(None, clock, lambda: None)

        async def ask(id, probe, probed):
            times.append(round(clock.now() - began_s, 3))
            return clock.now() - began_s >= answers_from_s, "refused"

        prober._ask = ask
        container = {"name": "c", kind: {"httpGet": {}, **spec}}
        prober.watch(
            "id", container, ["10.0.0.1"], began_s, lambda *words: told.append(words), was_ready=False, was_started=False
        )
        await clock.advance(until_s)
        ready = prober.results["id"].readiness
        prober.close()
        return times, len(told), ready

    return asyncio.run(run())


def test_a_container_that_is_not_ready_is_asked_again_soon_then_less_often():
    times, told, ready = asked({}, 1.0, 9)
    assert times[:5] == [0, 0.1, 0.3, 0.7, 1.5]
    assert ready
    assert told == 1


def test_one_that_never_is_ends_up_at_its_period():
    times, told, ready = asked({"periodSeconds": 2}, 1e9, 10)
    assert [round(b - a, 1) for a, b in itertools.pairwise(times)] == [0.1, 0.2, 0.4, 0.8, 1.6, 2, 2, 2]
    assert not ready
    assert told == 4


def test_one_that_is_ready_is_asked_at_its_period():
    times, told, _ = asked({"periodSeconds": 3}, 0, 10)
    assert times == [0, 3, 6, 9]
    assert told == 0
