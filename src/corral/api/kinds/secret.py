"""Secrets."""

import base64

from corral.api.kinds import rows
from corral.api.objects import Object
from corral.api.rules import Context, Rules


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

    def cells(self, obj: Object, now_s: float) -> list[object]:
        """The row."""
        return [rows.name(obj), obj.get("type", ""), len(obj.get("data") or ()), rows.age(obj, now_s)]

    def selectable_fields(self, obj: Object) -> dict[str, str]:
        """The type."""
        return {"type": obj.get("type", "")}


RULES = {"Secret": SecretRules()}
