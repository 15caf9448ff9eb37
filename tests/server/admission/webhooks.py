"""What tests of webhooks share: configurations, definitions, a server and a webhook at once."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from corral.api.objects import Object
from corral.testing.server import RunningServer, running_server
from corral.testing.webhooks import Answer, Webhook, running_webhook

MUTATING = "mutatingwebhookconfigurations.admissionregistration.k8s.io"
VALIDATING = "validatingwebhookconfigurations.admissionregistration.k8s.io"
DEFINITIONS = "customresourcedefinitions.apiextensions.k8s.io"


@asynccontextmanager
async def server_and_webhook(tmp_path, answer: Answer, **settings: Any) -> AsyncIterator[tuple[RunningServer, Webhook]]:
    async with (
        running_webhook(tmp_path / "hook", answer, **settings) as hook,
        running_server(tmp_path / "data") as server,
    ):
        account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default", "namespace": "default"}}
        await server.client().create("serviceaccounts", account)  # No controller makes it here; pods need it.
        yield server, hook


def rule(resources: str = "configmaps", *, operations: str = "CREATE", group: str = "", version: str = "v1") -> Object:
    return {
        "operations": operations.split(","),
        "apiGroups": [group],
        "apiVersions": [version],
        "resources": resources.split(","),
    }


def hook_of(name: str, client_config: Object, *rules: Object, **more: Any) -> Object:
    return {
        "name": name,
        "clientConfig": client_config,
        "rules": list(rules) or [rule()],
        "sideEffects": "None",
        "admissionReviewVersions": ["v1"],
        **more,
    }


def configuration(kind: str, name: str, *hooks: Object, **meta: Any) -> Object:
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": f"{kind}WebhookConfiguration",
        "metadata": {"name": name, **meta},
        "webhooks": list(hooks),
    }


def definition(*versions: Object, **spec: Any) -> Object:
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "crontabs.stable.example.com"},
        "spec": {
            "group": "stable.example.com",
            "scope": "Namespaced",
            "names": {"plural": "crontabs", "singular": "crontab", "kind": "CronTab"},
            "versions": list(versions) or [version("v1", storage=True)],
            **spec,
        },
    }


def version(name: str, *, storage: bool = False, properties: Object | None = None, **more: Any) -> Object:
    schema: Object = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    if properties is not None:
        schema = {"type": "object", "properties": properties}
    return {"name": name, "served": True, "storage": storage, "schema": {"openAPIV3Schema": schema}, **more}


def crontab(name: str, api_version: str = "v1", **fields: Any) -> Object:
    return {
        "apiVersion": f"stable.example.com/{api_version}",
        "kind": "CronTab",
        "metadata": {"name": name, "namespace": "default"},
        **fields,
    }
