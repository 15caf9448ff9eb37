"""Images are pulled, or not: by policy, with patience, and with the credentials that a pod has."""

import pytest

from corral.node.cri.errors import CriError
from corral.node.cri.types import Image
from corral.node.images import ImageError, Puller, Wanted
from corral.node.pullcredentials import Credential
from corral.node.pullrecords import PullRecords
from corral.testing.clock import VirtualClock

FOUND = Image("sha256:1", ("docker.io/library/web:1",), (), 42, None, "", pinned=False)


class Store:
    """An image service that has an image only after it was pulled, and fails as often as told."""

    def __init__(self, *, present=False, failures=0):
        self.present = present
        self.failures = failures
        self.pulls = []

    async def image(self, reference):
        return FOUND if self.present else None

    async def pull(self, reference, auth=None, sandbox_config=None):
        self.pulls.append((auth or {}).get("username"))
        if self.failures:
            self.failures -= 1
            raise CriError("NOT_FOUND", "no such image")
        self.present = True
        return FOUND.id


ROBOT, OTHER = (Credential({"username": name, "password": "x"}, f"d/{name}/1") for name in ("robot", "other"))


class TestPulls:
    @pytest.fixture(autouse=True)
    def _records(self, tmp_path):
        self.records = PullRecords(tmp_path / "pulls")

    async def ensure(self, store, policy="IfNotPresent", credentials=(), clock=None):
        said = []
        self.puller = getattr(self, "puller", None) or Puller(store, clock or VirtualClock(), self.records)
        wanted = Wanted("u1", "web:1", policy)
        try:
            await self.puller.ensure(wanted, credentials, {}, lambda *event: said.append(event[1:]))
            return said, None
        except ImageError as error:
            return said, error

    async def test_what_is_present_is_not_pulled(self):
        store = Store(present=True)
        said, _ = await self.ensure(store)
        assert store.pulls == []
        assert said == [("Pulled", 'Container image "web:1" already present on machine and can be accessed by the pod')]

    async def test_always_pulls(self):
        store = Store(present=True)
        said, _ = await self.ensure(store, "Always")
        assert [reason for reason, _ in said] == ["Pulling", "Pulled"]
        assert len(store.pulls) == 1

    async def test_never_does_not(self):
        store = Store()
        _, error = await self.ensure(store, "Never")
        assert error.reason == "ErrImageNeverPull"
        assert store.pulls == []

    async def test_every_credential_is_tried(self):
        store = Store(failures=1)
        _, error = await self.ensure(store, credentials=[ROBOT, OTHER])
        assert error is None
        assert store.pulls == ["robot", "other"]

    async def test_what_cannot_be_remembered_is_not_pulled(self, monkeypatch):
        """It would be everybody's when the agent is started again."""
        store = Store()

        def begin(reference):
            raise OSError("the disk is full")

        monkeypatch.setattr(self.records, "begin", begin)
        _, error = await self.ensure(store)
        assert (error.reason, str(error), store.pulls) == ("ErrImagePull", "the disk is full", [])

    async def test_a_failure_is_told_then_waited_out(self):
        clock = VirtualClock()
        store = Store(failures=1)
        _, error = await self.ensure(store, clock=clock)
        assert (error.reason, str(error)) == ("ErrImagePull", "rpc error: code = NotFound desc = no such image")
        said, error = await self.ensure(store)
        assert error.reason == "ImagePullBackOff"
        assert str(error) == 'Back-off pulling image "web:1": ErrImagePull: rpc error: code = NotFound desc = no such image'
        assert said == [("BackOff", 'Back-off pulling image "web:1"')]
        assert len(store.pulls) == 1
        await clock.advance(10)
        _, error = await self.ensure(store)
        assert error is None

    async def test_who_has_no_credentials_does_not_get_what_another_had_fetched(self):
        store = Store()
        await self.ensure(store, credentials=[ROBOT])
        said, error = await self.ensure(store, credentials=[ROBOT])
        assert error is None and said[0][0] == "Pulled"
        store.failures = 1
        said, error = await self.ensure(store)
        assert error.reason == "ErrImagePull" and store.pulls == ["robot", None]
        _, error = await self.ensure(store, "Never", credentials=[OTHER])
        assert error.reason == "ErrImageNeverPull"

    async def test_who_may_fetch_it_too_may_use_it_from_then_on(self):
        store = Store()
        await self.ensure(store, credentials=[ROBOT])
        await self.ensure(store, credentials=[OTHER])
        said, _ = await self.ensure(store, "Never", credentials=[OTHER])
        assert store.pulls == ["robot", "other"] and said[0][0] == "Pulled"

    async def test_what_anybody_may_fetch_anybody_may_use(self):
        store = Store()
        await self.ensure(store)
        _, error = await self.ensure(store, "Never")
        assert error is None
