import asyncio

from corral.node.gate import Gate


async def test_few_pass_at_a_time_and_the_lowest_rank_first():
    gate, order, inside, most = Gate(2), [], 0, 0

    async def work(name, rank):
        nonlocal inside, most
        async with gate.passing(rank):
            inside += 1
            most = max(most, inside)
            order.append(name)
            await asyncio.sleep(0)
            inside -= 1

    await asyncio.gather(work("a", 2), work("b", 2), work("c", 2), work("d", 0))
    assert most == 2
    assert order == ["a", "b", "d", "c"]


async def test_one_who_gives_up_takes_no_place():
    gate = Gate(1)
    async with gate.passing(0):
        waiting = asyncio.create_task(_pass(gate))
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
    async with asyncio.timeout(1):
        await _pass(gate)


async def _pass(gate):
    async with gate.passing(0):
        pass
