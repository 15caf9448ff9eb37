"""ServiceAccounts."""

from corral.api.kinds import rows
from corral.api.objects import Object
from corral.api.rules import Rules


class ServiceAccountRules(Rules):
    """Rules of v1 ServiceAccount."""

    def cells(self, obj: Object, now_s: float) -> list[object]:
        """The row."""
        return [rows.name(obj), rows.age(obj, now_s)]


RULES = {"ServiceAccount": ServiceAccountRules()}
