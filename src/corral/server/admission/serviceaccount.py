"""ServiceAccount: every pod runs as one, and finds its token, the cluster's certificate and its namespace in a volume.

See https://kubernetes.io/docs/concepts/security/service-accounts/ and KEP-1205.
"""

import asyncio
import random
from collections.abc import Callable, Iterator

from corral.api import podreferences
from corral.api.objects import Object
from corral.server.admission.chain import Plugin, forbidden
from corral.server.lookup import Lookup
from corral.server.request import Admission

DEFAULT_ACCOUNT = "default"
MOUNT_PATH = "/var/run/secrets/kubernetes.io/serviceaccount"
VOLUME_PREFIX = "kube-api-access-"
TOKEN_LIFETIME_S = 3607
MIRROR_ANNOTATION = "kubernetes.io/config.mirror"
ENFORCE_SECRETS = "kubernetes.io/enforce-mountable-secrets"
#: The account `default` of a new namespace is made by a controller: the first pod waits for it this often and long.
DEFAULT_ACCOUNT_TRIES = 10
DEFAULT_ACCOUNT_WAIT_S = 0.1
SUFFIX_LETTERS = "bcdfghjklmnpqrstvwxz2456789"
SUFFIX_LENGTH = 5


def random_suffix() -> str:
    """Five letters that make a name unique and never spell a word."""
    return "".join(random.choices(SUFFIX_LETTERS, k=SUFFIX_LENGTH))


class ServiceAccount(Plugin):
    """Gives pods their account, its token volume and its image pull secrets."""

    resources = frozenset({"pods"})
    operations = frozenset({"CREATE", "UPDATE"})

    def __init__(self, lookup: Lookup, suffix: Callable[[], str] = random_suffix) -> None:
        self._lookup = lookup
        self._suffix = suffix

    async def admit(self, admission: Admission) -> None:
        """Complete a new pod. Raises ApiError (403) where its account does not exist."""
        if admission.operation != "CREATE" or admission.subresource or admission.object is None:
            return
        spec = admission.object.setdefault("spec", {})
        if _is_mirror(admission.object):
            _require_no_secrets(admission, spec)
            return
        name = spec.get("serviceAccountName") or spec.get("serviceAccount") or DEFAULT_ACCOUNT
        spec["serviceAccountName"] = spec["serviceAccount"] = name
        account = await self._account(admission, name)
        if _automounts(spec, account):
            self._mount_token(spec)
        if not spec.get("imagePullSecrets") and account.get("imagePullSecrets"):
            spec["imagePullSecrets"] = [dict(ref) for ref in account["imagePullSecrets"]]

    def validate(self, admission: Admission) -> None:
        """Keep pods to the Secrets that their account lists, where it asks for that."""
        if admission.object is None or admission.subresource not in ("", "ephemeralcontainers"):
            return
        if (admission.operation == "UPDATE") != (admission.subresource == "ephemeralcontainers"):
            return
        spec = admission.object.get("spec") or {}
        if _is_mirror(admission.object):
            return
        account = self._lookup.get("serviceaccounts", admission.request.namespace, spec.get("serviceAccountName", ""))
        annotations = (account or {}).get("metadata", {}).get("annotations") or {}
        if account is not None and annotations.get(ENFORCE_SECRETS, "").lower() == "true":
            _require_listed(admission, spec, account)

    async def _account(self, admission: Admission, name: str) -> Object:
        namespace = admission.request.namespace
        for attempt in range(DEFAULT_ACCOUNT_TRIES if name == DEFAULT_ACCOUNT else 1):
            if attempt:
                await asyncio.sleep(DEFAULT_ACCOUNT_WAIT_S)
            account = self._lookup.get("serviceaccounts", namespace, name)
            if account is not None:
                return account
        why = f'error looking up service account {namespace}/{name}: serviceaccount "{name}" not found'
        raise forbidden(admission, why)

    def _mount_token(self, spec: Object) -> None:
        volumes: list[Object] = spec.get("volumes") or []
        known = next((v["name"] for v in volumes if v.get("name", "").startswith(VOLUME_PREFIX)), None)
        name = known or VOLUME_PREFIX + self._suffix()
        needed = False
        for field in ("initContainers", "containers"):
            for container in spec.get(field) or ():
                mounts = container.get("volumeMounts") or []
                if any(mount.get("mountPath") == MOUNT_PATH for mount in mounts):
                    continue
                container["volumeMounts"] = [*mounts, {"name": name, "readOnly": True, "mountPath": MOUNT_PATH}]
                needed = True
        if needed and known is None:
            spec["volumes"] = [*volumes, _token_volume(name)]


def _token_volume(name: str) -> Object:
    namespace_ref = {"apiVersion": "v1", "fieldPath": "metadata.namespace"}
    sources = [
        {"serviceAccountToken": {"expirationSeconds": TOKEN_LIFETIME_S, "path": "token"}},
        {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
        {"downwardAPI": {"items": [{"path": "namespace", "fieldRef": namespace_ref}]}},
    ]
    return {"name": name, "projected": {"sources": sources, "defaultMode": 0o644}}


def _automounts(spec: Object, account: Object) -> bool:
    """The pod's wish counts before the account's; neither means yes."""
    for wish in (spec.get("automountServiceAccountToken"), account.get("automountServiceAccountToken")):
        if wish is not None:
            return bool(wish)
    return True


def _is_mirror(pod: Object) -> bool:
    return MIRROR_ANNOTATION in (pod.get("metadata", {}).get("annotations") or {})


def _require_no_secrets(admission: Admission, spec: Object) -> None:
    """The API's copy of a pod that a node runs on its own must not name what the node could not have."""
    if spec.get("serviceAccountName"):
        raise forbidden(admission, "a mirror pod may not reference service accounts")
    if podreferences.secrets(spec):
        raise forbidden(admission, "a mirror pod may not reference secrets")
    for volume in spec.get("volumes") or ():
        for source in (volume.get("projected") or {}).get("sources") or ():
            if "serviceAccountToken" in source:
                raise forbidden(admission, "a mirror pod may not use ServiceAccountToken volume projections")


def _require_listed(admission: Admission, spec: Object, account: Object) -> None:
    listed = {ref.get("name") for ref in account.get("secrets") or ()}
    name = account["metadata"]["name"]
    for what, secret in _mentions(spec):
        if secret not in listed:
            why = f'{what}="{secret}" is not allowed because service account {name} does not reference that secret'
            raise forbidden(admission, why)
    pull = {ref.get("name") for ref in account.get("imagePullSecrets") or ()}
    for i, ref in enumerate(spec.get("imagePullSecrets") or ()):
        if ref.get("name") not in pull:
            why = f'imagePullSecrets[{i}].name="{ref.get("name")}" is not allowed because service account {name} '
            raise forbidden(admission, why + "does not reference that imagePullSecret")


def _mentions(spec: Object) -> Iterator[tuple[str, str]]:
    for volume in spec.get("volumes") or ():
        if "secret" in volume:
            yield "volume with secret.secretName", volume["secret"].get("secretName", "")
    for field, title in (("initContainers", "init container"), ("containers", "container")):
        for container in spec.get(field) or ():
            for variable in container.get("env") or ():
                ref = (variable.get("valueFrom") or {}).get("secretKeyRef")
                if ref:
                    where = f"{title} {container['name']} with envVar {variable['name']} referencing secret.secretName"
                    yield where, ref.get("name", "")
