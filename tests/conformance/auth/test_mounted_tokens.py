"""The tokens that pods find where they look for them."""

import base64
import json
from typing import Any

from tests.conformance.pods import FOREVER, Pods, pod

PLACE = "/var/run/secrets/kubernetes.io/serviceaccount"


def _claims(token: str) -> Any:
    part = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


def test_a_pod_has_a_token_of_its_account(pods: Pods) -> None:
    """[sig-auth] ServiceAccounts should mount an API token into pods [Conformance]"""
    pods.create("serviceaccounts", {"metadata": {"name": "mount-test"}})
    pods.start(pod("p", {"command": FOREVER}, serviceAccountName="mount-test"))
    uid = pods.running("p")["metadata"]["uid"]
    token = pods.exec("p", "cat", f"{PLACE}/token")
    authority = pods.get("configmaps/kube-root-ca.crt")["data"]["ca.crt"]
    assert pods.exec("p", "cat", f"{PLACE}/ca.crt") == authority
    assert pods.exec("p", "cat", f"{PLACE}/namespace") == pods.namespace
    review = pods.create("/apis/authentication.k8s.io/v1/tokenreviews", {"spec": {"token": token}})
    user = review["status"]["user"]
    assert review["status"]["authenticated"] and user["username"] == f"system:serviceaccount:{pods.namespace}:mount-test"
    assert {"system:serviceaccounts", f"system:serviceaccounts:{pods.namespace}", "system:authenticated"} <= set(user["groups"])
    assert user["extra"]["authentication.kubernetes.io/pod-name"] == ["p"]
    assert user["extra"]["authentication.kubernetes.io/pod-uid"] == [uid]
    # It is what its holder is known by.
    me = pods.with_token(token, pods.cluster.data_dir / "pki" / "ca.crt")
    answer = me.create("/apis/authentication.k8s.io/v1/selfsubjectreviews", {})
    assert answer["status"]["userInfo"]["username"] == user["username"]
    me.close()
    pods.delete("pods/p")
    pods.until_gone("pods/p")
    review = pods.create("/apis/authentication.k8s.io/v1/tokenreviews", {"spec": {"token": token}})
    assert not review["status"].get("authenticated")


def test_a_token_for_somebody_else(pods: Pods) -> None:
    """[sig-auth] ServiceAccounts should mount projected service account token [Conformance]"""
    source = {"serviceAccountToken": {"path": "token", "audience": "vault", "expirationSeconds": 7200}}
    volume = {"name": "token", "projected": {"sources": [source], "defaultMode": 0o400}}
    mount = [{"name": "token", "mountPath": "/var/run/projected"}]
    script = "stat -L -c %a /var/run/projected/token; cat /var/run/projected/token"
    pods.start(pod("p", {"command": ["sh", "-c", script], "volumeMounts": mount}, volumes=[volume]))
    mode, token = pods.output("p").split("\n")
    claims = _claims(token)
    assert mode == "400"
    assert claims["sub"] == f"system:serviceaccount:{pods.namespace}:default" and claims["aud"] == ["vault"]
    assert 7100 <= claims["exp"] - claims["iat"] <= 7300
    assert claims["kubernetes.io"]["pod"]["name"] == "p"
