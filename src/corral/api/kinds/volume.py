"""Volumes of a pod."""

from collections.abc import Callable

from corral.api import names
from corral.api.fields import Errors, Path
from corral.api.kinds import volumesource as source_of
from corral.api.kinds.claimspec import check_claim_spec, default_claim_spec
from corral.api.kinds.env import VOLUME_FIELDS, check_field, check_resource_field
from corral.api.kinds.imagename import default_pull_policy
from corral.api.kinds.paths import check_descending, check_not_reserved
from corral.api.kinds.selector import check_selector
from corral.api.metadata import validate_annotations, validate_labels
from corral.api.objects import Object
from corral.api.quantity import ZERO, parse

FILE_MODE = 0o644
MODE_WRONG = "must be a number between 0 and 0777 (octal), both inclusive"
MIN_TOKEN_S = 600
PULL_POLICIES = ("Always", "IfNotPresent", "Never")


def default_volume(volume: Object) -> None:
    """Fill in what a volume leaves open. A volume without a source is an emptyDir."""
    if not any(v is not None for k, v in volume.items() if k != "name"):
        volume["emptyDir"] = {}
    for name in ("secret", "configMap", "downwardAPI", "projected"):
        source = volume.get(name)
        if source is not None:
            source.setdefault("defaultMode", FILE_MODE)
    for item in (volume.get("downwardAPI") or {}).get("items") or ():
        _default_downward_item(item)
    for projection in (volume.get("projected") or {}).get("sources") or ():
        _default_projection(projection)
    if "hostPath" in volume:
        volume["hostPath"].setdefault("type", "")
    if "iscsi" in volume and not volume["iscsi"].get("iscsiInterface"):
        volume["iscsi"]["iscsiInterface"] = "default"
    if "rbd" in volume:
        default_rbd(volume["rbd"])
    if "azureDisk" in volume:
        default_azure_disk(volume["azureDisk"])
    if "scaleIO" in volume:
        default_scale_io(volume["scaleIO"])
    if "ephemeral" in volume:
        _default_ephemeral(volume["ephemeral"])
    image = volume.get("image")
    if image is not None and not image.get("pullPolicy"):
        image["pullPolicy"] = default_pull_policy(image.get("reference", ""))


def default_rbd(source: Object) -> None:
    """Fill in what an rbd source leaves open."""
    for name, value in (("pool", "rbd"), ("user", "admin"), ("keyring", "/etc/ceph/keyring")):
        if not source.get(name):
            source[name] = value


def default_azure_disk(source: Object) -> None:
    """Fill in what an azureDisk source leaves open."""
    for name, value in (("cachingMode", "ReadWrite"), ("kind", "Shared"), ("fsType", "ext4"), ("readOnly", False)):
        source.setdefault(name, value)


def default_scale_io(source: Object) -> None:
    """Fill in what a scaleIO source leaves open."""
    for name, value in (("storageMode", "ThinProvisioned"), ("fsType", "xfs")):
        if not source.get(name):
            source[name] = value


def _default_ephemeral(source: Object) -> None:
    template = source.get("volumeClaimTemplate")
    if template is not None:
        template.setdefault("metadata", {})
        default_claim_spec(template.setdefault("spec", {}))


def _default_downward_item(item: Object) -> None:
    field = item.get("fieldRef")
    if field is not None and not field.get("apiVersion"):
        field["apiVersion"] = "v1"
    if "resourceFieldRef" in item:
        item["resourceFieldRef"].setdefault("divisor", "0")


def _default_projection(projection: Object) -> None:
    for item in (projection.get("downwardAPI") or {}).get("items") or ():
        _default_downward_item(item)
    if "serviceAccountToken" in projection:
        projection["serviceAccountToken"].setdefault("expirationSeconds", 3600)


def check_volumes(errs: Errors, volumes: list[Object], pod_name: str | None, path: Path) -> dict[str, Object]:
    """The volumes of a pod (or of a template: `pod_name` is None). Returns the sound ones by name."""
    sound: dict[str, Object] = {}
    made = {f"{pod_name}-{v.get('name', '')}" for v in volumes if pod_name and v.get("ephemeral")}
    for i, volume in enumerate(volumes):
        at, name = path.at(i), volume.get("name", "")
        found = Errors()
        _check_source(found, volume, pod_name, at)
        if not name:
            found.required(at.child("name"))
        else:
            found.each(at.child("name"), name, names.dns_label(name))
        if name in sound:
            found.duplicate(at.child("name"), name)
        if not found:
            sound[name] = volume
        errs.extend(found)
        claim = (volume.get("persistentVolumeClaim") or {}).get("claimName")
        if claim in made:
            why = "must not reference a PVC that gets created for an ephemeral volume"
            errs.invalid(at.child("persistentVolumeClaim", "claimName"), claim, why)
    return sound


