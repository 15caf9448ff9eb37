"""Credentials become users; wrong ones are refused."""

import asyncio
import base64
from collections.abc import Coroutine
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from corral.api.errors import ApiError
from corral.base.clock import SystemClock
from corral.server import pki
from corral.server.authentication import Authenticator, Session, TokenAuthority
from corral.server.authentication.bearer import load_token_file
from corral.server.authentication.impersonation import Impersonated, impersonate
from corral.server.authorization import Authorizer
from corral.server.lookup import MemoryLookup
from corral.server.request import Request, User
from corral.testing.clock import VirtualClock


@pytest.fixture
def lookup() -> MemoryLookup:
    return MemoryLookup()


@pytest.fixture
def authenticator(lookup: MemoryLookup, tmp_path: Path) -> Authenticator:
    tokens = TokenAuthority(ec.generate_private_key(ec.SECP256R1()), "https://kubernetes.default.svc")
    file = tmp_path / "tokens.csv"
    file.write_text('secret-one,ann,u1,"dev,ops"\nsecret-two,bob,u2\n')
    return Authenticator(lookup, SystemClock(), tokens, load_token_file(file))


def run(answer: Coroutine[Any, Any, User]) -> User:
    return asyncio.run(answer)


def acting(request: Request, authorizer: Authorizer) -> Impersonated | None:
    return asyncio.run(impersonate(request, authorizer))


def get(**headers: str) -> Request:
    return Request("GET", "/api", {}, {name.replace("_", "-"): value for name, value in headers.items()})


def test_a_certificate_names_user_and_groups(authenticator: Authenticator, tmp_path: Path) -> None:
    authority = pki.ensure(tmp_path / "pki", server_hosts=(), now=datetime.now(UTC))
    pem = pki.issue_client(authority, "ann", ("dev",)).certificate
    session = Session(x509.load_pem_x509_certificate(pem).public_bytes(serialization.Encoding.DER))
    user = run(authenticator.authenticate(get(Authorization="Bearer ignored"), session))
    assert (user.name, user.groups) == ("ann", ("dev", "system:authenticated"))
    assert session.known.user is user


def test_a_connection_that_outlives_its_certificate_is_refused(lookup: MemoryLookup, tmp_path: Path) -> None:
    clock = VirtualClock()
    tokens = TokenAuthority(ec.generate_private_key(ec.SECP256R1()), "https://kubernetes.default.svc")
    authority = pki.ensure(tmp_path / "pki", server_hosts=(), now=datetime.fromtimestamp(clock.now(), UTC))
    pem = pki.issue_client(authority, "ann", days=1, now=datetime.fromtimestamp(clock.now(), UTC)).certificate
    session = Session(x509.load_pem_x509_certificate(pem).public_bytes(serialization.Encoding.DER))
    authenticator = Authenticator(lookup, clock, tokens)
    assert run(authenticator.authenticate(get(), session)).name == "ann"
    asyncio.run(clock.advance(2 * 24 * 3600.0))
    with pytest.raises(ApiError, match="Unauthorized"):
        run(authenticator.authenticate(get(), session))


def test_a_token_of_the_file_is_its_user(authenticator: Authenticator) -> None:
    user = run(authenticator.authenticate(get(Authorization="Bearer secret-one"), Session()))
    assert user == User("ann", "u1", ("dev", "ops", "system:authenticated"))


def test_a_web_socket_brings_its_token_as_a_subprotocol(authenticator: Authenticator) -> None:
    encoded = base64.urlsafe_b64encode(b"secret-two").rstrip(b"=").decode()
    protocols = f"v5.channel.k8s.io, base64url.bearer.authorization.k8s.io.{encoded}"
    assert run(authenticator.authenticate(get(Sec_WebSocket_Protocol=protocols), None)).name == "bob"


def test_no_credentials_are_anonymous(authenticator: Authenticator) -> None:
    user = run(authenticator.authenticate(get(), Session()))
    assert (user.name, user.groups) == ("system:anonymous", ("system:unauthenticated",))


@pytest.mark.parametrize("token", ["wrong", "a.b.c", "eyJhbGciOiJub25lIn0.e30.", "abcdef.0123456789abcdef"])
def test_wrong_tokens_are_refused(authenticator: Authenticator, token: str) -> None:
    with pytest.raises(ApiError) as refused:
        run(authenticator.authenticate(get(Authorization=f"Bearer {token}"), Session()))
    assert refused.value.status() == {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": "Unauthorized",
        "reason": "Unauthorized",
        "code": 401,
    }


