"""Collections as they are now, for a command that waits: each is listed, then watched, by a thread of its own.

    with Followed(api, {"pods": Collection("/api/v1/pods")}) as followed:
        while not enough(followed.get("pods", "default", "web")):
            followed.wait(10.0)

Long-running parts have `client.informer`, which does the same in an event loop.
"""

import threading
from queue import Empty, SimpleQueue

from corral.api.errors import ApiError
from corral.base.annotations import TYPE_CHECKING, Any, Iterator, Mapping, NamedTuple
from corral.client.blocking import Api, Watch

if TYPE_CHECKING:
    from corral.api.objects import Object

RETRY_FIRST_S = 0.05
RETRY_MAX_S = 5.0
_FAULT = "FAULT"


class Collection(NamedTuple):
    """What is followed: the objects at a path, of one name only where that is not ""."""

    path: str
    name: str = ""

    @property
    def query(self) -> dict[str, str]:
        """What chooses them."""
        return {"fieldSelector": f"metadata.name={self.name}"} if self.name else {}


class Followed:
    """Live copies of some collections by a key of the caller's."""

    def __init__(self, api: Api, collections: Mapping[Any, Collection]) -> None:
        self._api = api
        self._collections = collections
        #: (key, type, objects); what is listed has the type "", what cannot be listed is a fault.
        self._changes: SimpleQueue[tuple[Any, str, list[Object]]] = SimpleQueue()
        self._copies: dict[Any, dict[tuple[str, str], Object]] = {}
        self._faults: dict[Any, Exception] = {}
        self._stopped = threading.Event()
        self._lock = threading.Lock()
        self._watches: set[Watch] = set()

    def __enter__(self) -> "Followed":
        for key, collection in self._collections.items():
            threading.Thread(target=self._follow, args=(key, collection), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        with self._lock:
            for watch in self._watches:
                watch.stop()

    def is_known(self, key: Any) -> bool:
        """Whether a collection has been listed."""
        return key in self._copies

    def get(self, key: Any, namespace: str, name: str) -> "Object | None":
        """An object as it is now; None where there is none."""
        return self._copies.get(key, {}).get((namespace, name))

    def fault(self, key: Any) -> Exception | None:
        """Why a collection has not been listed yet, or is not watched at the moment."""
        return self._faults.get(key)

    def wait(self, timeout_s: float) -> None:
        """Return when something has changed, or when the time is up."""
        try:
            change = self._changes.get(timeout=max(timeout_s, 0.0))
            while True:
                self._apply(*change)
                change = self._changes.get_nowait()
        except Empty:
            return

    def _apply(self, key: Any, type_: str, objects: "list[Object]") -> None:
        if type_ == _FAULT:
            return  # It is known already.
        copy = self._copies.setdefault(key, {})
        if not type_:
            copy.clear()
        for obj in objects:
            place = obj["metadata"].get("namespace", ""), obj["metadata"]["name"]
            if type_ == "DELETED":
                copy.pop(place, None)
            else:
                copy[place] = obj

    def _follow(self, key: Any, collection: Collection) -> None:
        delay_s = RETRY_FIRST_S
        while not self._stopped.is_set():
            try:
                objects, revision = self._api.list(collection.path, collection.query)
                self._faults.pop(key, None)
                self._changes.put((key, "", objects))
                while not self._stopped.is_set():
                    for type_, obj in self._watched(collection, revision):
                        revision = obj["metadata"]["resourceVersion"]
                        delay_s = RETRY_FIRST_S
                        if type_ != "BOOKMARK":
                            self._changes.put((key, type_, [obj]))
                    self._stopped.wait(delay_s)
            except (ApiError, OSError, ValueError, KeyError) as error:
                # It is listed again: whoever waits has a time that is up at some point.
                self._faults[key] = error
                self._changes.put((key, _FAULT, []))
            self._stopped.wait(delay_s)
            delay_s = min(2 * delay_s, RETRY_MAX_S)

    def _watched(self, collection: Collection, revision: str) -> "Iterator[tuple[str, Object]]":
        watch = self._api.watch(collection.path, collection.query, revision)
        with self._lock:
            self._watches.add(watch)
            if self._stopped.is_set():
                watch.stop()
        try:
            yield from watch
        finally:
            with self._lock:
                self._watches.discard(watch)
