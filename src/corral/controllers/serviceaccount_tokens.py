"""Fills Secrets of type `kubernetes.io/service-account-token`, and deletes them with their accounts.

https://kubernetes.io/docs/reference/access-authn-authz/service-accounts-admin/#token-controller
"""

import base64
from collections.abc import Callable, Iterable

from corral.api.errors import ApiError
from corral.api.objects import Key, Object, key_of
from corral.client.client import Client
from corral.client.informer import Informers
from corral.controllers.actions import Action, Actor, Delete, Update
from corral.loop.controller import Controller

TYPE = "kubernetes.io/service-account-token"
ACCOUNT_NAME = "kubernetes.io/service-account.name"
ACCOUNT_UID = "kubernetes.io/service-account.uid"

#: Signs the token of an account that a Secret will hold.
Sign = Callable[[Object, Object], str]


def plan(secret: Object, account: Object | None, root_ca: str, sign: Sign) -> list[Action]:
    """Fill in what the Secret lacks; delete one whose account is gone, or is another one of that name."""
    meta = secret["metadata"]
    if meta.get("deletionTimestamp"):
        return []
    annotations = meta.get("annotations") or {}
    uid = "" if account is None else account["metadata"].get("uid", "")
    if account is None or annotations.get(ACCOUNT_UID, uid) != uid:
        return [Delete("secrets", key_of(secret), meta["uid"])]
    if account["metadata"].get("deletionTimestamp"):
        return []
    data = dict(secret.get("data") or {})
    if root_ca:
        data["ca.crt"] = _encoded(root_ca)
    if not data.get("namespace"):
        data["namespace"] = _encoded(meta["namespace"])
    if not data.get("token"):
        data["token"] = _encoded(sign(account, secret))
    if data == (secret.get("data") or {}) and annotations.get(ACCOUNT_UID) == uid:
        return []
    meta = {**meta, "annotations": {**annotations, ACCOUNT_UID: uid}}
    return [Update("secrets", {**secret, "metadata": meta, "data": data})]


def forget(accounts: Iterable[Object], name: str) -> list[Action]:
    """Take the Secret called `name`, which is gone, out of the accounts that list it."""
    actions: list[Action] = []
    for account in accounts:
        listed = account.get("secrets") or []
        left = [ref for ref in listed if ref.get("name") != name]
        if len(left) != len(listed):
            actions.append(Update("serviceaccounts", {**account, "secrets": left}))
    return actions


def build(client: Client, informers: Informers, root_ca: str, sign: Sign) -> Controller:
    """The controller; its keys are Secrets."""
    secrets = informers.get("secrets", {"service-account": _account_index})
    accounts = informers.get("serviceaccounts")
    actor = Actor(client)

    async def reconcile(key: Key) -> float | None:
        secret = secrets.get(*key)
        if secret is None:
            return await actor.act(forget(accounts.objects(key.namespace), key.name))
        name = _account_of(secret)
        account = accounts.get(key.namespace, name) or await _present(client, key.namespace, name)
        return await actor.act(plan(secret, account, root_ca, sign))

    def of_account(account: Object) -> Iterable[Key]:
        meta = account["metadata"]
        return [key_of(secret) for secret in secrets.indexed("service-account", f"{meta['namespace']}/{meta['name']}")]

    controller = Controller("serviceaccount-token-controller", reconcile)
    controller.watch(secrets, lambda secret: [key_of(secret)] if secret.get("type") == TYPE else [])
    controller.watch(accounts, of_account)
    return controller


async def _present(client: Client, namespace: str, name: str) -> Object | None:
    """The account, if the API has it: a Secret may be seen before the account that was made just before it."""
    try:
        return await client.get("serviceaccounts", name, namespace) if name else None
    except ApiError as error:
        if error.code != 404:
            raise
        return None


def _account_of(secret: Object) -> str:
    name: str = (secret["metadata"].get("annotations") or {}).get(ACCOUNT_NAME, "")
    return name


def _account_index(secret: Object) -> Iterable[str]:
    return [f"{secret['metadata']['namespace']}/{_account_of(secret)}"] if secret.get("type") == TYPE else []


def _encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
