"""ConfigMaps."""

from corral.api import names
from corral.api.fields import Errors, Path
from corral.api.kinds import rows
from corral.api.objects import Object
from corral.api.rules import Rules

MAX_BYTES = 1024 * 1024
SEALED = "field is immutable when `immutable` is set"


class ConfigMapRules(Rules):
    """Rules of v1 ConfigMap."""

    def validate_create(self, obj: Object) -> Errors:
        """Keys that can be file names, each once; not too much in all."""
        errs = Errors()
        data, binary = obj.get("data") or {}, obj.get("binaryData") or {}
        for field, bag in (("data", data), ("binaryData", binary)):
            for key in sorted(bag):
                at = Path(field).key(key)
                errs.each(at, key, names.config_key(key))
                if field == "data" and key in binary:
                    errs.invalid(at, key, "duplicate of key present in binaryData")
        size = sum(len(v.encode()) for v in data.values()) + sum(decoded_bytes(v) for v in binary.values())
        if size > MAX_BYTES:
            errs.too_long("", MAX_BYTES)
        return errs

    def validate_update(self, new: Object, old: Object, subresource: str) -> Errors:
        """The same; what is sealed stays."""
        errs = Errors()
        check_sealed(errs, new, old, "data", "binaryData")
        errs.extend(self.validate_create(new))
        return errs

    def cells(self, obj: Object, now_s: float) -> list[object]:
        """The row."""
        count = len(obj.get("data") or ()) + len(obj.get("binaryData") or ())
        return [rows.name(obj), count, rows.age(obj, now_s)]


def check_sealed(errs: Errors, new: Object, old: Object, *fields: str) -> None:
    """An object with `immutable: true` keeps that and these fields (KEP-1412)."""
    if not old.get("immutable"):
        return
    if not new.get("immutable"):
        errs.forbidden("immutable", SEALED)
    for field in fields:
        if (new.get(field) or {}) != (old.get(field) or {}):
            errs.forbidden(field, SEALED)


def decoded_bytes(text: str | None) -> int:
    """How many bytes a base64 text stands for; None is the null that Go keeps."""
    return 0 if text is None else len(text) * 3 // 4 - text.count("=")


RULES = {"ConfigMap": ConfigMapRules()}
