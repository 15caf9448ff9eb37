"""Which hooks an event runs, in which order, and when each is deleted. Pure.

https://helm.sh/docs/topics/charts_hooks/
"""

from corral.base.annotations import Iterable
from corral.charts.manifests.split import Hook

BEFORE_CREATION = "before-hook-creation"
SUCCEEDED = "hook-succeeded"
FAILED = "hook-failed"


def due(hooks: Iterable[Hook], event: str) -> list[Hook]:
    """The hooks of an event: by weight, then by name, else in the order of their kinds."""
    return sorted((hook for hook in hooks if event in hook.events), key=lambda h: (h.weight, h.name))


def is_deleted(hook: Hook, when: str) -> bool:
    """Whether a hook's object goes then; without a policy, before it is made anew. Definitions never go."""
    return hook.kind != "CustomResourceDefinition" and when in (hook.delete_policies or [BEFORE_CREATION])
