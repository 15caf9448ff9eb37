"""Bootstrap tokens: `cluster-info` is signed with each of them, and those that have ended are deleted.

Who has a token can check with the signature that the cluster's address and authority are what the token's giver meant. See
https://kubernetes.io/docs/reference/access-authn-authz/bootstrap-tokens/#configmap-signing.
"""

import base64
import binascii
import re
import warnings
from collections.abc import Iterable, Mapping

import jwt

from corral.api.objects import Key, Object, key_of
from corral.base.clock import Clock, parse_rfc3339
from corral.client.client import Client
from corral.client.informer import Informers
from corral.controllers.actions import Action, Actor, Again, Delete, Update
from corral.loop.controller import Controller

TYPE = "bootstrap.kubernetes.io/token"
NAMESPACE = "kube-system"
NAME_PREFIX = "bootstrap-token-"
CLUSTER_INFO = Key("kube-public", "cluster-info")
KUBECONFIG = "kubeconfig"
SIGNATURE_PREFIX = "jws-kubeconfig-"
_ID = re.compile(r"[a-z0-9]{6}")
_SECRET = re.compile(r"[a-z0-9]{16}")


def plan_signatures(cluster_info: Object, secrets: Iterable[Object], now_s: float) -> list[Action]:
    """Sign the kubeconfig in `cluster-info` with each token that may, and take away the signatures of the others."""
    data = cluster_info.get("data") or {}
    content = data.get(KUBECONFIG)
    if not content:
        return []
    wanted = {name: value for name, value in data.items() if not name.startswith(SIGNATURE_PREFIX)}
    for secret in secrets:
        token = _signing_token(secret, now_s)
        if token is not None:
            wanted[SIGNATURE_PREFIX + token[0]] = signature(content, *token)
    return [] if wanted == data else [Update("configmaps", {**cluster_info, "data": wanted})]


def signature(content: str, token_id: str, token_secret: str) -> str:
    """The detached JSON Web Signature (RFC 7515, appendix F) of `content`."""
    with warnings.catch_warnings():
        # A bootstrap token's secret has 16 characters, as Kubernetes says: the library would have 32.
        warnings.simplefilter("ignore", jwt.InsecureKeyLengthWarning)
        signed = jwt.api_jws.encode(content.encode(), token_secret.encode(), "HS256", headers={"kid": token_id, "typ": None})
    head, _, tail = signed.split(".")
    return f"{head}..{tail}"


def plan_cleaning(secret: Object, now_s: float) -> list[Action]:
    """Delete a token that has ended; look again when one ends. One whose end cannot be read has none that it could keep to."""
    ends = _decoded(secret).get("expiration", "")
    if not ends or secret["metadata"].get("deletionTimestamp"):
        return []
    try:
        left_s = parse_rfc3339(ends) - now_s
    except ValueError:
        left_s = 0.0
    if left_s > 0:
        return [Again(left_s)]
    return [Delete("secrets", key_of(secret), secret["metadata"]["uid"])]


def build(client: Client, informers: Informers, clock: Clock) -> list[Controller]:
    """Signer and cleaner."""
    secrets = informers.get("secrets", {"bootstrap-token": _index})
    config_maps, actor = informers.get("configmaps"), Actor(client)

    async def sign(key: Key) -> float | None:
        info = config_maps.get(*key)
        tokens = secrets.indexed("bootstrap-token", TYPE)
        return None if info is None else await actor.act(plan_signatures(info, tokens, clock.now()))

    async def clean(key: Key) -> float | None:
        secret = secrets.get(*key)
        return None if secret is None else await actor.act(plan_cleaning(secret, clock.now()))

    signer = Controller("bootstrap-signer-controller", sign, workers=1, clock=clock)
    signer.watch(config_maps, lambda found: [key_of(found)] if key_of(found) == CLUSTER_INFO else [])
    signer.watch(secrets, lambda secret: [CLUSTER_INFO] if _is_token(secret) else [])
    cleaner = Controller("token-cleaner-controller", clean, workers=1, clock=clock)
    cleaner.watch(secrets, lambda secret: [key_of(secret)] if _is_token(secret) else [])
    return [signer, cleaner]


def _signing_token(secret: Object, now_s: float) -> tuple[str, str] | None:
    """Id and secret of a token that signs."""
    data = _decoded(secret)
    token_id, token_secret = data.get("token-id", ""), data.get("token-secret", "")
    if not _ID.fullmatch(token_id) or not _SECRET.fullmatch(token_secret) or data.get("usage-bootstrap-signing") != "true":
        return None
    if secret["metadata"]["name"] != NAME_PREFIX + token_id or secret["metadata"].get("deletionTimestamp"):
        return None
    try:
        ended = "expiration" in data and parse_rfc3339(data["expiration"]) <= now_s
    except ValueError:
        ended = True
    return None if ended else (token_id, token_secret)


def _is_token(secret: Object) -> bool:
    return secret.get("type") == TYPE and secret["metadata"]["namespace"] == NAMESPACE


def _index(secret: Object) -> Iterable[str]:
    return [TYPE] if _is_token(secret) else []


def _decoded(secret: Object) -> Mapping[str, str]:
    decoded = {}
    for key, value in (secret.get("data") or {}).items():
        try:
            decoded[key] = base64.b64decode(value).decode()
        except (binascii.Error, UnicodeDecodeError):
            continue
    return decoded
