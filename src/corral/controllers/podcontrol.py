"""Makes and deletes pods for controllers: in growing batches, told by events, and never twice because an informer lags."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Literal

from msgspec import Struct, field

from corral.api.errors import ApiError
from corral.api.objects import Key, Object, key_of
from corral.client.client import Client
from corral.client.events import Recorder
from corral.client.informer import Informers
from corral.controllers.actions import Actor, namespace_terminating
from corral.controllers.claims import by_controller, orphans_of, plan_claims


class Failure(Struct, frozen=True):
    """A create or delete of a pod that was refused."""

    reason: Literal["FailedCreate", "FailedDelete"]
    error: Exception


class _Expected(Struct):
    """What was done and the informer has not shown yet: acting again before would do it twice."""

    revision: int = 0
    deleted: dict[Key, str] = field(default_factory=dict)


class PodControl:
    """The pods of the owners of one resource."""

    def __init__(self, client: Client, informers: Informers, recorder: Recorder, resource: str) -> None:
        self._client = client
        self._recorder = recorder
        self._resource = resource
        self._actor = Actor(client)
        self._expected: dict[str, _Expected] = {}
        self.pods = informers.get("pods", {"controller": by_controller})

    async def claim(self, owner: Object, matches: Callable[[Mapping[str, str]], bool]) -> list[Object]:
        """The owner's pods, after adopting and releasing."""
        meta = owner["metadata"]
        candidates = [
            *self.pods.indexed("controller", meta["uid"]),
            *self.pods.indexed("controller", orphans_of(meta["namespace"])),
        ]
        claims = plan_claims(owner, "pods", candidates, matches)
        if claims.adopted:
            # The informer may lag: adopting for an owner that is being deleted would undo the garbage collector's work.
            live = await self._client.get(self._resource, meta["name"], meta["namespace"])
            if live["metadata"]["uid"] != meta["uid"] or live["metadata"].get("deletionTimestamp"):
                return claims.owned
        await self._actor.act(claims.actions)
        return claims.owned + claims.adopted

    def caught_up(self, uid: str) -> bool:
        """Whether the informer shows all that was done for the owner `uid`; if not, its events will bring the owner back."""
        expected = self._expected.get(uid)
        if expected is None:
            return True
        for key, pod_uid in list(expected.deleted.items()):
            pod = self.pods.get(*key)
            if pod is None or pod["metadata"]["uid"] != pod_uid or pod["metadata"].get("deletionTimestamp"):
                del expected.deleted[key]
        if expected.deleted or self.pods.revision < expected.revision:
            return False
        del self._expected[uid]
        return True

    def forget(self, uid: str) -> None:
        """The owner is gone."""
        self._expected.pop(uid, None)

    async def create(self, owner: Object, pods: Sequence[Object]) -> Failure | None:
        """Make pods in batches of 1, 2, 4, ...: what refuses them all is found out by one request."""
        start, size = 0, 1
        while start < len(pods):
            batch = pods[start : start + size]
            results = await asyncio.gather(*(self._client.create("pods", pod) for pod in batch), return_exceptions=True)
            errors = []
            for result in results:
                if isinstance(result, BaseException):
                    errors.append(result)
                else:
                    expected = self._expect(owner)
                    expected.revision = max(expected.revision, int(result["metadata"]["resourceVersion"]))
                    self._note(owner, "Normal", "SuccessfulCreate", f"Created pod: {result['metadata']['name']}")
            if errors:
                return self._failed(owner, "FailedCreate", "creating", errors)
            start += size
            size *= 2
        return None

    async def delete(self, owner: Object, pods: Sequence[Object]) -> Failure | None:
        """Delete pods, all at once; one that is gone already is no failure."""

        async def delete(pod: Object) -> None:
            meta = pod["metadata"]
            try:
                await self._client.delete("pods", meta["name"], meta["namespace"], uid=meta["uid"])
            except ApiError as error:
                if error.code in (404, 409):
                    return
                raise
            self._expect(owner).deleted[key_of(pod)] = meta["uid"]
            self._note(owner, "Normal", "SuccessfulDelete", f"Deleted pod: {meta['name']}")

        results = await asyncio.gather(*map(delete, pods), return_exceptions=True)
        errors = [result for result in results if isinstance(result, BaseException)]
        return self._failed(owner, "FailedDelete", "deleting", errors) if errors else None

    def _failed(
        self, owner: Object, reason: Literal["FailedCreate", "FailedDelete"], doing: str, errors: Sequence[BaseException]
    ) -> Failure | None:
        error = errors[0]
        if not isinstance(error, Exception):
            raise error
        if isinstance(error, ApiError) and namespace_terminating(error):
            return None
        self._note(owner, "Warning", reason, f"Error {doing}: {error}")
        return Failure(reason, error)

    def _expect(self, owner: Object) -> _Expected:
        return self._expected.setdefault(owner["metadata"]["uid"], _Expected())

    def _note(self, owner: Object, type: Literal["Normal", "Warning"], reason: str, message: str) -> None:
        self._recorder.record(owner, type, reason, message)
