"""What a function gave before, by its argument; as `functools.lru_cache`, which takes `collections` along when it is loaded."""

from corral.base.annotations import Callable, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Memo(dict[K, V]):
    """The values of `find` for at most `most` arguments: `memo[argument]`. When there are too many, it begins anew."""

    __slots__ = ("_find", "_most")

    def __init__(self, most: int, find: Callable[[K], V]) -> None:
        super().__init__()
        self._most = most
        self._find = find

    def __missing__(self, argument: K) -> V:
        if len(self) >= self._most:
            self.clear()
        found = self[argument] = self._find(argument)
        return found
