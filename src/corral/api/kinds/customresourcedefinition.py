"""CustomResourceDefinitions.

https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/
"""

from typing import Any

from corral.api import cabundle, names
from corral.api.fields import Errors, Path
from corral.api.kinds import rows
from corral.api.kinds.structuralschema import check_schema
from corral.api.kinds.webhookclient import check_service, check_url
from corral.api.kinds.workload import check_immutable
from corral.api.objects import Object
from corral.api.rules import Context, Rules

SCOPES = ("Cluster", "Namespaced")
STRATEGIES = ("None", "Webhook")
COLUMN_TYPES = ("boolean", "date", "integer", "number", "string")
COLUMN_FORMATS = ("byte", "date", "date-time", "double", "float", "int32", "int64", "password")
REVIEW_VERSIONS = ("v1", "v1beta1")
WARNING_MAX_BYTES = 256
MIXED_CASE = "may have mixed case, but should otherwise match: "


class CustomResourceDefinitionRules(Rules):
    """Rules of apiextensions.k8s.io/v1 CustomResourceDefinition."""

    has_generation = True
    has_status = True

    def default(self, obj: Object) -> None:
        """Names made from the kind's; no conversion."""
        spec = obj.setdefault("spec", {})
        given = spec.setdefault("names", {})
        kind = given.get("kind", "")
        if kind and not given.get("singular"):
            given["singular"] = kind.lower()
        if kind and not given.get("listKind"):
            given["listKind"] = f"{kind}List"
        if spec.get("conversion") is None:
            spec["conversion"] = {"strategy": "None"}
        service = _client(spec).get("service")
        if service is not None and service.get("port") is None:
            service["port"] = 443

    def prepare_create(self, obj: Object, context: Context) -> None:
        """Objects will be stored in one of the versions."""
        super().prepare_create(obj, context)
        _add_stored_versions(obj)

    def prepare_update(self, new: Object, old: Object, subresource: str, context: Context) -> None:
        """The same, when another version is stored."""
        super().prepare_update(new, old, subresource, context)
        if not subresource:
            _add_stored_versions(new)

    def validate_create(self, obj: Object) -> Errors:
        """The name and the spec."""
        errs, spec = Errors(), obj["spec"]
        name, wanted = rows.name(obj), f"{spec['names'].get('plural', '')}.{spec.get('group', '')}"
        if name and name != wanted:
            errs.invalid("metadata.name", name, 'must be spec.names.plural+"."+spec.group')
        _check_spec(errs, spec, Path("spec"))
        return errs

    def validate_update(self, new: Object, old: Object, subresource: str) -> Errors:
        """The spec, whose group and plural stay, or the status."""
        errs, path = Errors(), Path("spec")
        if not subresource:
            _check_spec(errs, new["spec"], path)
            established = rows.condition(old, "Established") or {}
            if established.get("status") == "True":
                check_immutable(errs, new["spec"], old["spec"], "scope", path)
                check_immutable(errs, new["spec"]["names"], old["spec"]["names"], "kind", path.child("names"))
                _check_bundle(errs, new["spec"], old["spec"], path.child("conversion"))
            check_immutable(errs, new["spec"], old["spec"], "group", path)
            check_immutable(errs, new["spec"]["names"], old["spec"]["names"], "plural", path.child("names"))
        status, at = new.get("status") or {}, Path("status")
        _check_names(errs, status.get("acceptedNames") or {}, at.child("acceptedNames"))
        _check_stored_versions(
            errs, status.get("storedVersions") or [], new["spec"].get("versions") or [], at.child("storedVersions")
        )
        return errs

    def cells(self, obj: Object, now_s: float) -> list[object]:
        """The row."""
        return [rows.name(obj), obj["metadata"].get("creationTimestamp")]


def _client(spec: Object) -> Object:
    webhook = (spec.get("conversion") or {}).get("webhook") or {}
    found: Object = webhook.get("clientConfig") or {}
    return found


def _add_stored_versions(obj: Object) -> None:
    status = dict(obj.get("status") or {})
    stored = list(status.get("storedVersions") or ())
    for version in obj["spec"].get("versions") or ():
        if version.get("storage") and version.get("name") not in stored:
            stored.append(version.get("name", ""))
    status.setdefault("acceptedNames", {"plural": "", "kind": ""})
    obj["status"] = {**status, "storedVersions": stored}


def _check_stored_versions(errs: Errors, stored: list[str], versions: list[Object], path: Path) -> None:
    """A version in which objects may be stored still has to be there to be read."""
    if not stored:
        errs.invalid(path, stored, "must have at least one stored version")
        return
    for version in versions:
        if version.get("storage") and version.get("name") not in stored:
            errs.invalid(path, stored, f"must have the storage version {version.get('name', '')}")
    names = {version.get("name") for version in versions}
    for i, name in enumerate(stored):
        if name not in names:
            why = (
                f"missing from spec.versions; {name} was previously a storage version, and must remain in spec.versions until a"
                f" storage migration ensures no data remains persisted in {name} and removes {name} from status.storedVersions"
            )
            errs.invalid(path.at(i), name, why)


