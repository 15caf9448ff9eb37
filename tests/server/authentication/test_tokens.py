"""Service-account tokens: issued, verified, bound."""

import base64
import json
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from corral.api.errors import ApiError
from corral.server.authentication import TokenAuthority
from corral.server.authentication.tokenrequests import TokenRequests
from corral.server.authentication.verdicts import InvalidTokenError
from corral.server.lookup import MemoryLookup
from corral.testing.clock import VirtualClock

ISSUER = "https://kubernetes.default.svc"
NOW = 1_800_000_000.0


@pytest.fixture
def lookup() -> MemoryLookup:
    lookup = MemoryLookup()
    lookup.put("serviceaccounts", {"metadata": {"namespace": "x", "name": "robot", "uid": "sa-uid"}})
    pod = {
        "metadata": {"namespace": "x", "name": "web", "uid": "pod-uid"},
        "spec": {"serviceAccountName": "robot", "nodeName": "n1"},
    }
    lookup.put("pods", pod)
    lookup.put("nodes", {"metadata": {"name": "n1", "uid": "node-uid"}})
    return lookup


@pytest.fixture
def authority() -> TokenAuthority:
    return TokenAuthority(ec.generate_private_key(ec.SECP256R1()), ISSUER)


@pytest.fixture
def requests(lookup: MemoryLookup, authority: TokenAuthority) -> TokenRequests:
    clock = VirtualClock()
    clock.now = lambda: NOW  # type: ignore[method-assign]
    return TokenRequests(lookup, authority, clock)


def ask(requests: TokenRequests, **spec: Any) -> dict[str, Any]:
    return requests.create("x", "robot", {"spec": spec})


def claims_of(answer: dict[str, Any]) -> dict[str, Any]:
    payload = answer["status"]["token"].split(".")[1]
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return claims


def test_a_token_identifies_its_service_account(
    lookup: MemoryLookup, authority: TokenAuthority, requests: TokenRequests
) -> None:
    answer = ask(requests)
    assert answer["spec"] == {"audiences": [ISSUER], "expirationSeconds": 3600, "boundObjectRef": None}
    assert answer["status"]["expirationTimestamp"] == "2027-01-15T09:00:00Z"
    verified = authority.verify(answer["status"]["token"], lookup, (), NOW + 3599)
    assert verified.user.name == "system:serviceaccount:x:robot"
    assert verified.user.uid == "sa-uid"
    assert verified.user.groups == ("system:serviceaccounts", "system:serviceaccounts:x")
    assert verified.audiences == (ISSUER,)


def test_what_is_null_is_not_asked_for(requests: TokenRequests) -> None:
    assert ask(requests, expirationSeconds=None, audiences=None)["spec"] == ask(requests)["spec"]


def test_a_token_ends(lookup: MemoryLookup, authority: TokenAuthority, requests: TokenRequests) -> None:
    token = ask(requests)["status"]["token"]
    with pytest.raises(InvalidTokenError, match="expired"):
        authority.verify(token, lookup, (), NOW + 3600)


def test_a_token_of_another_audience_is_refused(
    lookup: MemoryLookup, authority: TokenAuthority, requests: TokenRequests
) -> None:
    token = ask(requests, audiences=["vault", "extra"])["status"]["token"]
    with pytest.raises(InvalidTokenError, match="audiences"):
        authority.verify(token, lookup, (), NOW)
    assert authority.verify(token, lookup, ("vault", "else"), NOW).audiences == ("vault",)


def test_a_pods_token_goes_with_the_pod(lookup: MemoryLookup, authority: TokenAuthority, requests: TokenRequests) -> None:
    ref = {"kind": "Pod", "apiVersion": "v1", "name": "web", "uid": "pod-uid"}
    token = ask(requests, boundObjectRef=ref)["status"]["token"]
    user = authority.verify(token, lookup, (), NOW).user
    assert user.extra["authentication.kubernetes.io/pod-name"] == ("web",)
    assert user.extra["authentication.kubernetes.io/node-uid"] == ("node-uid",)
    lookup.put("pods", {"metadata": {"namespace": "x", "name": "web", "uid": "another"}, "spec": {}})
    with pytest.raises(InvalidTokenError, match="gone"):
        authority.verify(token, lookup, (), NOW)


