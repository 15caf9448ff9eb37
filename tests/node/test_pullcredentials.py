"""Which of a pod's image pull secrets open a registry."""

import base64
import json

import pytest

from corral.node.pullcredentials import Credential, credentials, default_tag, normalized


def secret(auths):
    data = base64.b64encode(json.dumps({"auths": auths}).encode()).decode()
    return {"metadata": {"namespace": "d", "name": "s", "uid": "1"}, "data": {".dockerconfigjson": data}}


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
    assert {ref: [c.auth["username"] for c in credentials(ref, [secret(auths)])] for ref in names} == names


def test_credentials_are_a_name_and_a_password_only():
    auths = {"127.0.0.1:5000": {"auth": base64.b64encode(b"me:pass:word").decode()}, "*.x": {"identitytoken": "t"}}
    of = "d/s/1"
    assert credentials("127.0.0.1:5000/app", [secret(auths)]) == [Credential({"username": "me", "password": "pass:word"}, of)]
    assert credentials("a.x/app", [secret(auths)]) == [Credential({"username": "", "password": "", "identity_token": "t"}, of)]


def test_the_credentials_of_one_repository_are_for_all_its_tags():
    found = secret({"quay.io/team/app": {"username": "app", "password": "1"}})
    for reference in ("quay.io/team/app:1", "quay.io/team/app", "quay.io/team/app@sha256:00", "quay.io/team/app/part:1"):
        assert [c.auth["username"] for c in credentials(reference, [found])] == ["app"]
    assert credentials("quay.io/team/apple:1", [found]) == []


@pytest.mark.parametrize(
    "text",
    [
        b"!!!",
        b"[" * 100_000,
        b'{"auths": {"x": ' + b"[" * 100_000,
        b'{"auths": {"docker.io": "me"}}',
        b'{"auths": {"docker.io": {"username": 5}}}',
        b'{"auths": {"docker.io": {"auth": []}}}',
        b'{"auths": []}',
        b'{"auths": null}',
        b"null",
        b"\xff",
    ],
)
def test_a_damaged_secret_is_passed_over(text):
    encoded = base64.b64encode(text).decode()
    good = secret({"docker.io": {"username": "me", "password": None}})
    for key in (".dockerconfigjson", ".dockercfg"):
        assert len(credentials("nginx", [{"data": {key: encoded}}, good])) == 1
    assert credentials("nginx", [{"data": {".dockerconfigjson": "!!!"}}]) == []
