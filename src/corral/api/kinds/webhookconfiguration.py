"""Configurations of admission webhooks.

https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/
"""

from corral.api import names
from corral.api.fields import Errors, Path
from corral.api.kinds import rows
from corral.api.kinds.admissionmatch import (
    FAILURE_POLICIES,
    MATCH_POLICIES,
    check_choice,
    check_conditions,
    check_rule,
    default_rules,
)
from corral.api.kinds.selector import check_selector
from corral.api.kinds.webhookclient import check_service, check_url
from corral.api.kinds.workload import default_fields
from corral.api.objects import Object
from corral.api.rules import Rules

SIDE_EFFECTS = ("None", "NoneOnDryRun")
REINVOCATION_POLICIES = ("IfNeeded", "Never")
REVIEW_VERSIONS = ("v1", "v1beta1")
MAX_TIMEOUT_S = 30


class ValidatingWebhookConfigurationRules(Rules):
    """Rules of admissionregistration.k8s.io/v1 ValidatingWebhookConfiguration."""

    has_generation = True

    def default(self, obj: Object) -> None:
        """Failures fail; ten seconds; all namespaces and objects."""
        for hook in obj.get("webhooks") or ():
            default_fields(hook, failurePolicy="Fail", matchPolicy="Equivalent", timeoutSeconds=10)
            for field in ("namespaceSelector", "objectSelector"):
                if hook.get(field) is None:
                    hook[field] = {}
            service = (hook.get("clientConfig") or {}).get("service")
            if service is not None:
                default_fields(service, port=443)
            default_rules(hook.get("rules"))

    def check_hook(self, errs: Errors, hook: Object, path: Path) -> None:
        """Whatever only one of the two kinds has."""

    def validate_create(self, obj: Object) -> Errors:
        """The webhooks, each with a name of its own."""
        errs = Errors()
        seen: set[str] = set()
        for i, hook in enumerate(obj.get("webhooks") or ()):
            path, name = Path("webhooks").at(i), hook.get("name", "")
            _check_name(errs, name, path.child("name"))
            _check_hook(errs, hook, path)
            self.check_hook(errs, hook, path)
            _check_client(errs, hook.get("clientConfig") or {}, path.child("clientConfig"))
            check_conditions(errs, hook.get("matchConditions") or [], path.child("matchConditions"))
            _check_versions(errs, hook.get("admissionReviewVersions") or [], path.child("admissionReviewVersions"))
            if name and name in seen:
                errs.duplicate(path.child("name"), name)
            seen.add(name)
        return errs

    def cells(self, obj: Object, now_s: float) -> list[object]:
        """The row."""
        return [rows.name(obj), len(obj.get("webhooks") or ()), rows.age(obj, now_s)]


class MutatingWebhookConfigurationRules(ValidatingWebhookConfigurationRules):
    """Rules of admissionregistration.k8s.io/v1 MutatingWebhookConfiguration."""

    def default(self, obj: Object) -> None:
        """A webhook is not called again."""
        super().default(obj)
        for hook in obj.get("webhooks") or ():
            default_fields(hook, reinvocationPolicy="Never")

    def check_hook(self, errs: Errors, hook: Object, path: Path) -> None:
        """Whether it is called again."""
        check_choice(errs, hook, "reinvocationPolicy", REINVOCATION_POLICIES, path)


def _check_name(errs: Errors, name: str, path: Path) -> None:
    if not name:
        errs.required(path)
    else:
        errs.each(path, name, names.fully_qualified_name(name))


def _check_hook(errs: Errors, hook: Object, path: Path) -> None:
    for i, rule in enumerate(hook.get("rules") or ()):
        check_rule(errs, rule, path.child("rules").at(i))
    check_choice(errs, hook, "failurePolicy", FAILURE_POLICIES, path)
    check_choice(errs, hook, "matchPolicy", MATCH_POLICIES, path)
    if hook.get("sideEffects") is None:
        errs.required(path.child("sideEffects"), f"must specify one of {', '.join(SIDE_EFFECTS)}")
    check_choice(errs, hook, "sideEffects", SIDE_EFFECTS, path)
    timeout = hook.get("timeoutSeconds")
    if timeout is not None and not 1 <= timeout <= MAX_TIMEOUT_S:
        why = f"the timeout value must be between 1 and {MAX_TIMEOUT_S} seconds"
        errs.invalid(path.child("timeoutSeconds"), timeout, why)
    for field in ("namespaceSelector", "objectSelector"):
        check_selector(errs, hook.get(field), path.child(field))


def _check_client(errs: Errors, client: Object, path: Path) -> None:
    url, service = client.get("url"), client.get("service")
    if (url is None) == (service is None):
        errs.required(path, "exactly one of url or service is required")
    elif url is not None:
        check_url(errs, url, path.child("url"))
    else:
        check_service(errs, service or {}, path.child("service"))


def _check_versions(errs: Errors, versions: list[str], path: Path) -> None:
    if not versions:
        errs.required(path, f"must specify one of {', '.join(REVIEW_VERSIONS)}")
        return
    seen: set[str] = set()
    for i, version in enumerate(versions):
        if version in seen:
            errs.invalid(path.at(i), version, "duplicate version")
            continue
        seen.add(version)
        errs.each(path.at(i), version, names.dns_1035_label(version))
    if not seen & set(REVIEW_VERSIONS):
        errs.invalid(path, versions, f"must include at least one of {', '.join(REVIEW_VERSIONS)}")


RULES: dict[str, Rules] = {
    "ValidatingWebhookConfiguration": ValidatingWebhookConfigurationRules(),
    "MutatingWebhookConfiguration": MutatingWebhookConfigurationRules(),
}
