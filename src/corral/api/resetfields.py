"""The fields that an endpoint does not write: nobody gains or loses them there.

These are the `GetResetFields` of the reference's strategies (KEP-555, "reset fields"): the main endpoint of a kind with a
status does not write the status, its status endpoint nothing but the status.
"""

from corral.api.fieldsets import LEAF, Fields

_SPEC: Fields = {"f:spec": LEAF}
_STATUS: Fields = {"f:status": LEAF}
_NOT_STATUS: Fields = {"f:spec": LEAF, "f:metadata": LEAF}

#: (group, kind, subresource) → the fields, where they are not the usual ones.
_SPECIAL: dict[tuple[str, str, str], Fields] = {
    ("", "Namespace", "finalize"): _STATUS,
    ("", "Pod", "status"): {"f:spec": LEAF, "f:metadata": {"f:deletionTimestamp": LEAF, "f:ownerReferences": LEAF}},
    ("admissionregistration.k8s.io", "ValidatingAdmissionPolicy", "status"): _NOT_STATUS,
    ("apiextensions.k8s.io", "CustomResourceDefinition", "status"): _NOT_STATUS,
    ("apps", "Deployment", "status"): {"f:spec": LEAF, "f:metadata": {"f:labels": LEAF}},
    ("certificates.k8s.io", "CertificateSigningRequest", ""): {"f:spec": LEAF, "f:status": LEAF},
    ("certificates.k8s.io", "CertificateSigningRequest", "approval"): {"f:spec": LEAF, "f:status": {"f:certificate": LEAF}},
    ("certificates.k8s.io", "CertificateSigningRequest", "status"): {"f:spec": LEAF, "f:status": {"f:conditions": LEAF}},
    ("flowcontrol.apiserver.k8s.io", "FlowSchema", "status"): _NOT_STATUS,
    ("flowcontrol.apiserver.k8s.io", "PriorityLevelConfiguration", "status"): _NOT_STATUS,
    ("resource.k8s.io", "ResourceClaim", "status"): _NOT_STATUS,
    ("storage.k8s.io", "VolumeAttachment", "status"): _NOT_STATUS,
}


def reset_fields(group: str, kind: str, subresource: str, *, has_status: bool, custom: bool = False) -> Fields | None:
    """What a write to this endpoint leaves alone; None: nothing. `custom`: the kind is one of a CustomResourceDefinition."""
    special = _SPECIAL.get((group, kind, subresource))
    if special is not None:
        return special
    if subresource == "status":
        return _NOT_STATUS if custom else _SPEC
    return _STATUS if has_status else None
