"""Which plugins there are, in their order: that of the reference."""

from collections.abc import Iterable

from corral.server.admission.certificates import (
    CertificateApproval,
    CertificateSigning,
    CertificateSubjectRestriction,
    ClusterTrustBundleAttest,
)
from corral.server.admission.chain import AdmissionChain, Plugin
from corral.server.admission.escalation import EscalationCheck
from corral.server.admission.limitranger import LimitRanger
from corral.server.admission.namespacelifecycle import NamespaceLifecycle
from corral.server.admission.noderestriction import NodeRestriction
from corral.server.admission.nodetaints import DefaultTolerationSeconds, TaintNodesByCondition
from corral.server.admission.podresize import PodResize
from corral.server.admission.podsecurity import PodSecurity
from corral.server.admission.podtopology import PodTopologyLabels
from corral.server.admission.priority import Priority
from corral.server.admission.resourcequota import ResourceQuota, WriteUsed
from corral.server.admission.runtimeclass import RuntimeClass
from corral.server.admission.serviceaccount import ServiceAccount
from corral.server.admission.storage import (
    DefaultIngressClass,
    DefaultStorageClass,
    PersistentVolumeClaimResize,
    StorageObjectInUseProtection,
)
from corral.server.authorization import Authorizer
from corral.server.lookup import Lookup


def default_chain(
    lookup: Lookup, authorizer: Authorizer, write_used: WriteUsed | None = None, dynamic: Iterable[Plugin] = ()
) -> AdmissionChain:
    """The plugins that are always on. `write_used` is how quotas are charged; without it they are only checked.

    `dynamic`: the policies and webhooks of the cluster, which see what the others have made; only quotas come after them.
    """
    plugins: list[Plugin] = [
        NamespaceLifecycle(lookup),
        LimitRanger(lookup),
        ServiceAccount(lookup),
        NodeRestriction(lookup),
        TaintNodesByCondition(),
        PodSecurity(lookup),
        Priority(lookup),
        DefaultTolerationSeconds(),
        DefaultStorageClass(lookup),
        StorageObjectInUseProtection(),
        PersistentVolumeClaimResize(lookup),
        RuntimeClass(lookup),
        CertificateApproval(authorizer),
        CertificateSigning(authorizer),
        ClusterTrustBundleAttest(authorizer),
        CertificateSubjectRestriction(),
        DefaultIngressClass(lookup),
        PodTopologyLabels(lookup),
        PodResize(lookup),
        EscalationCheck(authorizer),
        *dynamic,
        ResourceQuota(lookup, write_used),
    ]
    return AdmissionChain(plugins)
