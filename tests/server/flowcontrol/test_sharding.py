"""Which queues a flow has."""

from collections import Counter

from corral.server.flowcontrol.sharding import hand


def test_a_hand_is_always_the_same_and_has_no_queue_twice():
    for i in range(500):
        dealt = hand(f"flow {i}", 16, 4)
        assert dealt == hand(f"flow {i}", 16, 4)
        assert len(set(dealt)) == 4
        assert set(dealt) <= set(range(16))


def test_all_queues_are_dealt_alike():
    counts = Counter(card for i in range(4000) for card in hand(f"flow {i}", 8, 2))
    assert set(counts) == set(range(8))
    assert max(counts.values()) < 1.25 * min(counts.values())


def test_few_share_all_their_queues_with_one_who_floods_his():
    loud = set(hand("loud", 128, 6))
    assert sum(set(hand(f"flow {i}", 128, 6)) <= loud for i in range(2000)) == 0


def test_a_hand_is_not_larger_than_the_deck():
    assert sorted(hand("x", 3, 8)) == [0, 1, 2]
