"""Shuffle sharding: each flow has a few queues of many, so that one that floods its own leaves the others some of theirs.

https://kubernetes.io/docs/concepts/cluster-administration/flow-control/#defining-flows
"""

import hashlib


def hand(flow: str, deck_size: int, hand_size: int) -> list[int]:
    """The queues of a flow: `hand_size` different numbers below `deck_size`, always the same for the same flow."""
    left = int.from_bytes(hashlib.blake2b(flow.encode("utf-8", "surrogateescape"), digest_size=16).digest(), "big")
    dealt: list[int] = []
    for i in range(min(hand_size, deck_size)):
        left, card = divmod(left, deck_size - i)
        for taken in sorted(dealt):  # The card-th of those that are not dealt yet.
            card += taken <= card
        dealt.append(card)
    return dealt