def _check_spec(errs: Errors, spec: Object, path: Path) -> None:
    group, scope, at = spec.get("group", ""), spec.get("scope", ""), path.child("group")
    if not group:
        errs.required(at)
    elif wrong := names.dns_subdomain(group):
        errs.invalid(at, group, ",".join(wrong))
    elif "." not in group:
        errs.invalid(at, group, "should be a domain with at least one dot")
    if not scope:
        errs.required(path.child("scope"))
    elif scope not in SCOPES:
        errs.unsupported(path.child("scope"), scope, SCOPES)
    if spec.get("preserveUnknownFields"):
        why = "cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead"
        errs.invalid(path.child("preserveUnknownFields"), True, why)
    _check_versions(errs, spec, path)
    given = spec["names"]
    for field in ("plural", "singular", "kind", "listKind"):
        if not given.get(field):
            errs.required(path.child("names", field))
    _check_names(errs, given, path.child("names"))
    _check_shared(errs, spec.get("versions") or [], path)
    _check_conversion(errs, spec, path.child("conversion"))


def _check_versions(errs: Errors, spec: Object, path: Path) -> None:
    versions, at = spec.get("versions") or [], path.child("versions")
    called = [version.get("name", "") for version in versions]
    for i, version in enumerate(versions):
        if (version.get("schema") or {}).get("openAPIV3Schema") is None:
            errs.required(at.at(i).child("schema", "openAPIV3Schema"), "schemas are required")
    for i, version in enumerate(versions):
        _joined(errs, at.at(i).child("name"), called[i], names.dns_1035_label(called[i]))
        warning = version.get("deprecationWarning")
        if warning is not None:
            errs.each(at.at(i).child("deprecationWarning"), warning, _warning_faults(warning, bool(version.get("deprecated"))))
        for what, check_it in _PARTS.items():
            if not _is_shared(versions, what):
                check_it(errs, version, at.at(i))
    if len(set(called)) != len(called):
        errs.invalid(at, _shown(versions), "must contain unique version names")
    if sum(bool(version.get("storage")) for version in versions) != 1:
        errs.invalid(at, _shown(versions), "must have exactly one version marked as storage version")
    if versions and called[0]:
        _joined(errs, path.child("version"), called[0], names.dns_1035_label(called[0]))


def _warning_faults(warning: str, deprecated: bool) -> list[str]:
    if not deprecated:
        return ["can only be set for deprecated versions"]
    found = []
    if len(warning.encode()) > WARNING_MAX_BYTES:
        found.append(f"must be <= {WARNING_MAX_BYTES} characters long")
    if not warning:
        found.append("must not be an empty string")
    bad = next((i for i, character in enumerate(warning) if not character.isprintable()), None)
    if bad is not None:
        found.append(f"must only contain printable UTF-8 characters; non-printable character found at index {bad}")
    return found


def _shown(versions: list[Object]) -> list[Object] | None:
    """Versions as Go prints its internal type, to which what all of them share does not belong."""
    shown = []
    for version in versions:
        fields = {"Name": version.get("name", ""), "Served": bool(version.get("served"))}
        fields |= {"Storage": bool(version.get("storage")), "Deprecated": bool(version.get("deprecated"))}
        fields["DeprecationWarning"] = version.get("deprecationWarning")
        for field in ("schema", "subresources", "additionalPrinterColumns", "selectableFields"):
            shared = field in version and not _is_shared(versions, field)
            fields[field[0].upper() + field[1:]] = version[field] if shared else None
        shown.append(fields)
    return shown or None


def _is_shared(versions: list[Object], part: str) -> bool:
    """Whether all versions agree on a part, so that the reference reports its faults at the spec itself."""
    return all(version.get(part) == versions[0].get(part) for version in versions)


def _check_shared(errs: Errors, versions: list[Object], path: Path) -> None:
    for what, check_it in _PARTS.items():
        if versions and _is_shared(versions, what):
            if what == "schema":
                first = next((version for version in versions if _has_status(version)), versions[0])
                check_it(errs, {"validation": versions[0].get(what), "subresources": first.get("subresources")}, path)
            else:
                check_it(errs, {what: versions[0].get(what)}, path)


def _check_validation(errs: Errors, version: Object, path: Path) -> None:
    for field in ("schema", "validation"):
        schema = (version.get(field) or {}).get("openAPIV3Schema")
        if schema is not None:
            check_schema(errs, schema, path.child(field, "openAPIV3Schema"), with_status=_has_status(version))


def _has_status(version: Object) -> bool:
    return (version.get("subresources") or {}).get("status") is not None


