"""Who of a priority level works, who waits, and what levels lend each other."""

import asyncio

import pytest

from corral.server.flowcontrol.level import Level, Pool, Ticket

QUEUE = {"type": "Queue", "queuing": {"queues": 8, "handSize": 2, "queueLengthLimit": 3}}


def limited(shares: int, lendable: int = 0, response: dict = QUEUE, **more: object) -> dict:
    settings = {"nominalConcurrencyShares": shares, "lendablePercent": lendable, "limitResponse": response, **more}
    return {"type": "Limited", "limited": settings}


def levels(total: int = 10, **specs: dict) -> list[Level]:
    pool = Pool(lambda step: step())
    pool.levels = [Level(name, pool) for name in specs]
    for level in pool.levels:
        level.configure(specs[level.name])
    pool.share(specs, total)
    return pool.levels


def run(story) -> None:
    async def told() -> None:
        story()

    asyncio.run(told())


def ask(level: Level, flow: str = "f", seats: int = 1) -> tuple[Ticket, str]:
    ticket = Ticket(level, seats, flow=flow)
    return ticket, "" if level.admit(ticket) else level.queue(ticket)


def test_who_finds_no_seat_waits_and_works_when_one_is_given_back():
    def story():
        (one,) = levels(2, one=limited(10))
        tickets = [ask(one)[0] for _ in range(4)]
        assert [ticket.admitted for ticket in tickets] == [True, True, False, False]
        tickets[0].release()
        assert [ticket.admitted for ticket in tickets[2:]] == [True, False]
        tickets[0].release()
        assert not tickets[3].admitted
        assert (one.used, one.working, len(one.queues)) == (2, 2, 1)

    run(story)


def test_a_level_that_rejects_lets_nobody_wait():
    def story():
        (one,) = levels(1, one=limited(10, response={"type": "Reject"}))
        assert [ask(one)[1] for _ in range(2)] == ["", "concurrency-limit"]

    run(story)


def test_queues_have_an_end_and_a_flow_fills_only_its_own():
    def story():
        (one,) = levels(1, one=limited(10))
        assert [ask(one, "loud")[1] for _ in range(9)] == ["", *[""] * 6, "queue-full", "queue-full"]
        assert ask(one, "quiet")[1] == ""

    run(story)


def test_a_quiet_flow_does_not_wait_for_a_loud_one_to_end():
    def story():
        (one,) = levels(1, one=limited(10))
        working, _ = ask(one, "loud")
        loud = [ask(one, "loud")[0] for _ in range(6)]
        quiet, _ = ask(one, "quiet")
        served = 0
        while not quiet.admitted:
            working.release()
            working = next(ticket for ticket in (*loud, quiet) if ticket.admitted and ticket.level is not None)
            served += working is not quiet
        assert served <= 3

    run(story)


def test_large_requests_count_for_more():
    def story():
        (one,) = levels(4, one=limited(10))
        assert ask(one, seats=3)[0].admitted
        large, _ = ask(one, "large", seats=3)
        small, _ = ask(one, "small")
        assert not large.admitted
        assert not small.admitted, "who came later does not pass by those who wait"

    run(story)


def test_one_larger_than_its_level_works_alone():
    def story():
        (one,) = levels(4, one=limited(10))
        huge, _ = ask(one, seats=100)
        assert huge.admitted
        other, _ = ask(one)
        assert not other.admitted
        huge.release()
        assert other.admitted
        assert one.used == 1

    run(story)


def test_a_level_borrows_what_another_lends_and_leaves_what_it_keeps():
    def story():
        loud, quiet = levels(10, loud=limited(10), quiet=limited(10, lendable=60))
        tickets = [ask(loud)[0] for _ in range(9)]
        assert sum(ticket.admitted for ticket in tickets) == 8
        assert [ask(quiet)[0].admitted for _ in range(3)] == [True, True, False]

    run(story)


def test_what_was_lent_goes_back_first_to_its_owner():
    def story():
        loud, quiet = levels(10, loud=limited(10), quiet=limited(10, lendable=60))
        working = [ask(loud)[0] for _ in range(8)]
        more = [ask(loud)[0] for _ in range(2)]
        owner = [ask(quiet)[0] for _ in range(5)]
        for ticket in working[:3]:
            ticket.release()
        assert all(ticket.admitted for ticket in owner)
        assert not any(ticket.admitted for ticket in more)

    run(story)


def test_borrowing_has_a_limit():
    def story():
        loud, _ = levels(10, loud=limited(10, borrowingLimitPercent=20), quiet=limited(10, lendable=100))
        assert sum(ask(loud)[0].admitted for _ in range(9)) == 6

    run(story)


def test_everything_that_was_taken_is_given_back():
    def story():
        both = levels(10, loud=limited(10, lendable=50), quiet=limited(10, lendable=50))
        tickets = [ask(level, str(i), 1 + i % 3)[0] for i in range(8) for level in both]
        for ticket in tickets:
            ticket.release()
        assert [(level.used, level.working, len(level.queues)) for level in both] == [(0, 0, 0)] * 2
        assert (both[0]._pool.used, both[0]._pool.waiting) == (0, 0)

    run(story)


@pytest.mark.parametrize("response", [QUEUE, {"type": "Reject"}])
def test_who_waits_when_the_queues_change_keeps_waiting_or_is_told(response):
    def story():
        (one,) = levels(1, one=limited(10))
        ask(one)
        waiting, _ = ask(one)
        changed = {**response, "queuing": {**QUEUE["queuing"], "queues": 4}} if "queuing" in response else response
        homeless = one.configure(limited(10, response=changed))
        assert (waiting in homeless) is ("queuing" not in response)

    run(story)
