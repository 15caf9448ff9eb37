"""VolumeAttachments."""

from corral.api.rules import Rules


class VolumeAttachmentRules(Rules):
    """Rules of storage.k8s.io VolumeAttachment."""

    has_status = True


RULES = {"VolumeAttachment": VolumeAttachmentRules()}
