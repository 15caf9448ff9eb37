"""ConfigMaps."""

from corral.api.kinds import rows
from corral.api.objects import Object
from corral.api.rules import Rules


class ConfigMapRules(Rules):
    """Rules of v1 ConfigMap."""

    def cells(self, obj: Object, now_s: float) -> list[object]:
        """The row."""
        count = len(obj.get("data") or ()) + len(obj.get("binaryData") or ())
        return [rows.name(obj), count, rows.age(obj, now_s)]


RULES = {"ConfigMap": ConfigMapRules()}
