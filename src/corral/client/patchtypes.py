"""The kinds of patches and how a request names them.

https://kubernetes.io/docs/reference/using-api/api-concepts/#patch-and-apply
"""

from corral.base.annotations import Mapping

PATCH_CONTENT_TYPES: Mapping[str, str] = {
    "merge": "application/merge-patch+json",
    "strategic": "application/strategic-merge-patch+json",
    "json": "application/json-patch+json",
    "apply": "application/apply-patch+yaml",
}
