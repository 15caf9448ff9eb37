"""Configurations of admission webhooks."""

from corral.api.rules import Rules


class ValidatingWebhookConfigurationRules(Rules):
    """Rules of admissionregistration.k8s.io ValidatingWebhookConfiguration."""

    has_generation = True


class MutatingWebhookConfigurationRules(Rules):
    """Rules of admissionregistration.k8s.io MutatingWebhookConfiguration."""

    has_generation = True


RULES = {
    "ValidatingWebhookConfiguration": ValidatingWebhookConfigurationRules(),
    "MutatingWebhookConfiguration": MutatingWebhookConfigurationRules(),
}
