"""ComponentStatuses: a list that is empty, of a kind that is long deprecated."""

from corral.api.rules import Rules


class ComponentStatusRules(Rules):
    """Rules of v1 ComponentStatus."""

    deprecation = "v1 ComponentStatus is deprecated in v1.19+"


RULES = {"ComponentStatus": ComponentStatusRules()}
