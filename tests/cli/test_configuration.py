"""Configuration files are known by their kinds, and checked before anything is started."""

from pathlib import Path

import pytest
import yaml

from corral.base.errors import CorralError
from corral.cli.configuration import checked, open_id, place
from corral.cli.layout import Home

POLICY = b"{apiVersion: audit.k8s.io/v1, kind: Policy, rules: [{level: Metadata}]}"


def written(tmp_path: Path, name: str, data: bytes) -> Path:
    path = tmp_path / name
    path.write_bytes(data)
    return path


def test_a_file_is_called_by_what_it_is(tmp_path: Path) -> None:
    policy = written(tmp_path, "p.yml", POLICY)
    webhook = written(tmp_path, "token-webhook.kubeconfig", b"{apiVersion: v1, kind: Config}")
    found = checked([policy, webhook])
    assert sorted(found) == ["audit-policy.yaml", "token-webhook.kubeconfig"]
    home = Home(tmp_path / "d")
    home.make()
    assert place(home, found)
    assert (home.root / "config" / "audit-policy.yaml").read_bytes() == POLICY
    assert (home.root / "config").stat().st_mode & 0o777 == 0o700
    assert not place(home, found)


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("a.yaml", b"kind: Pod", "nothing that the server reads"),
        ("a.yaml", b"[", "is no YAML"),
        ("a.yaml", b"- 1", "nothing that the server reads"),
        ("a.kubeconfig", b"kind: Config", "of which webhook"),
        ("a.yaml", POLICY.replace(b"Metadata", b"All"), "rules[0].level"),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, name: str, data: bytes, said: str) -> None:
    with pytest.raises(CorralError) as fault:
        checked([written(tmp_path, name, data)])
    assert said in str(fault.value)


def test_a_provider_is_named_in_two_words(tmp_path: Path) -> None:
    (text,) = open_id("https://issuer", "me").values()
    assert yaml.safe_load(text)["jwt"][0]["issuer"] == {"url": "https://issuer", "audiences": ["me"]}
    assert list(checked([written(tmp_path, "a", text)])) == ["authentication.yaml"]
    assert open_id("", "") == {}
    for words in (("https://issuer", ""), ("", "me"), ("http://issuer", "me")):
        with pytest.raises(CorralError, match="OpenID provider"):
            open_id(*words)
