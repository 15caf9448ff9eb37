"""Which plugins there are, in their order: that of the reference."""

from corral.server.admission.chain import AdmissionChain, Plugin
from corral.server.admission.namespacelifecycle import NamespaceLifecycle
from corral.server.admission.nodetaints import DefaultTolerationSeconds, TaintNodesByCondition
from corral.server.admission.priority import Priority
from corral.server.admission.serviceaccount import ServiceAccount
from corral.server.admission.storage import (
    DefaultIngressClass,
    DefaultStorageClass,
    PersistentVolumeClaimResize,
    StorageObjectInUseProtection,
)
from corral.server.authorization import Authorizer
from corral.server.lookup import Lookup


def default_chain(lookup: Lookup, authorizer: Authorizer) -> AdmissionChain:
    """The plugins that are always on."""
    plugins: list[Plugin] = [
        NamespaceLifecycle(lookup),
        ServiceAccount(lookup),
        TaintNodesByCondition(),
        Priority(lookup),
        DefaultTolerationSeconds(),
        DefaultStorageClass(lookup),
        StorageObjectInUseProtection(),
        PersistentVolumeClaimResize(lookup),
        DefaultIngressClass(lookup),
    ]
    return AdmissionChain(plugins)
