"""ResourceSlices."""

from corral.api.rules import Rules


class ResourceSliceRules(Rules):
    """Rules of resource.k8s.io ResourceSlice."""

    has_generation = True


RULES = {"ResourceSlice": ResourceSliceRules()}