def _check_source(errs: Errors, volume: Object, pod_name: str | None, path: Path) -> None:
    source_of.check_one_source(errs, volume, _CHECKS, path)
    name = volume.get("name", "")
    if volume.get("iscsi") is not None:
        source_of.check_iscsi_length(errs, name, volume["iscsi"], path.child("name"), name)
    if volume.get("ephemeral") is not None and pod_name and name:
        claim = f"{pod_name}-{name}"
        details = [f'PVC name "{claim}": {m}' for m in names.dns_subdomain(claim)]
        errs.each(path.child("name"), name, details)


def _check_mode(errs: Errors, source: Object, field: str, path: Path) -> None:
    mode = source.get(field)
    if mode is not None and not 0 <= mode <= 0o777:
        errs.invalid(path.child(field), mode, MODE_WRONG)


def _check_empty_dir(errs: Errors, source: Object, path: Path) -> None:
    limit = source.get("sizeLimit")
    if limit is not None and parse(limit) < ZERO:
        errs.forbidden(path.child("sizeLimit"), "SizeLimit field must be a valid resource quantity")


def _check_git_repo(errs: Errors, source: Object, path: Path) -> None:
    if not source.get("repository"):
        errs.required(path.child("repository"))
    check_descending(errs, source.get("directory", ""), path.child("directory"))


def _check_keys(name_field: str) -> Callable[[Errors, Object, Path], None]:
    def check(errs: Errors, source: Object, path: Path) -> None:
        if not source.get(name_field):
            errs.required(path.child(name_field))
        _check_mode(errs, source, "defaultMode", path)
        for i, item in enumerate(source.get("items") or ()):
            _check_key_to_path(errs, item, path.child("items").at(i))

    return check


def _check_key_to_path(errs: Errors, item: Object, path: Path) -> None:
    for field in ("key", "path"):
        if not item.get(field):
            errs.required(path.child(field))
    check_not_reserved(errs, item.get("path", ""), path.child("path"))
    _check_mode(errs, item, "mode", path)


def _check_downward(errs: Errors, source: Object, path: Path) -> None:
    _check_mode(errs, source, "defaultMode", path)
    for item in source.get("items") or ():
        _check_downward_file(errs, item, path)


def _check_downward_file(errs: Errors, item: Object, path: Path) -> None:
    if not item.get("path"):
        errs.required(path.child("path"))
    check_not_reserved(errs, item.get("path", ""), path.child("path"))
    field, resource = item.get("fieldRef"), item.get("resourceFieldRef")
    if field is not None:
        check_field(errs, field, VOLUME_FIELDS, path.child("fieldRef"))
        if resource is not None:
            errs.invalid(path, "resource", "fieldRef and resourceFieldRef can not be specified simultaneously")
    elif resource is not None:
        check_resource_field(errs, resource, path.child("resourceFieldRef"), in_volume=True)
    else:
        errs.required(path, "one of fieldRef and resourceFieldRef is required")
    _check_mode(errs, item, "mode", path)


def _check_projected(errs: Errors, source: Object, path: Path) -> None:
    _check_mode(errs, source, "defaultMode", path)
    seen: set[str] = set()

    def claim(file: str, shown: str) -> None:
        if file and file in seen:
            errs.invalid(path, shown, "conflicting duplicate paths")
        seen.add(file)

    for i, projection in enumerate(source.get("sources") or ()):
        at = path.child("sources").at(i)
        _check_projected_keys(errs, projection, at, claim)
        for item in (projection.get("downwardAPI") or {}).get("items") or ():
            _check_downward_file(errs, item, at.child("downwardAPI"))
            claim(item.get("path", ""), item.get("path", ""))
        if projection.get("serviceAccountToken") is not None:
            _check_token(errs, projection["serviceAccountToken"], path, at.child("serviceAccountToken"))
        if projection.get("clusterTrustBundle") is not None:
            bundle = projection["clusterTrustBundle"]
            _check_trust_bundle(errs, bundle, at.child("clusterTrustBundlePEM"))
            claim(bundle.get("path", ""), bundle.get("path", ""))
        if sum(v is not None for v in projection.values()) > 1:
            errs.forbidden(at, "may not specify more than 1 volume type")


def _check_projected_keys(errs: Errors, projection: Object, path: Path, claim: Callable[[str, str], None]) -> None:
    for kind in ("secret", "configMap"):
        part = projection.get(kind)
        if part is None:
            continue
        name = part.get("name", "")
        if not name:
            errs.required(path.child(kind, "name"))
        for i, item in enumerate(part.get("items") or ()):
            _check_key_to_path(errs, item, path.child(kind, "items").at(i))
            claim(item.get("path", ""), name)


