"""PodSecurity: a namespace's labels say at which level of the standards pods are refused, warned of, or noted.

`pod-security.kubernetes.io/{enforce,warn,audit}` and the same with `-version`. Pods are refused; the templates of controllers
are only warned of and noted. See https://kubernetes.io/docs/concepts/security/pod-security-admission/.
"""

import re
from collections.abc import Callable
from typing import NamedTuple

from corral.api.fields import Errors
from corral.api.objects import Object
from corral.server.admission.chain import Plugin, forbidden
from corral.server.admission.podstandards import LATEST_MINOR, LEVELS, evaluate
from corral.server.lookup import Lookup
from corral.server.request import Admission

PREFIX = "pod-security.kubernetes.io/"
MODES = ("enforce", "audit", "warn")
VERSION = re.compile(r"v1\.([0-9]|[1-9][0-9]*)")
#: How many pods of a namespace are looked at when its level rises.
NAMESPACE_PODS_CHECKED = 3000

Template = Callable[[Object], Object]

_TEMPLATES: dict[str, Template] = {
    "podtemplates": lambda obj: obj.get("template") or {},
    "cronjobs.batch": lambda obj: obj["spec"].get("jobTemplate", {}).get("spec", {}).get("template") or {},
}
_WORKLOADS = (
    "replicationcontrollers",
    "replicasets.apps",
    "deployments.apps",
    "statefulsets.apps",
    "daemonsets.apps",
    "jobs.batch",
)


class Policy(NamedTuple):
    """A level in a version of the standards: `restricted:latest`."""

    level: str
    version: str

    def __str__(self) -> str:
        return f"{self.level}:{self.version}"

    @property
    def minor(self) -> int:
        """The minor version of the standards."""
        return LATEST_MINOR if self.version == "latest" else int(self.version.removeprefix("v1."))

    def faults(self, pod: Object) -> str:
        """What is wrong with a pod or template, in one line; "" if nothing."""
        return ", ".join(str(f) for f in evaluate(self.level, self.minor, pod.get("metadata") or {}, pod.get("spec") or {}))


class PodSecurity(Plugin):
    """Judges pods, templates, and the labels of namespaces."""

    resources = frozenset({"pods", "namespaces", *_TEMPLATES, *_WORKLOADS})

    def __init__(self, lookup: Lookup) -> None:
        self._lookup = lookup

    def validate(self, admission: Admission) -> None:
        """Raise ApiError (403 for a pod, 422 for a label), or add warnings."""
        if admission.object is None:
            return
        name = admission.resource.group_resource
        if name == "namespaces":
            if not admission.subresource:
                self._judge_namespace(admission, admission.object, admission.old_object)
        elif name == "pods":
            self._judge_pod(admission, admission.object)
        elif not admission.subresource:
            self._judge_template(admission, _template(name, admission.object))

    def _policies(self, admission: Admission) -> dict[str, Policy]:
        namespace = self._lookup.get("namespaces", "", admission.request.namespace)
        return {} if namespace is None else policies((namespace["metadata"].get("labels")) or {})

    def _judge_pod(self, admission: Admission, pod: Object) -> None:
        if admission.subresource not in ("", "ephemeralcontainers"):
            return
        found = self._policies(admission)
        if all(p.level == "privileged" for p in found.values()):
            return
        if admission.old_object is not None and admission.old_object.get("spec") == pod.get("spec"):
            return
        enforce = found["enforce"]
        notes = admission.request.annotations
        notes[PREFIX + "enforce-policy"] = str(enforce)
        faults = enforce.faults(pod)
        audit_faults = found["audit"].faults(pod)
        if audit_faults:
            notes[PREFIX + "audit-violations"] = f'would violate PodSecurity "{found["audit"]}": {audit_faults}'
        if faults:
            raise forbidden(admission, f'violates PodSecurity "{enforce}": {faults}')
        self._warn(admission, found["warn"], pod)

    def _judge_template(self, admission: Admission, template: Object) -> None:
        found = self._policies(admission)
        if not template or not found:
            return
        if admission.old_object is not None and _template(admission.resource.group_resource, admission.old_object) == template:
            return
        faults = found["audit"].faults(template)
        if faults:
            note = f'would violate PodSecurity "{found["audit"]}": {faults}'
            admission.request.annotations[PREFIX + "audit-violations"] = note
        self._warn(admission, found["warn"], template)

    @staticmethod
    def _warn(admission: Admission, policy: Policy, pod: Object) -> None:
        faults = policy.faults(pod)
        if faults:
            admission.request.warnings.append(f'would violate PodSecurity "{policy}": {faults}')

    def _judge_namespace(self, admission: Admission, new: Object, old: Object | None) -> None:
        labels = new["metadata"].get("labels") or {}
        old_labels = (old or {}).get("metadata", {}).get("labels") or {}
        if old is not None and all(
            labels.get(PREFIX + m + s) == old_labels.get(PREFIX + m + s) for m in MODES for s in ("", "-version")
        ):
            return
        errors = label_errors(labels)
        if errors:
            raise errors.to_error("Namespace", "", new["metadata"].get("name", ""))
        enforce, before = policies(labels)["enforce"], policies(old_labels)["enforce"]
        if old is None or (LEVELS.index(enforce.level) <= LEVELS.index(before.level) and enforce.version == before.version):
            return
        admission.request.warnings += self._existing(new["metadata"]["name"], enforce)

    def _existing(self, namespace: str, policy: Policy) -> list[str]:
        """What to say of the pods that are there already."""
        by_faults: dict[str, list[str]] = {}
        for count, pod in enumerate(self._lookup.list("pods", namespace)):
            if count >= NAMESPACE_PODS_CHECKED:
                break
            faults = ", ".join(f.reason for f in evaluate(policy.level, policy.minor, pod["metadata"], pod["spec"]))
            if faults:
                by_faults.setdefault(faults, []).append(pod["metadata"]["name"])
        if not by_faults:
            return []
        lines = [f'existing pods in namespace "{namespace}" violate the new PodSecurity enforce level "{policy}"']
        for faults, names in sorted(by_faults.items(), key=lambda item: sorted(item[1])[0]):
            others = len(names) - 1
            more = f" (and {others} other pod{'s' if others > 1 else ''})" if others else ""
            lines.append(f"{sorted(names)[0]}{more}: {faults}")
        return lines


def policies(labels: Object) -> dict[str, Policy]:
    """The policy of each mode. What is not understood is the strictest for enforcement and nothing for the others."""
    found = {}
    for mode in MODES:
        level = labels.get(PREFIX + mode, "privileged")
        if level not in LEVELS:
            level = "restricted" if mode == "enforce" else "privileged"
        version = labels.get(f"{PREFIX}{mode}-version", "latest")
        found[mode] = Policy(level, version if VERSION.fullmatch(version) else "latest")
    return found


def label_errors(labels: Object) -> Errors:
    """What is wrong with a namespace's labels."""
    errors = Errors()
    for mode in MODES:
        level = labels.get(PREFIX + mode)
        if level is not None and level not in LEVELS:
            errors.invalid(f"metadata.labels[{PREFIX}{mode}]", level, "must be one of " + ", ".join(LEVELS))
        version = labels.get(f"{PREFIX}{mode}-version")
        if version is not None and version != "latest" and not VERSION.fullmatch(version):
            errors.invalid(f"metadata.labels[{PREFIX}{mode}-version]", version, 'must be "latest" or "v1.x"')
    return errors


def _template(group_resource: str, obj: Object) -> Object:
    find = _TEMPLATES.get(group_resource)
    found: Object = find(obj) if find else (obj.get("spec") or {}).get("template") or {}
    return found
