"""Secrets."""

import base64

from corral.api import jsontext, names
from corral.api.fields import Errors, Path
from corral.api.jsonvalues import json_kind
from corral.api.kinds import rows
from corral.api.kinds.configmap import MAX_BYTES, check_sealed, decoded_bytes
from corral.api.objects import Object
from corral.api.rules import Context, Rules

SERVICE_ACCOUNT_NAME = "kubernetes.io/service-account.name"
#: Type → the keys that it needs.
_NEEDS = {
    "kubernetes.io/dockercfg": (".dockercfg",),
    "kubernetes.io/dockerconfigjson": (".dockerconfigjson",),
    "kubernetes.io/ssh-auth": ("ssh-privatekey",),
    "kubernetes.io/tls": ("tls.crt", "tls.key"),
}
_PEM = b"-----BEGIN "


class SecretRules(Rules):
    """Rules of v1 Secret."""

    def default(self, obj: Object) -> None:
        """Opaque; `stringData` becomes part of `data`."""
        if not obj.get("type"):
            obj["type"] = "Opaque"
        texts = obj.pop("stringData", None)
        if texts:
            data = obj.get("data") or {}
            for key, text in texts.items():
                data[key] = base64.b64encode(text.encode()).decode()
            obj["data"] = data

    def prepare_update(self, new: Object, old: Object, subresource: str, context: Context) -> None:
        """A write that does not say the type keeps it."""
        if not new.get("type"):
            new["type"] = old.get("type", "")

    def validate_create(self, obj: Object) -> Errors:
        """Keys that can be file names, not too much in all, and what the type needs."""
        errs = Errors()
        data, path = obj.get("data") or {}, Path("data")
        for key in sorted(data):
            errs.each(path.key(key), key, names.config_key(key))
        if sum(decoded_bytes(v) for v in data.values()) > MAX_BYTES:
            errs.too_long(path, MAX_BYTES)
        kind = obj.get("type", "")
        for key in _NEEDS.get(kind, ()):
            if key not in data or (key == "ssh-privatekey" and not data[key]):
                errs.required(path.key(key))
            elif key.startswith(".docker"):
                _check_json(errs, data[key], path.key(key))
        if kind == "kubernetes.io/basic-auth" and not data.keys() & {"username", "password"}:
            errs.required(path.key("username"))
            errs.required(path.key("password"))
        account = (obj["metadata"].get("annotations") or {}).get(SERVICE_ACCOUNT_NAME)
        if kind == "kubernetes.io/service-account-token" and not account:
            errs.required(Path("metadata").child("annotations").key(SERVICE_ACCOUNT_NAME))
        return errs

    def validate_update(self, new: Object, old: Object, subresource: str) -> Errors:
        """The same; the type stays, and what is sealed."""
        errs = Errors()
        if new.get("type") != old.get("type"):
            errs.invalid("type", new.get("type", ""), "field is immutable")
        check_sealed(errs, new, old, "data")
        errs.extend(self.validate_create(new))
        return errs

    def warnings(self, obj: Object, old: Object | None) -> list[str]:
        """A certificate and key that are none."""
        if obj.get("type") != "kubernetes.io/tls":
            return []
        data = obj.get("data") or {}
        for key, what in (("tls.crt", "certificate"), ("tls.key", "key")):
            if _PEM not in base64.b64decode(data.get(key) or ""):
                return [f"tls: failed to find any PEM data in {what} input"]
        return []

    def cells(self, obj: Object, now_s: float) -> list[object]:
        """The row."""
        return [rows.name(obj), obj.get("type", ""), len(obj.get("data") or ()), rows.age(obj, now_s)]

    def selectable_fields(self, obj: Object) -> dict[str, str]:
        """The type."""
        return {"type": obj.get("type", "")}


def _check_json(errs: Errors, text: str | None, path: Path) -> None:
    """A text that is a JSON object, or null, in Go's words where it is none."""
    try:
        found = jsontext.parse(base64.b64decode(text or ""))
        if isinstance(found, dict) or found is None:
            return
        why = f"json: cannot unmarshal {json_kind(found)} into Go value of type map[string]interface {{}}"
    except ValueError as error:
        why = str(error)
    errs.invalid(path, "<secret contents redacted>", why)


RULES = {"Secret": SecretRules()}
