"""NodeRestriction: a node's agent writes only its own Node, its own pods' status, and asks for its own pods' tokens.

The node authorizer has decided which kinds of objects; this looks at what is in them. See
https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/#noderestriction.
"""

from collections.abc import Callable

from corral.api import podreferences
from corral.api.objects import Object
from corral.server.admission.chain import Plugin, forbidden, name_of
from corral.server.admission.serviceaccount import MIRROR_ANNOTATION
from corral.server.authorization.node import LEASE_NAMESPACE, node_of
from corral.server.lookup import Lookup
from corral.server.request import Admission

LEASES = "leases.coordination.k8s.io"
CSI_NODES = "csinodes.storage.k8s.io"
RESOURCE_SLICES = "resourceslices.resource.k8s.io"
RESERVED_DOMAINS = ("kubernetes.io", "k8s.io")
#: Domains below the reserved ones whose labels an agent may set.
OWN_DOMAINS = ("kubelet.kubernetes.io", "node.kubernetes.io")
OWN_LABELS = frozenset(
    (
        "beta.kubernetes.io/arch",
        "beta.kubernetes.io/instance-type",
        "beta.kubernetes.io/os",
        "failure-domain.beta.kubernetes.io/region",
        "failure-domain.beta.kubernetes.io/zone",
        "failure-domain.kubernetes.io/region",
        "failure-domain.kubernetes.io/zone",
        "kubernetes.io/arch",
        "kubernetes.io/hostname",
        "kubernetes.io/os",
        "node.kubernetes.io/instance-type",
        "topology.kubernetes.io/region",
        "topology.kubernetes.io/zone",
    )
)


#: What a node says in a claim's status.
_CLAIM_SIZE = ("capacity", "conditions", "allocatedResources", "allocatedResourceStatuses")


class NodeRestriction(Plugin):
    """Judges the writes of nodes; those of others pass."""

    resources = frozenset({"pods", "nodes", "persistentvolumeclaims", "serviceaccounts", LEASES, CSI_NODES, RESOURCE_SLICES})
    operations = frozenset({"CREATE", "UPDATE", "DELETE"})

    def __init__(self, lookup: Lookup) -> None:
        self._lookup = lookup
        self._judges: dict[str, Callable[[str, Admission], str]] = {
            "pods": self._pod,
            "nodes": self._node,
            "persistentvolumeclaims": self._claim,
            "serviceaccounts": self._token,
            LEASES: self._lease,
            CSI_NODES: self._csi_node,
            RESOURCE_SLICES: self._resource_slice,
        }

    def admit(self, admission: Admission) -> None:
        """Raise ApiError (403) for a node that goes too far."""
        node = node_of(admission.user)
        if node is None:
            return
        if not node:
            raise forbidden(admission, f'could not determine node from user "{admission.user.name}"')
        why = self._judges[admission.resource.group_resource](node, admission)
        if why:
            raise forbidden(admission, why)

    def _pod(self, node: str, admission: Admission) -> str:
        """What is wrong with a write of a pod, or ""."""
        pod = admission.old_object or self._lookup.get("pods", admission.request.namespace, admission.request.name) or {}
        on_node = (pod.get("spec") or {}).get("nodeName") == node
        match admission.subresource, admission.operation:
            case "", "CREATE":
                return _mirror_pod(node, admission.object or {})
            case "", "DELETE":
                return "" if on_node else f'node "{node}" can only delete pods with spec.nodeName set to itself'
            case "", operation:
                return f'unexpected operation "{operation}", node "{node}" can only create and delete mirror pods'
            case "status", "UPDATE":
                if not on_node:
                    return f'node "{node}" can only update pod status for pods with spec.nodeName set to itself'
                new = (admission.object or {}).get("metadata", {}).get("labels") or {}
                if new != (pod["metadata"].get("labels") or {}):
                    return f'node "{node}" cannot update labels through pod status'
                return _claims_changed(node, admission.object or {}, pod)
            case "eviction", "CREATE":
                return "" if on_node else f'node "{node}" can only evict pods with spec.nodeName set to itself'
            case subresource, _:
                return f"unexpected pod subresource \"{subresource}\", only 'status' and 'eviction' are allowed"

    def _node(self, node: str, admission: Admission) -> str:
        name = name_of(admission)
        if name != node:
            return f'node "{node}" is not allowed to modify node "{name}"'
        if admission.object is None:
            return ""
        new, old = admission.object, admission.old_object or {}
        labels = _reserved_changes(new, old)
        if admission.old_object is None:
            return f'node "{node}" is not allowed to set the following labels: {", ".join(labels)}' if labels else ""
        if ((new.get("spec") or {}).get("taints") or []) != ((old.get("spec") or {}).get("taints") or []):
            return f'node "{node}" is not allowed to modify taints'
        if labels:
            return f"is not allowed to modify labels: {', '.join(labels)}"
        owners = [(obj.get("metadata") or {}).get("ownerReferences") or [] for obj in (new, old)]
        return "" if owners[0] == owners[1] else f'node "{node}" is not allowed to modify ownerReferences'

    @staticmethod
    def _claim(node: str, admission: Admission) -> str:
        """A node says how large a claim's volume has become, and nothing else."""
        if admission.subresource != "status" or admission.operation != "UPDATE":
            return "may only update PVC status"
        new, old = (_without_size(claim or {}) for claim in (admission.object, admission.old_object))
        why = f'node "{node}" is not allowed to update fields other than status.quantity and status.conditions'
        return "" if new == old else why

    def _token(self, node: str, admission: Admission) -> str:
        """A node asks for tokens of pods that run on it, for audiences that they mount."""
        if admission.operation != "CREATE" or admission.subresource != "token":
            return ""
        spec = (admission.object or {}).get("spec") or {}
        ref = spec.get("boundObjectRef") or {}
        if ref.get("apiVersion") != "v1" or ref.get("kind") != "Pod" or not ref.get("name"):
            return "node requested token not bound to a pod"
        if not ref.get("uid"):
            return "node requested token with a pod binding without a uid"
        pod = self._lookup.get("pods", admission.request.namespace, ref["name"])
        if pod is None:
            return ""  # issuing it will say that there is no such pod
        if pod["metadata"].get("uid") != ref["uid"]:
            said = f"the UID in the bound object reference ({ref['uid']}) does not match the UID in record. "
            return said + "The object might have been deleted and then recreated"
        if pod["spec"].get("nodeName") != node:
            return "node requested token bound to a pod scheduled on a different node"
        return _audience(spec.get("audiences") or [], pod)

    @staticmethod
    def _lease(node: str, admission: Admission) -> str:
        if admission.request.namespace != LEASE_NAMESPACE:
            return f'can only access leases in the "{LEASE_NAMESPACE}" system namespace'
        same = name_of(admission) == node
        return "" if same else "can only access node lease with the same name as the requesting node"

    @staticmethod
    def _csi_node(node: str, admission: Admission) -> str:
        same = name_of(admission) == node
        return "" if same else "can only access CSINode with the same name as the requesting node"

    @staticmethod
    def _resource_slice(node: str, admission: Admission) -> str:
        """Updates are the node authorizer's to judge."""
        if admission.operation == "UPDATE":
            return ""
        verb, obj = ("create", admission.object) if admission.operation == "CREATE" else ("delete", admission.old_object)
        same = ((obj or {}).get("spec") or {}).get("nodeName") == node
        return "" if same else f"can only {verb} ResourceSlice with the same NodeName as the requesting node"


