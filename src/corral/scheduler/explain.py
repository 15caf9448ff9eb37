"""Says why a pod has no place, in the reference's words: how many nodes for which reason."""

from collections import Counter
from collections.abc import Iterable, Mapping

from corral.scheduler.filters.contract import Wake
from corral.scheduler.placement import Refusal

NO_NODES = "no nodes available to schedule pods"
NOT_HELPFUL = "Preemption is not helpful for scheduling"
NO_VICTIMS = "No preemption victims found for incoming pod"
NEVER = "not eligible due to preemptionPolicy=Never."
UNDER_WAY = "not eligible due to a terminating pod on the nominated node."
#: What dynamic resource allocation says of a pod without claims (KEP-4381), before preemption has its word.
_NO_CLAIMS = "no new claims to deallocate"


def message(refusal: Refusal, preemption: str) -> str:
    """The text of the event FailedScheduling and of the condition PodScheduled.

    `preemption` is why that did not help; '' where it did, and the pod waits for its victims to go.
    """
    if not refusal.by_node:
        return NO_NODES
    nodes = len(refusal.by_node)
    once = next((misfit.texts for _, misfit in refusal.by_node.values() if misfit.everywhere), None)
    if once:
        text = f"0/{nodes} nodes are available: {', '.join(once)}."
    else:
        text = _counted(nodes, (text for _, misfit in refusal.by_node.values() for text in misfit.texts))
    return text if not preemption else f"{text} {_NO_CLAIMS}, preemption: {preemption}"


def without_victims(refusal: Refusal, reasons: Mapping[str, str] | None = None) -> str:
    """What came of preemption where it found nobody to remove. `reasons`: by node, where it was tried."""
    tried = reasons or {}
    texts = (tried.get(name, NO_VICTIMS if misfit.resolvable else NOT_HELPFUL) for name, (_, misfit) in refusal.by_node.items())
    return _counted(len(refusal.by_node), texts)


def wakes(refusal: Refusal) -> Wake:
    """The changes that could make a difference."""
    wanted = Wake.NODE
    for filter, _ in refusal.by_node.values():
        wanted |= filter.wakes
    return wanted


def _counted(nodes: int, reasons: Iterable[str]) -> str:
    texts = sorted(f"{count} {reason}" for reason, count in Counter(reasons).items())
    return f"0/{nodes} nodes are available: {', '.join(texts)}."