def _check_subresources(errs: Errors, version: Object, path: Path) -> None:
    scale = (version.get("subresources") or {}).get("scale")
    if scale is None:
        return
    paths = (("specReplicasPath", ".spec"), ("statusReplicasPath", ".status"), ("labelSelectorPath", ".status"))
    for field, root in paths:
        at, value = path.child("subresources", f"scale.{field}"), scale.get(field, "")
        if not value:
            if field != "labelSelectorPath":
                errs.required(at)
        elif not value.startswith("."):
            errs.invalid(at, value, "must be a simple json path starting with .")
        elif not value.startswith(f"{root}.") and not (field == "labelSelectorPath" and value.startswith(".spec.")):
            either = " or .spec" if field == "labelSelectorPath" else ""
            errs.invalid(at, value, f"should be a json path under {root}{either}")


def _check_columns(errs: Errors, version: Object, path: Path) -> None:
    for i, column in enumerate(version.get("additionalPrinterColumns") or ()):
        at = path.child("additionalPrinterColumns").at(i)
        kind, format_, json_path = column.get("type", ""), column.get("format", ""), column.get("jsonPath", "")
        if not column.get("name"):
            errs.required(at.child("name"))
        if not kind:
            errs.required(at.child("type"), f"must be one of {','.join(COLUMN_TYPES)}")
        elif kind not in COLUMN_TYPES:
            errs.invalid(at.child("type"), kind, f"must be one of {','.join(COLUMN_TYPES)}")
        if format_ and format_ not in COLUMN_FORMATS:
            errs.invalid(at.child("format"), format_, f"must be one of {','.join(COLUMN_FORMATS)}")
        where = at.child("JSONPath")
        if not json_path:
            errs.required(where)
        elif not json_path.startswith("."):
            errs.invalid(where, json_path, "must be a simple json path starting with .")


_PARTS: dict[str, Any] = {
    "schema": _check_validation,
    "subresources": _check_subresources,
    "additionalPrinterColumns": _check_columns,
}


def _check_names(errs: Errors, given: Object, path: Path) -> None:
    for field in ("plural", "singular"):
        value = given.get(field, "")
        if value:
            _joined(errs, path.child(field), value, names.dns_1035_label(value))
    for field in ("kind", "listKind"):
        value = given.get(field, "")
        if value:
            _joined(errs, path.child(field), value, names.dns_1035_label(value.lower()), MIXED_CASE)
    for i, name in enumerate(given.get("shortNames") or ()):
        _joined(errs, path.child("shortNames").at(i), name, names.dns_1035_label(name))
    if given.get("kind") and given["kind"] == given.get("listKind"):
        errs.invalid(path.child("listKind"), given["listKind"], "kind and listKind may not be the same")
    for i, name in enumerate(given.get("categories") or ()):
        _joined(errs, path.child("categories").at(i), name, names.dns_1035_label(name))


def _check_conversion(errs: Errors, spec: Object, path: Path) -> None:
    conversion = spec.get("conversion") or {}
    strategy, webhook = conversion.get("strategy", ""), conversion.get("webhook")
    if not strategy:
        errs.required(path.child("strategy"))
    elif strategy not in STRATEGIES:
        errs.unsupported(path.child("strategy"), strategy, STRATEGIES)
    client, at = _client(spec), path.child("webhookClientConfig")
    versions, where = (webhook or {}).get("conversionReviewVersions") or [], path.child("conversionReviewVersions")
    if strategy != "Webhook":
        for given, its_path in ((client, at), (versions, where)):
            if given:
                errs.forbidden(its_path, "should not be set when strategy is not set to Webhook")
        return
    url, service = client.get("url"), client.get("service")
    if not client:
        errs.required(at, "required when strategy is set to Webhook")
    elif (url is None) == (service is None):
        errs.required(at, "exactly one of url or service is required")
    elif url is not None:
        check_url(errs, url, at.child("url"))
    else:
        check_service(errs, service or {}, at.child("service"))
    _check_review_versions(errs, versions, where)


def _check_bundle(errs: Errors, spec: Object, old: Object, path: Path) -> None:
    """Of a definition that is served: authorities that could be trusted stay so. Others keep it from being served."""
    bundle = _client(spec).get("caBundle", "")
    fault = cabundle.fault(bundle)
    if fault and not cabundle.fault(_client(old).get("caBundle", "")):
        errs.invalid(path.child("webhookClientConfig").child("caBundle"), bundle, fault)


def _check_review_versions(errs: Errors, versions: list[str], path: Path) -> None:
    if not versions:
        errs.required(path)
        return
    for i, version in enumerate(versions):
        if version in versions[:i]:
            errs.invalid(path.at(i), version, "duplicate version")
        else:
            errs.each(path.at(i), version, names.dns_1035_label(version))
    if not set(versions) & set(REVIEW_VERSIONS):
        errs.invalid(path, versions, f"must include at least one of {', '.join(REVIEW_VERSIONS)}")


def _joined(errs: Errors, path: Path, value: str, wrong: list[str], intro: str = "") -> None:
    if wrong:
        errs.invalid(path, value, intro + ",".join(wrong))


RULES = {"CustomResourceDefinition": CustomResourceDefinitionRules()}
