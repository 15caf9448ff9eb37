"""Writes anew what lies in the store under an old key, or under none: after this an old key opens nothing that is there now.

Old revisions stay as they were until they are compacted, some minutes later.
"""

import logging

from corral.server.encryption.sealer import Sealer
from corral.store.contract import Mismatch, Store

log = logging.getLogger(__name__)


async def rewrite(store: Store, sealer: Sealer) -> int:
    """Seal all that was found not to be sealed as it would be now; how many values that were. One that changes is left."""
    count = 0
    while sealer.stale:
        key = sealer.stale.pop()
        entry = await store.get(key)
        if entry is None or sealer.is_current(key, entry.value):
            continue
        value = sealer.open(key, entry.value)
        sealer.stale.discard(key)
        try:
            await store.update(key, sealer.seal(key, value), entry.revision)
        except Mismatch:
            continue  # Whoever was faster has sealed it.
        count += 1
    if count:
        log.info("%d objects in the store are encrypted anew", count)
    return count
