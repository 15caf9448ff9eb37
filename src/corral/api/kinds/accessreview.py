"""Reviews of what somebody may do."""

from corral.api.rules import Rules


class SubjectAccessReviewRules(Rules):
    """Rules of authorization.k8s.io SubjectAccessReview."""


class LocalSubjectAccessReviewRules(Rules):
    """Rules of authorization.k8s.io LocalSubjectAccessReview."""


class SelfSubjectAccessReviewRules(Rules):
    """Rules of authorization.k8s.io SelfSubjectAccessReview."""


class SelfSubjectRulesReviewRules(Rules):
    """Rules of authorization.k8s.io SelfSubjectRulesReview."""


RULES = {
    "SubjectAccessReview": SubjectAccessReviewRules(),
    "LocalSubjectAccessReview": LocalSubjectAccessReviewRules(),
    "SelfSubjectAccessReview": SelfSubjectAccessReviewRules(),
    "SelfSubjectRulesReview": SelfSubjectRulesReviewRules(),
}
