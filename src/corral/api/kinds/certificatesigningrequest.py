"""CertificateSigningRequests."""

from corral.api.rules import Rules


class CertificateSigningRequestRules(Rules):
    """Rules of certificates.k8s.io CertificateSigningRequest."""

    has_status = True


RULES = {"CertificateSigningRequest": CertificateSigningRequestRules()}
