"""Bearer tokens other than service accounts': those in a file, and bootstrap tokens, which are Secrets in kube-system.

See https://kubernetes.io/docs/reference/access-authn-authz/bootstrap-tokens/.
"""

import base64
import binascii
import csv
import hashlib
import hmac
import re
from collections.abc import Mapping
from pathlib import Path

from corral.api.objects import Object
from corral.base.clock import parse_rfc3339
from corral.base.errors import CorralError
from corral.server.lookup import Lookup
from corral.server.request import User

BOOTSTRAP_TOKEN = re.compile(r"([a-z0-9]{6})\.([a-z0-9]{16})")
BOOTSTRAP_GROUP = re.compile(r"system:bootstrappers:[a-z0-9:-]{0,255}[a-z0-9]")
#: In the directory of the cluster's keys.
TOKEN_FILE = "tokens.csv"
BOOTSTRAP_TYPE = "bootstrap.kubernetes.io/token"


def digest(token: str) -> bytes:
    """What a static token is found by: comparing digests tells an attacker nothing about how much was right."""
    return hashlib.sha256(token.encode()).digest()


def load_token_file(path: Path) -> dict[bytes, User]:
    """The users of a token file by digest: lines of `token,user,uid,"group1,group2"`; no file, no users. Raises CorralError."""
    users: dict[bytes, User] = {}
    if not path.exists():
        return users
    try:
        with path.open(newline="") as file:
            for number, row in enumerate(csv.reader(file), 1):
                if not row:
                    continue
                if len(row) < 3 or not row[0].strip():
                    raise CorralError(f"{path}:{number}: a token, a user and a uid are needed", "write: token,user,uid,groups")
                groups = tuple(g.strip() for g in row[3].split(",") if g.strip()) if len(row) > 3 else ()
                users[digest(row[0].strip())] = User(row[1].strip(), row[2].strip(), groups)
    except OSError as error:
        raise CorralError(f"cannot read the token file {path}: {error}") from error
    return users


def bootstrap_user(token: str, lookup: Lookup, now_s: float) -> User | None:
    """The user of a bootstrap token, None where it is none or no longer good."""
    parts = BOOTSTRAP_TOKEN.fullmatch(token)
    if parts is None:
        return None
    token_id, token_secret = parts.groups()
    secret = lookup.get("secrets", "kube-system", f"bootstrap-token-{token_id}")
    if secret is None or secret.get("type") != BOOTSTRAP_TYPE or "deletionTimestamp" in secret["metadata"]:
        return None
    data = _decoded(secret)
    same = hmac.compare_digest(data.get("token-secret", "").encode(), token_secret.encode())
    if not same or data.get("token-id") != token_id or data.get("usage-bootstrap-authentication") != "true":
        return None
    if "expiration" in data:
        try:
            if parse_rfc3339(data["expiration"]) <= now_s:
                return None
        except ValueError:
            return None
    groups = [g for g in data.get("auth-extra-groups", "").split(",") if g]
    if not all(BOOTSTRAP_GROUP.fullmatch(group) for group in groups):
        return None
    return User(f"system:bootstrap:{token_id}", groups=("system:bootstrappers", *sorted(set(groups))))


def _decoded(secret: Object) -> Mapping[str, str]:
    decoded = {}
    for key, value in (secret.get("data") or {}).items():
        try:
            decoded[key] = base64.b64decode(value).decode()
        except (binascii.Error, UnicodeDecodeError):
            continue
    return decoded
