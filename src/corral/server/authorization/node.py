"""The node authorizer: a node's agent reads what the pods bound to the node refer to, and writes what is the node's own.

See https://kubernetes.io/docs/reference/access-authn-authz/node/. What a write may contain is the NodeRestriction plugin's.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

from corral.api import podreferences
from corral.api.objects import Object
from corral.server.authorization import rules
from corral.server.authorization.attributes import Attributes
from corral.server.lookup import Lookup
from corral.server.request import User

NODES_GROUP = "system:nodes"
NODE_PREFIX = "system:node:"
#: Marks the pod that shows a static pod of its node.
MIRROR = "kubernetes.io/config.mirror"
LEASE_NAMESPACE = "kube-node-lease"
READS = ("get", "list", "watch")
OWN_WRITES = ("get", "create", "update", "patch", "delete")
RESOURCE_SLICE_VERBS = "get, watch, list, create, update, patch, delete, deletecollection"


def _rule(verbs: str, group: str, resources: str) -> Object:
    return {"verbs": verbs.split(), "apiGroups": [group], "resources": resources.split()}


#: What every node may do that has no subdivision below.
NODE_RULES: tuple[Object, ...] = (
    _rule("create", "authentication.k8s.io", "tokenreviews"),
    _rule("create", "authorization.k8s.io", "subjectaccessreviews localsubjectaccessreviews"),
    _rule("get list watch", "", "services"),
    _rule("create get list watch", "", "nodes"),
    _rule("update patch", "", "nodes nodes/status"),
    _rule("create update patch", "", "events"),
    _rule("create update patch", "events.k8s.io", "events"),
    _rule("create delete", "", "pods"),
    _rule("update patch", "", "pods/status"),
    _rule("create", "", "pods/eviction"),
    _rule("get", "", "endpoints"),
    _rule("create get list watch", "certificates.k8s.io", "certificatesigningrequests"),
    _rule("get list watch", "storage.k8s.io", "csidrivers"),
    _rule("get list watch", "node.k8s.io", "runtimeclasses"),
)


class NodeDecision(NamedTuple):
    """Whether the node may, and if not, why not ("" where the user is no node)."""

    allowed: bool
    reason: str = ""


_YES = NodeDecision(True)
_NOT_A_NODE = NodeDecision(False)


def node_of(user: User) -> str | None:
    """The name of the node that `user` is; None for others, "" for a nameless one."""
    if user.name.startswith(NODE_PREFIX) and NODES_GROUP in user.groups:
        return user.name.removeprefix(NODE_PREFIX)
    return None


class NodeAuthorizer:
    """Decides for nodes from the pods bound to them."""

    def __init__(self, lookup: Lookup) -> None:
        self._lookup = lookup
        self._special: dict[tuple[str, str], Callable[[str, Attributes], NodeDecision]] = {
            ("", "secrets"): self._namespaced_read,
            ("", "configmaps"): self._namespaced_read,
            ("", "persistentvolumeclaims"): self._claim,
            ("", "persistentvolumes"): self._get,
            ("resource.k8s.io", "resourceclaims"): self._get,
            ("storage.k8s.io", "volumeattachments"): self._get,
            ("", "serviceaccounts"): self._service_account,
            ("coordination.k8s.io", "leases"): self._lease,
            ("storage.k8s.io", "csinodes"): self._csi_node,
            ("resource.k8s.io", "resourceslices"): self._resource_slice,
            ("", "nodes"): self._node,
            ("", "pods"): self._pod,
        }

    def decide(self, attributes: Attributes) -> NodeDecision:
        """Whether the user is a node that may do this."""
        node = node_of(attributes.user)
        if node is None or not attributes.resource:
            return _NOT_A_NODE
        if not node:
            return NodeDecision(False, f'unknown node for user "{attributes.user.name}"')
        special = self._special.get((attributes.group, attributes.resource))
        return special(node, attributes) if special else _by_rules(attributes)

    def _namespaced_read(self, node: str, attributes: Attributes) -> NodeDecision:
        if attributes.verb not in READS:
            return NodeDecision(False, "can only read resources of this type")
        if attributes.subresource:
            return NodeDecision(False, "cannot read subresource")
        if not attributes.namespace:
            return NodeDecision(False, "can only read namespaced object of this type")
        return self._related(node, attributes)

    def _get(self, node: str, attributes: Attributes) -> NodeDecision:
        if attributes.verb != "get":
            return NodeDecision(False, "can only get individual resources of this type")
        if attributes.subresource:
            return NodeDecision(False, "cannot get subresource")
        return self._related(node, attributes)

    def _claim(self, node: str, attributes: Attributes) -> NodeDecision:
        if attributes.subresource != "status":
            return self._get(node, attributes)
        if attributes.verb not in ("get", "update", "patch"):
            return NodeDecision(False, "can only get/update/patch this type")
        return self._related(node, attributes)

    def _service_account(self, node: str, attributes: Attributes) -> NodeDecision:
        if attributes.verb == "get" and not attributes.subresource:
            return self._related(node, attributes)
        if attributes.verb != "create" or not attributes.name:
            return NodeDecision(False, "can only create tokens for individual service accounts")
        if attributes.subresource != "token":
            return NodeDecision(False, "can only create token subresource of serviceaccount")
        return self._related(node, attributes)

    def _lease(self, node: str, attributes: Attributes) -> NodeDecision:
        if attributes.verb not in OWN_WRITES:
            return NodeDecision(False, "can only get, create, update, patch, or delete a node lease")
        if attributes.namespace != LEASE_NAMESPACE:
            return NodeDecision(False, f'can only access leases in the "{LEASE_NAMESPACE}" system namespace')
        if attributes.verb != "create" and attributes.name != node:
            return NodeDecision(False, "can only access node lease with the same name as the requesting node")
        return _YES

    def _csi_node(self, node: str, attributes: Attributes) -> NodeDecision:
        if attributes.verb not in OWN_WRITES:
            return NodeDecision(False, "can only get, create, update, patch, or delete a CSINode")
        if attributes.subresource:
            return NodeDecision(False, "cannot authorize CSINode subresources")
        if attributes.verb != "create" and attributes.name != node:
            return NodeDecision(False, "can only access CSINode with the same name as the requesting node")
        return _YES

    def _resource_slice(self, node: str, attributes: Attributes) -> NodeDecision:
        if attributes.subresource:
            return NodeDecision(False, "cannot authorize ResourceSlice subresources")
        if attributes.verb == "create":
            return _YES
        if attributes.verb in ("list", "watch", "deletecollection"):
            if _selected(attributes.field_selector, "spec.nodeName") == node:
                return _YES
            return NodeDecision(False, "can only list/watch/deletecollection resourceslices with nodeName field selector")
        if attributes.verb in OWN_WRITES:
            return self._related(node, attributes)
        return NodeDecision(False, "only the following verbs are allowed for a ResourceSlice: " + RESOURCE_SLICE_VERBS)

    def _node(self, node: str, attributes: Attributes) -> NodeDecision:
        if attributes.subresource or attributes.verb not in READS or attributes.name == node:
            return _by_rules(attributes)
        if not attributes.name:
            return NodeDecision(False, f"node '{node}' cannot read all nodes, only its own Node object")
        return NodeDecision(False, f"node '{node}' cannot read '{attributes.name}', only its own Node object")

    def _pod(self, node: str, attributes: Attributes) -> NodeDecision:
        if attributes.subresource or attributes.verb not in READS:
            return _by_rules(attributes)
        if attributes.verb == "get":
            return self._related(node, attributes)
        if _selected(attributes.field_selector, "spec.nodeName") == node:
            return _YES
        return NodeDecision(False, "can only list/watch pods with spec.nodeName field selector")

    def _related(self, node: str, attributes: Attributes) -> NodeDecision:
        if not attributes.name:
            return NodeDecision(False, "No Object name found")
        if self._is_related(node, attributes):
            return _YES
        return NodeDecision(False, f"no relationship found between node '{node}' and this object")

    def _is_related(self, node: str, attributes: Attributes) -> bool:
        """Whether the object is the node's, or a pod on the node refers to it."""
        resource, namespace, name = attributes.resource, attributes.namespace, attributes.name
        if resource in ("volumeattachments", "resourceslices"):
            found = self._lookup.get(f"{resource}.{attributes.group}", "", name)
            return found is not None and found.get("spec", {}).get("nodeName") == node
        for pod in self._lookup.pods_of_node(node):
            meta = pod["metadata"]
            if resource == "pods":
                related = meta["name"] == name and meta.get("namespace", "") == namespace
            elif MIRROR in (meta.get("annotations") or {}):
                # A node makes these itself: they must not open anything to it.
                related = False
            elif resource == "persistentvolumes":
                related = any(volume["metadata"]["name"] == name for volume in self._volumes(pod))
            else:
                related = meta.get("namespace", "") == namespace and self._refers(pod, resource, name)
                if resource == "secrets" and not related:
                    related = any((namespace, name) in podreferences.volume_secrets(v) for v in self._volumes(pod))
            if related:
                return True
        return False

    @staticmethod
    def _refers(pod: Object, resource: str, name: str) -> bool:
        match resource:
            case "secrets":
                return name in podreferences.secrets(pod["spec"])
            case "configmaps":
                return name in podreferences.config_maps(pod["spec"])
            case "serviceaccounts":
                return bool(pod["spec"].get("serviceAccountName") == name)
            case "persistentvolumeclaims":
                return name in podreferences.claims(pod)
            case "resourceclaims":
                return name in podreferences.resource_claims(pod)
        return False

    def _volumes(self, pod: Object) -> Iterator[Object]:
        """The PersistentVolumes that are bound to claims of the pod: claim and volume must name each other."""
        namespace = pod["metadata"].get("namespace", "")
        for claim_name in podreferences.claims(pod):
            claim = self._lookup.get("persistentvolumeclaims", namespace, claim_name)
            volume_name = ((claim or {}).get("spec") or {}).get("volumeName", "")
            volume = self._lookup.get("persistentvolumes", "", volume_name) if volume_name else None
            ref = ((volume or {}).get("spec") or {}).get("claimRef") or {}
            if volume is not None and (ref.get("namespace"), ref.get("name")) == (namespace, claim_name):
                yield volume


def _by_rules(attributes: Attributes) -> NodeDecision:
    asked = (attributes.verb, attributes.group, attributes.combined, attributes.subresource)
    return _YES if any(rules.allows_resource(rule, *asked) for rule in NODE_RULES) else _NOT_A_NODE


def _selected(field_selector: str, field: str) -> str:
    """The value that a field selector demands of `field`, "" if none."""
    for term in field_selector.split(","):
        name, equals, value = term.partition("=")
        if equals and name == field:
            return value.removeprefix("=")
    return ""
