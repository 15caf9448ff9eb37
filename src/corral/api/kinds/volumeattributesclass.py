"""VolumeAttributesClasses."""

from corral.api.rules import Rules


class VolumeAttributesClassRules(Rules):
    """Rules of storage.k8s.io VolumeAttributesClass."""


RULES = {"VolumeAttributesClass": VolumeAttributesClassRules()}
