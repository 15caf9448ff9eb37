"""NamespaceLifecycle: no objects in namespaces that are not there or are going; the first three namespaces stay."""

from corral.api import errors
from corral.server.admission.chain import Plugin, forbidden
from corral.server.lookup import Lookup
from corral.server.request import Admission

IMMORTAL = frozenset({"default", "kube-system", "kube-public"})


class NamespaceLifecycle(Plugin):
    """See https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/#namespacelifecycle."""

    operations = frozenset({"CREATE", "UPDATE", "DELETE"})

    def __init__(self, lookup: Lookup) -> None:
        self._lookup = lookup

    def admit(self, admission: Admission) -> None:
        """Refuse by 403 (terminating, immortal) or 404 (no such namespace)."""
        resource, request = admission.resource, admission.request
        if not resource.group and resource.plural == "namespaces":
            if admission.operation == "DELETE" and request.name in IMMORTAL:
                raise forbidden(admission, "this namespace may not be deleted")
            return
        if not resource.namespaced or admission.operation == "DELETE" or resource.plural == "localsubjectaccessreviews":
            return
        name = request.namespace
        namespace = self._lookup.get("namespaces", "", name)
        if namespace is None:
            raise errors.not_found("namespaces", "", name)
        if admission.operation == "CREATE" and (namespace.get("status") or {}).get("phase") == "Terminating":
            why = f"unable to create new content in namespace {name} because it is being terminated"
            error = forbidden(admission, why)
            assert error.details is not None
            message = f"namespace {name} is being terminated"
            error.details["causes"] = [{"reason": "NamespaceTerminating", "message": message, "field": "metadata.namespace"}]
            raise error
