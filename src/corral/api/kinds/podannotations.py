"""Annotations of pods that came before fields: profiles of seccomp and AppArmor. Where both are there, they say the same."""

from collections.abc import Mapping

from corral.api.fields import Errors, Path
from corral.api.kinds.paths import check_descending
from corral.api.objects import Object
from corral.api.podcontainers import containers, containers_at

SECCOMP_POD = "seccomp.security.alpha.kubernetes.io/pod"
SECCOMP_CONTAINER = "container.seccomp.security.alpha.kubernetes.io/"
APP_ARMOR = "container.apparmor.security.beta.kubernetes.io/"
_LOCALHOST = "localhost/"
#: What the annotations call the types of profiles.
_SECCOMP = {"Unconfined": ("unconfined",), "RuntimeDefault": ("runtime/default", "docker/default")}
_APP_ARMOR = {"Unconfined": ("unconfined",), "RuntimeDefault": ("runtime/default",)}

Annotations = Mapping[str, str]


def check_annotations(errs: Errors, annotations: Annotations, spec: Object, path: Path) -> None:
    """The profiles that the annotations at `path` name."""
    if not annotations:
        return
    if SECCOMP_POD in annotations:
        _check_seccomp(errs, annotations[SECCOMP_POD], path.child(SECCOMP_POD))
    for key, profile in sorted(annotations.items()):
        if key.startswith(SECCOMP_CONTAINER):
            _check_seccomp(errs, profile, path.child(key))
    names = {container.get("name", "") for container in containers(spec)}
    for key, profile in sorted(annotations.items()):
        if not key.startswith(APP_ARMOR):
            continue
        name = key.removeprefix(APP_ARMOR)
        if name not in names:
            errs.invalid(path.key(key), name, "container not found")
        if profile not in ("", "runtime/default", "unconfined") and not profile.startswith(_LOCALHOST):
            errs.invalid(path.key(key), profile, f'invalid AppArmor profile name: "{profile}"')


def check_profiles_match(errs: Errors, annotations: Annotations, spec: Object, path: Path) -> None:
    """Annotations and the fields of the spec at `path` do not contradict each other."""
    if not annotations:
        return
    whole = spec.get("securityContext") or {}
    at = path.child("securityContext")
    _check_match(errs, annotations.get(SECCOMP_POD), whole, "seccompProfile", "seccomp", at)
    for place, container in containers_at(spec, path):
        key = SECCOMP_CONTAINER + container.get("name", "")
        own = container.get("securityContext") or {}
        _check_match(errs, annotations.get(key), own, "seccompProfile", "seccomp", place.child("securityContext"))
    if (spec.get("os") or {}).get("name") == "windows":
        return
    for place, container in containers_at(spec, path):
        key = APP_ARMOR + container.get("name", "")
        context = container.get("securityContext") or {}
        profile = context.get("appArmorProfile") or whole.get("appArmorProfile")
        found = {"appArmorProfile": profile}
        _check_match(errs, annotations.get(key), found, "appArmorProfile", "apparmor", place.child("securityContext"))


def _check_match(errs: Errors, annotation: str | None, context: Object, field: str, what: str, path: Path) -> None:
    profile = context.get(field)
    if annotation is None or not profile:
        return
    kind, at = profile.get("type", ""), path.child(field)
    if kind == "Localhost":
        if not annotation.startswith(_LOCALHOST):
            errs.forbidden(at.child("type"), f"{what} type in annotation and field must match")
        elif annotation.removeprefix(_LOCALHOST) != profile.get("localhostProfile"):
            errs.forbidden(at.child("localhostProfile"), f"{what} profile in annotation and field must match")
    elif annotation not in (_SECCOMP if what == "seccomp" else _APP_ARMOR).get(kind, (annotation,)):
        errs.forbidden(at.child("type"), f"{what} type in annotation and field must match")


def _check_seccomp(errs: Errors, profile: str, path: Path) -> None:
    if profile in ("runtime/default", "docker/default", "unconfined"):
        return
    if profile.startswith(_LOCALHOST):
        check_descending(errs, profile.removeprefix(_LOCALHOST), path)
    else:
        errs.invalid(path, profile, "must be a valid seccomp profile")