def put_bootstrap_token(lookup: MemoryLookup, **changes: str) -> None:
    data = {
        "token-id": "abcdef",
        "token-secret": "0123456789abcdef",
        "usage-bootstrap-authentication": "true",
        "auth-extra-groups": "system:bootstrappers:workers",
        **{name.replace("_", "-"): value for name, value in changes.items()},
    }
    encoded = {key: base64.b64encode(value.encode()).decode() for key, value in data.items()}
    meta = {"namespace": "kube-system", "name": "bootstrap-token-abcdef"}
    lookup.put("secrets", {"metadata": meta, "type": "bootstrap.kubernetes.io/token", "data": encoded})


def test_a_bootstrap_token_is_a_secret(authenticator: Authenticator, lookup: MemoryLookup) -> None:
    put_bootstrap_token(lookup, expiration="2999-01-01T00:00:00Z")
    user = run(authenticator.authenticate(get(Authorization="Bearer abcdef.0123456789abcdef"), None))
    assert user.name == "system:bootstrap:abcdef"
    assert user.groups == ("system:bootstrappers", "system:bootstrappers:workers", "system:authenticated")


@pytest.mark.parametrize(
    "changes",
    [
        {"expiration": "2001-01-01T00:00:00Z"},
        {"usage_bootstrap_authentication": "false"},
        {"auth_extra_groups": "system:masters"},
        {"token_secret": "another-secret00"},
    ],
)
def test_a_bootstrap_token_that_is_not_good(
    authenticator: Authenticator, lookup: MemoryLookup, changes: dict[str, str]
) -> None:
    put_bootstrap_token(lookup, **changes)
    with pytest.raises(ApiError):
        run(authenticator.authenticate(get(Authorization="Bearer abcdef.0123456789abcdef"), None))


ADMIN = User("admin", groups=("system:masters", "system:authenticated"))


def test_masters_may_act_as_anybody(lookup: MemoryLookup) -> None:
    request = get(Impersonate_User="ann", Impersonate_Group="dev")
    request.user = ADMIN
    user = User("ann", groups=("dev", "system:authenticated"))
    assert acting(request, Authorizer(lookup)) == (user, "impersonate:user-info")


def test_a_service_account_comes_with_its_groups(lookup: MemoryLookup) -> None:
    request = get(Impersonate_User="system:serviceaccount:x:robot")
    request.user = ADMIN
    found = acting(request, Authorizer(lookup))
    assert found is not None
    assert found.user.groups == ("system:serviceaccounts", "system:serviceaccounts:x", "system:authenticated")


def test_others_may_not(lookup: MemoryLookup) -> None:
    request = get(Impersonate_User="ann")
    request.user = User("bob")
    with pytest.raises(ApiError) as refused:
        acting(request, Authorizer(lookup))
    assert refused.value.message == (
        'users "ann" is forbidden: User "bob" cannot impersonate resource "users" in API group "" at the cluster scope'
    )


def test_half_a_wish_is_an_error(lookup: MemoryLookup) -> None:
    request = get(Impersonate_Group="dev")
    request.user = ADMIN
    with pytest.raises(ApiError) as refused:
        acting(request, Authorizer(lookup))
    assert refused.value.code == 500


def encoded(text: bytes) -> str:
    return base64.urlsafe_b64encode(text).rstrip(b"=").decode()


DEEP = b"[" * 4000
ISSUED = b'{"iss":"https://kubernetes.default.svc","sub":"x"}'


@pytest.mark.parametrize(
    "parts",
    [
        (DEEP, ISSUED, b"x"),
        (b"{}", DEEP, b"x"),
        (b'{"kid":[],"alg":"ES256"}', ISSUED, b"x" * 64),
        (b'{"alg":"ES256","b64":false,"crit":["b64"]}', ISSUED, b"x" * 64),
        (b'{"alg":[]}', ISSUED, b"x"),
        (b"[]", b"1", b""),
        (b"", b"", b""),
        (b"\xff", b"\xff", b"\xff"),
    ],
)
def test_hostile_tokens_are_refused_like_others(authenticator: Authenticator, parts: tuple[bytes, ...]) -> None:
    token = ".".join(map(encoded, parts))
    with pytest.raises(ApiError, match="Unauthorized"):
        run(authenticator.authenticate(get(Authorization=f"Bearer {token}"), Session()))


@given(st.lists(st.one_of(st.binary(max_size=40), st.sampled_from([b"{}", ISSUED, b'{"alg":"ES256"}', DEEP])), max_size=4))
def test_no_token_breaks_anything(parts: list[bytes]) -> None:
    tokens = TokenAuthority(ec.generate_private_key(ec.SECP256R1()), "https://kubernetes.default.svc")
    authenticator = Authenticator(MemoryLookup(), SystemClock(), tokens)
    assert run_any(authenticator.verify(".".join(map(encoded, parts)), ())) is None


def run_any(answer: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.run(answer)