def test_a_deleted_service_account_ends_its_tokens(
    lookup: MemoryLookup, authority: TokenAuthority, requests: TokenRequests
) -> None:
    token = ask(requests)["status"]["token"]
    lookup.remove("serviceaccounts", "x", "robot")
    with pytest.raises(InvalidTokenError, match="gone"):
        authority.verify(token, lookup, (), NOW)


def test_a_mounted_token_is_good_for_a_year_and_warns_before(requests: TokenRequests) -> None:
    ref = {"kind": "Pod", "apiVersion": "v1", "name": "web", "uid": "pod-uid"}
    claims = claims_of(ask(requests, boundObjectRef=ref, expirationSeconds=3607))
    assert claims["exp"] == NOW + 365 * 24 * 3600
    assert claims["kubernetes.io"]["warnafter"] == NOW + 3607


def test_a_foreign_signature_is_refused(lookup: MemoryLookup, authority: TokenAuthority, requests: TokenRequests) -> None:
    claims = claims_of(ask(requests))
    forged = jwt.encode(claims, ec.generate_private_key(ec.SECP256R1()), algorithm="ES256")
    unsigned = jwt.encode(claims, None, algorithm="none")
    for token in (forged, unsigned):
        assert authority.is_ours(token)
        with pytest.raises(InvalidTokenError):
            authority.verify(token, lookup, (), NOW)


def test_others_can_verify_with_the_published_key(authority: TokenAuthority, requests: TokenRequests) -> None:
    token = ask(requests, audiences=["vault"])["status"]["token"]
    key = jwt.PyJWKSet.from_dict(authority.jwks())[jwt.get_unverified_header(token)["kid"]]
    options: Any = {"verify_exp": False, "verify_nbf": False, "verify_iat": False}
    assert jwt.decode(token, key.key, algorithms=["ES256"], audience="vault", options=options)["iss"] == ISSUER


@pytest.mark.parametrize(
    ("spec", "code", "message"),
    [
        (
            {"expirationSeconds": 10},
            422,
            'TokenRequest.authentication.k8s.io "" is invalid: spec.expirationSeconds: Invalid value: 10: '
            "may not specify a duration less than 10 minutes",
        ),
        ({"boundObjectRef": {"kind": "Pod", "apiVersion": "v1", "name": "gone"}}, 404, 'pods "gone" not found'),
        (
            {"boundObjectRef": {"kind": "Pod", "apiVersion": "v1", "name": "web", "uid": "old"}},
            409,
            'Operation cannot be fulfilled on pods "web": the UID in the bound object reference (old) does not match the UID '
            "in record. The object might have been deleted and then recreated",
        ),
        (
            {"boundObjectRef": {"kind": "Deployment", "apiVersion": "apps/v1", "name": "web"}},
            400,
            "cannot bind token to object of type apps/v1, Kind=Deployment",
        ),
    ],
)
def test_bad_requests_are_refused(requests: TokenRequests, spec: dict[str, Any], code: int, message: str) -> None:
    with pytest.raises(ApiError) as refused:
        ask(requests, **spec)
    assert (refused.value.code, refused.value.message) == (code, message)


def test_a_token_that_should_have_been_renewed_is_noted(
    lookup: MemoryLookup, authority: TokenAuthority, requests: TokenRequests
) -> None:
    ref = {"kind": "Pod", "apiVersion": "v1", "name": "web", "uid": "pod-uid"}
    token = ask(requests, boundObjectRef=ref, expirationSeconds=3607)["status"]["token"]
    assert authority.verify(token, lookup, (), NOW + 3607).notes == ()
    ((key, value),) = authority.verify(token, lookup, (), NOW + 3610).notes
    assert key == "authentication.k8s.io/stale-token"
    assert value == "subject: system:serviceaccount:x:robot, seconds after warning threshold: 3"