def _without_size(claim: Object) -> Object:
    """A claim without what its node says of it."""
    meta = {name: value for name, value in claim["metadata"].items() if name not in ("resourceVersion", "managedFields")}
    said = {name: value for name, value in (claim.get("status") or {}).items() if name not in _CLAIM_SIZE}
    return {**claim, "metadata": meta, "status": said}


def _claims_changed(node: str, new: Object, old: Object) -> str:
    """Which claims a pod uses is the control plane's to say."""
    now, before = (obj.get("status") or {} for obj in (new, old))
    if (now.get("resourceClaimStatuses") or []) != (before.get("resourceClaimStatuses") or []):
        return f'node "{node}" cannot update resource claim statuses'
    if now.get("extendedResourceClaimStatus") != before.get("extendedResourceClaimStatus"):
        return f'node "{node}" cannot update extended resource claim status'
    return ""


def _mirror_pod(node: str, pod: Object) -> str:
    """What is wrong with the API's copy of a pod that the node runs on its own."""
    meta, spec = pod.get("metadata") or {}, pod.get("spec") or {}
    if MIRROR_ANNOTATION not in (meta.get("annotations") or {}):
        return f'pod does not have "{MIRROR_ANNOTATION}" annotation, node "{node}" can only create mirror pods'
    if spec.get("nodeName") != node:
        return f'node "{node}" can only create pods with spec.nodeName set to itself'
    owners = meta.get("ownerReferences") or []
    if len(owners) != 1 or owners[0].get("kind") != "Node" or owners[0].get("name") != node:
        return f'node "{node}" can only create pods with an owner reference set to itself'
    mentions = {
        "a service account": bool(spec.get("serviceAccountName")),
        "secrets": bool(podreferences.secrets(spec)),
        "configmaps": bool(podreferences.config_maps(spec)),
        "persistentvolumeclaims": any("persistentVolumeClaim" in volume for volume in spec.get("volumes") or ()),
        "resourceclaims": bool(spec.get("resourceClaims")),
    }
    for what, mentioned in mentions.items():
        if mentioned:
            return f'node "{node}" can not create pods that reference {what}'
    return ""


def _reserved_changes(new: Object, old: Object) -> list[str]:
    """The labels that differ and are not a node's to set."""
    now, before = ((obj.get("metadata") or {}).get("labels") or {} for obj in (new, old))
    return sorted(key for key in {*now, *before} if now.get(key) != before.get(key) and _is_reserved(key))


def _is_reserved(label: str) -> bool:
    domain, slash, _ = label.partition("/")
    if not slash or label in OWN_LABELS or _is_below(domain, OWN_DOMAINS):
        return False
    return _is_below(domain, RESERVED_DOMAINS)


def _is_below(domain: str, parents: tuple[str, ...]) -> bool:
    return any(domain == parent or domain.endswith(f".{parent}") for parent in parents)


def _audience(audiences: list[str], pod: Object) -> str:
    if len(audiences) > 1:
        return "node may only request 0 or 1 audiences"
    wanted = audiences[0] if audiences else ""
    for volume in pod["spec"].get("volumes") or ():
        if "csi" in volume:
            return ""
        for source in (volume.get("projected") or {}).get("sources") or ():
            token = source.get("serviceAccountToken")
            if token is not None and token.get("audience", "") == wanted:
                return ""
    return f'audience "{wanted}" not found in pod spec volume'
