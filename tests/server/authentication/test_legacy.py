"""Tokens in Secrets are good as long as the Secret holds them."""

import base64
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from corral.server.authentication import TokenAuthority
from corral.server.authentication.verdicts import InvalidTokenError
from corral.server.lookup import MemoryLookup

ISSUER = "https://kubernetes.default.svc"
ACCOUNT: dict[str, Any] = {"metadata": {"namespace": "x", "name": "robot", "uid": "sa-uid"}}
SECRET: dict[str, Any] = {"metadata": {"namespace": "x", "name": "robot-token"}, "type": "kubernetes.io/service-account-token"}


def made(token: str, **meta: Any) -> dict[str, Any]:
    return {**SECRET, "metadata": {**SECRET["metadata"], **meta}, "data": {"token": base64.b64encode(token.encode()).decode()}}


def test_a_token_in_a_secret() -> None:
    lookup, authority = MemoryLookup(), TokenAuthority(ec.generate_private_key(ec.SECP256R1()), ISSUER)
    token = authority.issue_legacy(ACCOUNT, SECRET)
    lookup.put("serviceaccounts", ACCOUNT)
    lookup.put("secrets", made(token))
    verified = authority.verify(token, lookup, (), 1e12)
    assert (verified.user.name, verified.user.uid) == ("system:serviceaccount:x:robot", "sa-uid")
    assert dict(verified.notes) == {"authentication.k8s.io/legacy-token": "system:serviceaccount:x:robot"}
    with pytest.raises(InvalidTokenError, match="audiences"):
        authority.verify(token, lookup, ("vault",), 0)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda lookup, _token: lookup.remove("secrets", "x", "robot-token"), "Secret is gone"),
        (lambda lookup, _token: lookup.put("secrets", made("another")), "another token"),
        (
            lambda lookup, token: lookup.put(
                "secrets", made(token, labels={"kubernetes.io/legacy-token-invalid-since": "2026-01-01"})
            ),
            "marked as invalid",
        ),
        (lambda lookup, _token: lookup.remove("serviceaccounts", "x", "robot"), "account is gone"),
        (
            lambda lookup, _token: lookup.put("serviceaccounts", {"metadata": {**ACCOUNT["metadata"], "uid": "new"}}),
            "account is gone",
        ),
    ],
)
def test_its_end(change: Callable[[MemoryLookup, str], None], why: str) -> None:
    lookup, authority = MemoryLookup(), TokenAuthority(ec.generate_private_key(ec.SECP256R1()), ISSUER)
    token = authority.issue_legacy(ACCOUNT, SECRET)
    lookup.put("serviceaccounts", ACCOUNT)
    lookup.put("secrets", made(token))
    authority.verify(token, lookup, (), 0)
    change(lookup, token)
    with pytest.raises(InvalidTokenError, match=why):
        authority.verify(token, lookup, (), 0)
