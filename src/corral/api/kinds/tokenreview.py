"""Reviews of who somebody is."""

from corral.api.rules import Rules


class TokenReviewRules(Rules):
    """Rules of authentication.k8s.io TokenReview."""


class SelfSubjectReviewRules(Rules):
    """Rules of authentication.k8s.io SelfSubjectReview."""


RULES = {"TokenReview": TokenReviewRules(), "SelfSubjectReview": SelfSubjectReviewRules()}
