"""How many random inputs a test of a property tries that wants another number of them than is usual."""

from hypothesis import settings

USUAL = 100


def examples(count: int) -> settings:
    """A decorator: `count` inputs; in the profile `quick` as many times fewer as it has fewer than usual."""
    return settings(max_examples=max(1, count * settings().max_examples // USUAL))
