"""The status of ValidatingAdmissionPolicies: which generation was looked at, and what is doubtful about its expressions.

https://kubernetes.io/docs/reference/access-authn-authz/validating-admission-policy/#type-checking
"""

from corral.api import facts
from corral.api.definitions import version_of
from corral.api.objects import Key, Object, key_of
from corral.api.resources import Resource
from corral.client.client import Client
from corral.client.informer import Informer, Informers
from corral.controllers.actions import Action, Actor, Update
from corral.loop.controller import Controller

POLICIES = "validatingadmissionpolicies.admissionregistration.k8s.io"
DEFINITIONS = "customresourcedefinitions.apiextensions.k8s.io"


def is_seen(policy: Object) -> bool:
    """Whether its status is about it as it is now."""
    return bool((policy.get("status") or {}).get("observedGeneration") == policy["metadata"].get("generation"))


def plan(policy: Object, warnings: list[Object]) -> list[Action]:
    """Write the status."""
    status = {**(policy.get("status") or {}), "observedGeneration": policy["metadata"].get("generation", 0)}
    status["typeChecking"] = {"expressionWarnings": warnings} if warnings else {}
    return [Update(POLICIES, {**policy, "status": status}, "status")]


def _type_of(resource: Resource, definitions: Informer) -> facts.Type | None:
    """The type of the objects of a resource that is served."""
    if facts.has_schema(resource.group, resource.version, resource.kind):
        return facts.schema(resource.group, resource.version, resource.kind)
    definition = definitions.get("", resource.group_resource)
    if definition is None:
        return None
    from corral.api.customschema import type_of

    try:
        version = version_of(definition, resource.version)
    except KeyError:
        return None
    return type_of((version.get("schema") or {}).get("openAPIV3Schema") or {})


def build(client: Client, informers: Informers) -> Controller:
    """The controller; its keys are policies. CEL is loaded with the first one."""
    policies, definitions, actor = informers.get(POLICIES), informers.get(DEFINITIONS), Actor(client)

    async def reconcile(key: Key) -> float | None:
        policy = policies.get(*key)
        if policy is None or is_seen(policy):
            return None
        from corral.api.policychecks import warnings

        found = warnings(policy, client.catalog, lambda resource: _type_of(resource, definitions))
        return await actor.act(plan(policy, found))

    controller = Controller("validatingadmissionpolicy-status", reconcile)
    controller.watch(policies, lambda policy: [] if is_seen(policy) else [key_of(policy)])
    return controller
