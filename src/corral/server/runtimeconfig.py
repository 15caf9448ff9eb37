"""Which of the built-in versions are served: by default the stable ones, others where the settings ask for them.

The settings are those of kube-apiserver's `--runtime-config`: `api/beta=true`, `resource.k8s.io/v1beta1=true`, `api/all=false`,
separated by commas. Betas are off by default (KEP-3136); alpha versions are not built in.
See https://kubernetes.io/docs/reference/using-api/#enabling-or-disabling.
"""

import re
from collections.abc import Callable, Mapping

from corral.api import facts
from corral.api.resources import Catalog, Resource
from corral.base.errors import CorralError

_BETA = re.compile(r"v\d+beta\d+")
_TRUE, _FALSE = ("", "true", "1"), ("false", "0")
_CLASSES: Mapping[str, Callable[[str], bool]] = {
    "api/all": lambda version: True,
    "api/ga": lambda version: not _BETA.fullmatch(version),
    "api/beta": lambda version: bool(_BETA.fullmatch(version)),
    "api/alpha": lambda version: False,
}


def served(settings: str = "") -> Catalog:
    """The resources that are served. Raises CorralError for settings that cannot be understood."""
    asked = parse(settings)
    return Catalog(resource for resource in facts.catalog() if _is_on(resource, asked))


def parse(settings: str) -> Mapping[str, bool]:
    """What is on or off: a class (`api/beta`), a version (`apps/v1`, `v1`), or a resource of it. Raises CorralError."""
    found = {}
    known = {*_CLASSES}
    for resource in facts.catalog():
        known |= {resource.api_version, f"{resource.api_version}/{resource.plural}"}
    for text in filter(None, (part.strip() for part in settings.split(","))):
        name, _, value = text.partition("=")
        name = name.removeprefix("api/") if name == "api/v1" else name
        if value.lower() not in (*_TRUE, *_FALSE):
            raise CorralError(f"runtime config {text}: {value} is neither true nor false", f"write {name}=true or {name}=false")
        if name not in known:
            raise CorralError(f"runtime config {text}: there is no {name}", "name a version that is built in, or api/beta")
        found[name] = value.lower() in _TRUE
    return found


def _is_on(resource: Resource, asked: Mapping[str, bool]) -> bool:
    """The most particular setting counts: that of the resource, of its version, of a class of versions."""
    for name in (f"{resource.api_version}/{resource.plural}", resource.api_version):
        if name in asked:
            return asked[name]
    for name in ("api/ga", "api/beta", "api/all"):
        if name in asked and _CLASSES[name](resource.version):
            return asked[name]
    return not _BETA.fullmatch(resource.version)
