"""Admission policies and their bindings."""

from corral.api.rules import Rules


class ValidatingAdmissionPolicyRules(Rules):
    """Rules of admissionregistration.k8s.io ValidatingAdmissionPolicy."""

    has_generation = True
    has_status = True


class ValidatingAdmissionPolicyBindingRules(Rules):
    """Rules of admissionregistration.k8s.io ValidatingAdmissionPolicyBinding."""

    has_generation = True


class MutatingAdmissionPolicyRules(Rules):
    """Rules of admissionregistration.k8s.io MutatingAdmissionPolicy."""

    has_generation = True


class MutatingAdmissionPolicyBindingRules(Rules):
    """Rules of admissionregistration.k8s.io MutatingAdmissionPolicyBinding."""

    has_generation = True


RULES = {
    "ValidatingAdmissionPolicy": ValidatingAdmissionPolicyRules(),
    "ValidatingAdmissionPolicyBinding": ValidatingAdmissionPolicyBindingRules(),
    "MutatingAdmissionPolicy": MutatingAdmissionPolicyRules(),
    "MutatingAdmissionPolicyBinding": MutatingAdmissionPolicyBindingRules(),
}
