import base64
import json

import pytest

from corral.node.cri.errors import CriError
from corral.node.cri.types import Image
from corral.node.images import ImageError, Puller, Wanted, credentials, default_tag, normalized
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


def secret(auths):
    data = base64.b64encode(json.dumps({"auths": auths}).encode()).decode()
    return {"data": {".dockerconfigjson": data}}


class TestPulls:
    async def ensure(self, store, policy="IfNotPresent", credentials=(), clock=None):
        said = []
        self.puller = getattr(self, "puller", None) or Puller(store, clock or VirtualClock())
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
        _, error = await self.ensure(store, credentials=[{"username": "a"}, {"username": "b"}])
        assert error is None
        assert store.pulls == ["a", "b"]

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


@pytest.mark.parametrize(
    ("reference", "full"),
    [
        ("nginx", "docker.io/library/nginx"),
        ("me/web:1", "docker.io/me/web:1"),
        ("quay.io/a/b", "quay.io/a/b"),
        ("localhost/x", "localhost/x"),
        ("reg:5000/x", "reg:5000/x"),
    ],
)
def test_full_names(reference, full):
    assert normalized(reference) == full


def test_tags():
    assert default_tag("reg:5000/x") == "reg:5000/x:latest"
    assert default_tag("x:1") == "x:1"
    assert default_tag("x@sha256:00") == "x@sha256:00"


def test_credentials_match_host_and_path_the_most_specific_first():
    auths = {
        "https://index.docker.io/v1/": {"auth": base64.b64encode(b"hub:pw").decode()},
        "quay.io": {"username": "all", "password": "1"},
        "quay.io/team": {"username": "team", "password": "2"},
        "*.example.com": {"username": "star", "password": "3"},
    }
    names = {
        "nginx:1": ["hub"],
        "quay.io/team/app:1": ["team", "all"],
        "quay.io/teams/app:1": ["all"],
        "reg.example.com/x": ["star"],
        "a.b.example.com/x": [],
    }
    assert {ref: [a["username"] for a in credentials(ref, [secret(auths)])] for ref in names} == names


def test_credentials_are_a_name_and_a_password_only():
    auths = {"127.0.0.1:5000": {"auth": base64.b64encode(b"me:pass:word").decode()}, "*.x": {"identitytoken": "t"}}
    assert credentials("127.0.0.1:5000/app", [secret(auths)]) == [{"username": "me", "password": "pass:word"}]
    assert credentials("a.x/app", [secret(auths)]) == [{"username": "", "password": "", "identity_token": "t"}]


def test_a_damaged_secret_is_passed_over():
    assert credentials("nginx", [{"data": {".dockerconfigjson": "!!!"}}]) == []
