"""Tokens of an OpenID provider: verified with its published keys, and made users as the configuration says."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
import jwt
import pytest
import yaml
from cryptography.hazmat.primitives.asymmetric import ec
from tests.server.authentication.provider import Provider, provider

from corral.base.errors import CorralError
from corral.server.authentication import configuration
from corral.server.authentication.oidc import JwtIssuer
from corral.server.authentication.verdicts import InvalidTokenError
from corral.server.request import User
from corral.testing.clock import VirtualClock
from corral.testing.server import running_server


def config(found: Provider, **more: Any) -> dict[str, Any]:
    issuer = {"url": found.url, "audiences": ["corral"], "certificateAuthority": found.authority}
    mappings = {"username": {"claim": "sub", "prefix": "oidc:"}, "groups": {"claim": "groups", "prefix": ""}}
    return {"issuer": issuer, "claimMappings": mappings, **more}


def written(tmp_path: Path, *issuers: dict[str, Any], **more: Any) -> Path:
    (tmp_path / "config").mkdir(exist_ok=True)
    path = tmp_path / "config" / "authentication.yaml"
    head = {"apiVersion": "apiserver.config.k8s.io/v1", "kind": "AuthenticationConfiguration"}
    path.write_text(yaml.safe_dump({**head, "jwt": list(issuers), **more}))
    return path


def told(tmp_path: Path, story: Callable[[Provider], Awaitable[None]]) -> None:
    async def run() -> None:
        async with asyncio.timeout(30), provider(tmp_path / "provider") as found:
            await story(found)

    asyncio.run(run())


def issuer_of(tmp_path: Path, entry: dict[str, Any], clock: VirtualClock | None = None) -> JwtIssuer:
    (issuer,) = configuration.load(written(tmp_path, entry)).issuers
    return JwtIssuer(issuer, clock or _now())


def _now() -> VirtualClock:
    import time

    clock = VirtualClock()
    began = time.time() - clock.now()
    ticks = clock.now
    clock.now = lambda: ticks() + began  # type: ignore[method-assign]
    return clock


WRONG: tuple[dict[str, Any], ...] = (
    {"aud": "else"},
    {"aud": [["corral"]]},
    {"aud": {"corral": 1}},
    {"exp": 1},
    {"exp": float("nan")},
    {"exp": "soon"},
    {"nbf": 1 << 40},
    {"sub": ""},
    {"sub": 1},
    {"groups": [1]},
)


def test_a_token_is_its_user_over_https_and_in_token_reviews(tmp_path: Path) -> None:
    async def story(found: Provider) -> None:
        written(tmp_path, config(found))
        token = found.token(groups=["dev", "ops"])
        async with running_server(tmp_path) as server:
            connector = aiohttp.TCPConnector(ssl=server.tls())
            async with aiohttp.ClientSession(server.url, connector=connector) as http:
                path, body = "/apis/authentication.k8s.io/v1/selfsubjectreviews", {"kind": "SelfSubjectReview"}
                async with http.post(path, json=body, headers={"Authorization": f"Bearer {token}"}) as answer:
                    info = (await answer.json())["status"]["userInfo"]
                assert info == {"username": "oidc:ann", "groups": ["dev", "ops", "system:authenticated"]}
                claims: tuple[dict[str, Any], ...] = (
                    {"aud": "else"},
                    {"aud": [["corral"]]},
                    {"aud": {"corral": 1}},
                    {"exp": 1},
                )
                claims += ({"exp": float("nan")}, {"exp": "soon"}, {"nbf": 1 << 40}, {"sub": ""}, {"sub": 1}, {"groups": [1]})
                for wrong in (token[:-8] + "AAAAAAAA", *(found.token(**bad) for bad in claims)):
                    async with http.get("/api", headers={"Authorization": f"Bearer {wrong}"}) as answer:
                        assert answer.status == 401
                review = await server.client().create("tokenreviews.authentication.k8s.io", {"spec": {"token": token}})
                assert review["status"]["user"]["username"] == "oidc:ann"

    told(tmp_path, story)


def test_a_new_key_is_found_and_made_up_ones_do_not_make_us_ask_again_and_again(tmp_path: Path) -> None:
    async def story(found: Provider) -> None:
        clock = _now()
        issuer = issuer_of(tmp_path, config(found), clock)
        assert await issuer.user(found.token()) == User("oidc:ann")
        assert found.fetches == 1
        forger = Provider(found.url, "")
        for _ in range(5):
            with pytest.raises(InvalidTokenError, match="no key"):
                await issuer.user(forger.token())
        assert found.fetches == 1
        found.keys.append(ec.generate_private_key(ec.SECP256R1()))
        await clock.advance(10)
        assert (await issuer.user(found.token(sub="bob"))).name == "oidc:bob"
        assert found.fetches == 2

    told(tmp_path, story)


def test_keys_that_come_in_parts_are_read_whole_and_not_without_end(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def story(found: Provider) -> None:
        found.others = [{"kty": "oct", "use": "enc", "k": "x" * 1000}] * 900
        assert (await issuer_of(tmp_path, config(found)).user(found.token())).name == "oidc:ann"
        found.others *= 2
        with pytest.raises(InvalidTokenError, match="no key"):
            await issuer_of(tmp_path, config(found)).user(found.token())
        assert "has more than 1048576 bytes" in caplog.text

    told(tmp_path, story)


def test_a_public_key_is_no_shared_secret(tmp_path: Path) -> None:
    async def story(found: Provider) -> None:
        issuer = issuer_of(tmp_path, config(found))
        await issuer.user(found.token())
        for algorithm, key in (("HS256", "x" * 32), ("none", None)):
            token = jwt.encode({"iss": found.url, "aud": "corral", "sub": "eve", "exp": 1 << 40}, key, algorithm=algorithm)
            with pytest.raises(InvalidTokenError, match="is not taken"):
                await issuer.user(token)

    told(tmp_path, story)


def test_a_provider_that_is_away_is_asked_again_later(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def story(found: Provider) -> None:
        clock = _now()
        real, found.url = found.url, found.url + "/else"
        issuer = issuer_of(tmp_path, config(found), clock)
        token = found.token()
        with pytest.raises(InvalidTokenError):
            await issuer.user(token)
        assert "cannot be fetched" in caplog.text
        assert token not in caplog.text
        found.url = real
        entry = config(found)
        again = issuer_of(tmp_path, entry, clock)
        assert (await again.user(found.token())).name == "oidc:ann"

    told(tmp_path, story)


def test_expressions_make_the_user_and_check_him(tmp_path: Path) -> None:
    async def story(found: Provider) -> None:
        mappings = {
            "username": {"expression": "claims.email.split('@')[0] + ':' + claims.sub"},
            "groups": {"expression": "claims.roles.map(r, 'role:' + r)"},
            "uid": {"claim": "oid"},
            "extra": [
                {"key": "example.com/team", "valueExpression": "claims.?team.orValue('')"},
                {"key": "example.com/roles", "valueExpression": "claims.roles"},
            ],
        }
        checks = [{"claim": "hd", "requiredValue": "example.com"}, {"expression": "claims.?email_verified.orValue(true)"}]
        checks += [{"expression": "claims.exp - claims.iat <= 86400", "message": "too long"}]
        users = [{"expression": "!user.username.startsWith('system:')", "message": "reserved"}]
        entry = config(found, claimMappings=mappings, claimValidationRules=checks, userValidationRules=users)
        issuer = issuer_of(tmp_path, entry)
        claims: dict[str, Any] = {"email": "ann@example.com", "roles": ["a", "b"], "oid": "7", "hd": "example.com"}
        user = await issuer.user(found.token(**claims))
        assert user == User("ann:ann", "7", ("role:a", "role:b"), {"example.com/roles": ("a", "b")})
        for change, why in (
            ({"hd": "else"}, "hd"),
            ({"exp": 1 << 40}, "too long"),
            ({"email": "system@x", "sub": "x"}, "reserved"),
            ({"roles": 1}, "roles"),
            ({"oid": None}, "uid"),
        ):
            with pytest.raises(InvalidTokenError, match=why):
                await issuer.user(found.token(**{**claims, **change}))

    told(tmp_path, story)


def test_an_address_that_is_not_verified_is_no_name(tmp_path: Path) -> None:
    async def story(found: Provider) -> None:
        entry = config(found, claimMappings={"username": {"claim": "email", "prefix": ""}})
        issuer = issuer_of(tmp_path, entry)
        assert (await issuer.user(found.token(email="a@b"))).name == "a@b"
        with pytest.raises(InvalidTokenError, match="not verified"):
            await issuer.user(found.token(email="a@b", email_verified=False))

    told(tmp_path, story)


def test_anonymous_may_be_kept_to_some_paths(tmp_path: Path) -> None:
    written(tmp_path, anonymous={"enabled": True, "conditions": [{"path": "/livez"}]})

    async def story() -> None:
        async with running_server(tmp_path) as server:
            connector = aiohttp.TCPConnector(ssl=server.tls())
            async with aiohttp.ClientSession(server.url, connector=connector) as http:
                found = {path: (await http.get(path)).status for path in ("/livez", "/readyz", "/version", "/api/v1/nodes")}
        assert found == {"/livez": 200, "/readyz": 401, "/version": 401, "/api/v1/nodes": 401}

    asyncio.run(story())


ISSUER = {"url": "https://a", "audiences": ["x"]}
NAMED = {"username": {"claim": "sub", "prefix": ""}}


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ({"issuer": {**ISSUER, "url": "http://a"}, "claimMappings": NAMED}, "jwt[0].issuer.url"),
        ({"issuer": {**ISSUER, "audiences": []}, "claimMappings": NAMED}, "jwt[0].issuer.audiences"),
        ({"issuer": {**ISSUER, "audiences": ["a", "b"]}, "claimMappings": NAMED}, "audienceMatchPolicy"),
        ({"issuer": {**ISSUER, "discoveryURL": "https://a/"}, "claimMappings": NAMED}, "discoveryURL"),
        ({"issuer": ISSUER, "claimMappings": {"username": {"claim": "sub"}}}, "username.prefix"),
        (
            {"issuer": ISSUER, "claimMappings": {"username": {"expression": "claims.email"}}},
            "username.expression: 'claims.email'",
        ),
        ({"issuer": ISSUER, "claimMappings": {}}, "jwt[0].claimMappings.username"),
        ({"issuer": ISSUER, "claimMappings": {"username": {"claim": "a", "expression": "b"}}}, "username.expression"),
        ({"issuer": ISSUER, "claimMappings": NAMED, "claimValidationRules": [{}]}, "jwt[0].claimValidationRules[0]"),
        ({"issuer": ISSUER, "claimMappings": {**NAMED, "extra": [{"key": "a.k8s.io/x", "valueExpression": "'x'"}]}}, "key"),
        ({"issuer": ISSUER, "claimMapping": NAMED}, "jwt[0].claimMapping: there is no such field"),
    ],
)
def test_a_fault_names_the_field(tmp_path: Path, entry: dict[str, Any], said: str) -> None:
    with pytest.raises(CorralError) as fault:
        configuration.load(written(tmp_path, entry))
    assert said in str(fault.value)


def test_an_expression_that_is_wrong_stops_the_server(tmp_path: Path) -> None:
    entry = {"issuer": ISSUER, "claimMappings": {"username": {"expression": "claims.("}}}
    with pytest.raises(CorralError, match="expression that is wrong"):
        issuer_of(tmp_path, entry)


def test_the_simple_flags_make_the_same_file(tmp_path: Path) -> None:
    path = tmp_path / "authentication.yaml"
    path.write_text(yaml.safe_dump(configuration.simple("https://a", "me")))
    (issuer,) = configuration.load(path).issuers
    assert (issuer.username.claim, issuer.username.prefix, issuer.groups.claim) == ("sub", "https://a#", "groups")
