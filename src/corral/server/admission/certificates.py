"""Certificate requests: who may approve and sign them, and whom they must not name.

See https://kubernetes.io/docs/reference/access-authn-authz/certificate-signing-requests/#authorization.
"""

import base64
import binascii

from cryptography import x509
from cryptography.x509.oid import NameOID

from corral.api.objects import Object
from corral.server.admission.chain import Plugin, forbidden
from corral.server.authorization import Attributes, Authorizer
from corral.server.authorization.authorizer import PRIVILEGED_GROUP
from corral.server.request import Admission

REQUESTS = frozenset({"certificatesigningrequests.certificates.k8s.io"})
GROUP = "certificates.k8s.io"
CLIENT_SIGNER = "kubernetes.io/kube-apiserver-client"


class CertificateApproval(Plugin):
    """Approving needs `approve` on the signer."""

    resources = REQUESTS
    operations = frozenset({"UPDATE"})

    def __init__(self, authorizer: Authorizer) -> None:
        self._authorizer = authorizer

    async def validate(self, admission: Admission) -> None:
        """Raise ApiError (403)."""
        if admission.subresource == "approval":
            await _require(self._authorizer, admission, "approve")


class CertificateSigning(Plugin):
    """Setting the certificate needs `sign` on the signer."""

    resources = REQUESTS
    operations = frozenset({"UPDATE"})

    def __init__(self, authorizer: Authorizer) -> None:
        self._authorizer = authorizer

    async def validate(self, admission: Admission) -> None:
        """Raise ApiError (403)."""
        if admission.subresource != "status" or _status(admission.object) == _status(admission.old_object):
            return
        await _require(self._authorizer, admission, "sign")


class ClusterTrustBundleAttest(Plugin):
    """Publishing a signer's trust anchors needs `attest` on the signer (KEP-3257)."""

    resources = frozenset({"clustertrustbundles.certificates.k8s.io"})

    def __init__(self, authorizer: Authorizer) -> None:
        self._authorizer = authorizer

    async def validate(self, admission: Admission) -> None:
        """Raise ApiError (403)."""
        new, old = admission.object or {}, admission.old_object
        signer = (new.get("spec") or {}).get("signerName")
        if not signer or (old is not None and _without_owners(new) == _without_owners(old)):
            return
        if not await _may(self._authorizer, admission, "attest", signer):
            raise forbidden(admission, f'user not permitted to attest for signerName "{signer}"')


class CertificateSubjectRestriction(Plugin):
    """No client certificate makes its holder one of `system:masters`."""

    resources = REQUESTS
    operations = frozenset({"CREATE"})

    def validate(self, admission: Admission) -> None:
        """Raise ApiError (403)."""
        spec = (admission.object or {}).get("spec") or {}
        if spec.get("signerName") == CLIENT_SIGNER and PRIVILEGED_GROUP in _organizations(spec.get("request", "")):
            raise forbidden(admission, f"use of {CLIENT_SIGNER} signer with {PRIVILEGED_GROUP} group is not allowed")


async def _require(authorizer: Authorizer, admission: Admission, verb: str) -> None:
    signer = ((admission.old_object or {}).get("spec") or {}).get("signerName", "")
    if not await _may(authorizer, admission, verb, signer):
        raise forbidden(admission, f'user not permitted to {verb} requests with signerName "{signer}"')


async def _may(authorizer: Authorizer, admission: Admission, verb: str, signer: str) -> bool:
    """Whether who asks may do this for the signer, or for all of its domain."""
    for name in (signer, signer.partition("/")[0] + "/*"):
        if (await authorizer.ask(Attributes(admission.user, verb, GROUP, "*", "signers", name=name))).allowed:
            return True
    return False


def _without_owners(obj: Object) -> Object:
    """The object without what garbage collection and ownership change."""
    ignored = ("ownerReferences", "finalizers", "managedFields", "resourceVersion")
    meta = {name: value for name, value in obj["metadata"].items() if name not in ignored}
    return {**obj, "metadata": meta}


def _status(obj: Object | None) -> object:
    return ((obj or {}).get("status") or {}).get("certificate")


def _organizations(request: str) -> list[str]:
    """The groups that a certificate request names; what cannot be read, validation refuses."""
    try:
        subject = x509.load_pem_x509_csr(base64.b64decode(request)).subject
    except (binascii.Error, ValueError):
        return []
    return [str(attribute.value) for attribute in subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)]
