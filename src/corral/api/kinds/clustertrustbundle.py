"""ClusterTrustBundles."""

from corral.api.rules import Rules


class ClusterTrustBundleRules(Rules):
    """Rules of certificates.k8s.io ClusterTrustBundle."""


RULES = {"ClusterTrustBundle": ClusterTrustBundleRules()}