def _check_token(errs: Errors, token: Object, path: Path, at: Path) -> None:
    expiration = token.get("expirationSeconds", 0)
    if expiration < MIN_TOKEN_S:
        errs.invalid(at.child("expirationSeconds"), expiration, "may not specify a duration less than 10 minutes")
    if expiration > 1 << 32:
        errs.invalid(at.child("expirationSeconds"), expiration, "may not specify a duration larger than 2^32 seconds")
    if not token.get("path"):
        errs.required(path.child("path"))
    else:
        check_not_reserved(errs, token["path"], path.child("path"))


def _check_trust_bundle(errs: Errors, bundle: Object, path: Path) -> None:
    name, signer = bundle.get("name"), bundle.get("signerName")
    if name is not None and signer is not None:
        errs.invalid(path, bundle, "only one of name and signerName may be used")
    elif name is not None:
        if not name:
            errs.required(path.child("name"), "must be a valid object name")
        details = [f"not a valid clustertrustbundlename: {m}" for m in names.dns_subdomain(name.replace(":", "-"))]
        errs.each(path.child("name"), name, details)
        if bundle.get("labelSelector") is not None:
            why = "labelSelector must be unset if name is specified"
            errs.invalid(path.child("labelSelector"), bundle["labelSelector"], why)
    elif signer is not None:
        if not signer:
            errs.required(path.child("signerName"), "must be a valid signer name")
        check_selector(errs, bundle.get("labelSelector"), path.child("labelSelector"))
    else:
        errs.required(path, "either name or signerName must be specified")
    if not bundle.get("path"):
        errs.required(path.child("path"))
    check_not_reserved(errs, bundle.get("path", ""), path.child("path"))


def _check_csi(errs: Errors, source: Object, path: Path) -> None:
    source_of.check_driver_name(errs, source.get("driver", ""), path.child("driver"))
    reference = source.get("nodePublishSecretRef")
    if reference is None:
        return
    name = reference.get("name", "")
    if not name:
        errs.required(path.child("nodePublishSecretRef", "name"))
    else:
        errs.each(path.child("name"), name, names.dns_subdomain(name))


def _check_ephemeral(errs: Errors, source: Object, path: Path) -> None:
    template = source.get("volumeClaimTemplate")
    if template is None:
        errs.required(path.child("volumeClaimTemplate"))
        return
    at = path.child("volumeClaimTemplate")
    metadata = template.get("metadata") or {}
    validate_annotations(errs, at.child("metadata", "annotations"), metadata.get("annotations"))
    validate_labels(errs, at.child("metadata", "labels"), metadata.get("labels"))
    for field in metadata:
        if field not in ("annotations", "labels"):
            errs.forbidden(at.child("metadata", field), "cannot be set")
    check_claim_spec(errs, template.get("spec") or {}, at.child("spec"))


def _check_image(errs: Errors, source: Object, path: Path) -> None:
    policy = source.get("pullPolicy", "")
    if policy and policy not in PULL_POLICIES:
        errs.unsupported(path.child("pullPolicy"), policy, PULL_POLICIES)


_CHECKS: dict[str, source_of.Check] = {
    "emptyDir": _check_empty_dir,
    "hostPath": source_of.check_host_path,
    "gitRepo": _check_git_repo,
    "gcePersistentDisk": source_of.check_disk("pdName"),
    "awsElasticBlockStore": source_of.check_disk("volumeID"),
    "secret": _check_keys("secretName"),
    "nfs": source_of.check_nfs,
    "iscsi": source_of.check_iscsi,
    "glusterfs": source_of.required("endpoints", "path"),
    "flocker": source_of.check_flocker,
    "persistentVolumeClaim": source_of.required("claimName"),
    "rbd": source_of.required("monitors", "image"),
    "cinder": source_of.required("volumeID"),
    "cephfs": source_of.required("monitors"),
    "quobyte": source_of.check_quobyte,
    "downwardAPI": _check_downward,
    "fc": source_of.check_fc,
    "flexVolume": source_of.check_flex,
    "configMap": _check_keys("name"),
    "azureFile": source_of.required("secretName", "shareName"),
    "vsphereVolume": source_of.required("volumePath"),
    "photonPersistentDisk": source_of.required("pdID"),
    "portworxVolume": source_of.required("volumeID"),
    "azureDisk": source_of.check_azure_disk,
    "storageos": source_of.check_storage_os,
    "projected": _check_projected,
    "scaleIO": source_of.required("gateway", "system", "volumeName"),
    "csi": _check_csi,
    "ephemeral": _check_ephemeral,
    "image": _check_image,
}
