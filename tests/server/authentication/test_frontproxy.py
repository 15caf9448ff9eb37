"""A front proxy says in headers whom it speaks for; nobody else may."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from multidict import CIMultiDict

from corral.api.errors import ApiError
from corral.base.clock import SystemClock
from corral.server import pki
from corral.server.authentication import Authenticator, Session, TokenAuthority
from corral.server.authentication.frontproxy import FrontProxies
from corral.server.lookup import MemoryLookup
from corral.server.request import Request, User
from corral.testing.server import running_server

HEADERS = CIMultiDict(
    [
        ("X-Remote-User", "ann"),
        ("X-Remote-Uid", "7"),
        ("X-Remote-Group", "dev"),
        ("X-Remote-Group", "ops"),
        ("X-Remote-Extra-Example.com%2Fteam", "a"),
        ("X-Remote-Extra-Example.com%2Fteam", "b"),
    ]
)
ANN = User("ann", "7", ("dev", "ops", "system:authenticated"), {"example.com/team": ("a", "b")})


def shown(pem: bytes) -> Session:
    return Session(x509.load_pem_x509_certificate(pem).public_bytes(serialization.Encoding.DER))


def ask(folder: Path, session: Session, names: tuple[str, ...], headers: Any = HEADERS) -> User:
    authority = pki.ensure(folder, server_hosts=(), now=datetime.now(UTC))
    proxies = FrontProxies(authority.front_proxy_ca_certificate.read_bytes(), names)
    tokens = TokenAuthority(ec.generate_private_key(ec.SECP256R1()), "https://kubernetes.default.svc")
    authenticator = Authenticator(MemoryLookup(), SystemClock(), tokens, proxies=proxies)
    return asyncio.run(authenticator.authenticate(Request("GET", "/api", {}, headers), session))


def test_a_front_proxy_speaks_for_others(tmp_path: Path) -> None:
    authority = pki.ensure(tmp_path, server_hosts=(), now=datetime.now(UTC))
    session = shown(authority.front_proxy_client_certificate.read_bytes())
    assert ask(tmp_path, session, ("front-proxy-client",)) == ANN
    with pytest.raises(ApiError, match="Unauthorized"):
        ask(tmp_path, session, ("front-proxy-client",), CIMultiDict())
    session = shown(authority.front_proxy_client_certificate.read_bytes())
    with pytest.raises(ApiError, match="Unauthorized"):
        ask(tmp_path, session, ("another",))


def test_a_clients_certificate_is_the_client_whatever_the_headers_say(tmp_path: Path) -> None:
    authority = pki.ensure(tmp_path, server_hosts=(), now=datetime.now(UTC))
    session = shown(pki.issue_client(authority, "front-proxy-client").certificate)
    assert ask(tmp_path, session, ("front-proxy-client",)).name == "front-proxy-client"


def test_over_tls(tmp_path: Path) -> None:
    async def story() -> None:
        async with running_server(tmp_path) as server:
            tls = server.tls()
            keys = pki.Pki(tmp_path / "pki")
            tls.load_cert_chain(keys.front_proxy_client_certificate, keys.front_proxy_client_key)
            async with aiohttp.ClientSession(server.url, connector=aiohttp.TCPConnector(ssl=tls)) as http:
                path, body = "/apis/authentication.k8s.io/v1/selfsubjectreviews", {"kind": "SelfSubjectReview"}
                async with http.post(path, json=body, headers={"X-Remote-User": "ann"}) as answer:
                    assert (await answer.json())["status"]["userInfo"]["username"] == "ann"
            connector = aiohttp.TCPConnector(ssl=server.tls())
            async with (
                aiohttp.ClientSession(server.url, connector=connector) as http,
                http.post(path, json=body, headers={"X-Remote-User": "ann"}) as answer,
            ):
                assert answer.status == 403

    asyncio.run(story())
