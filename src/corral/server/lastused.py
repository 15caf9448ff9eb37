"""Notes on Secrets when the service-account tokens in them were used last: a label with the day.

https://kubernetes.io/docs/concepts/security/service-accounts/ (KEP-2799). One write a Secret and day.
"""

import logging

from corral.api.errors import ApiError
from corral.base.clock import Clock, rfc3339
from corral.base.tasks import Tasks
from corral.client.client import Client
from corral.server.lookup import Lookup

log = logging.getLogger(__name__)

LABEL = "kubernetes.io/legacy-token-last-used"
KEPT = 4096


class LastUsed:
    """Keeps the labels."""

    def __init__(self, lookup: Lookup, client: Client, clock: Clock, tasks: Tasks) -> None:
        self._lookup = lookup
        self._client = client
        self._clock = clock
        self._tasks = tasks
        self._noted: set[tuple[str, str, str]] = set()

    def used(self, namespace: str, name: str) -> None:
        """The token in this Secret was used just now."""
        day = rfc3339(self._clock.now())[:10]
        key = (namespace, name, day)
        if key in self._noted:
            return
        if len(self._noted) >= KEPT:
            self._noted.clear()
        self._noted.add(key)
        secret = self._lookup.get("secrets", namespace, name)
        if secret is not None and (secret["metadata"].get("labels") or {}).get(LABEL) != day:
            self._tasks.start("last use of a token", self._label(namespace, name, day))

    async def _label(self, namespace: str, name: str, day: str) -> None:
        try:
            await self._client.patch("secrets", name, {"metadata": {"labels": {LABEL: day}}}, namespace, type="merge")
        except ApiError as error:
            log.debug("the last use of the token in %s/%s is not noted: %s", namespace, name, error)
