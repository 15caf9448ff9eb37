"""APIServices."""

from corral.api.rules import Rules


class APIServiceRules(Rules):
    """Rules of apiregistration.k8s.io APIService."""

    has_status = True


RULES = {"APIService": APIServiceRules()}
