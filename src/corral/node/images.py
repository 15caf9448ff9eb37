"""Images for pods: present or pulled, with the pod's credentials, and with patience after a failure.

https://kubernetes.io/docs/concepts/containers/images/
"""

from collections.abc import Callable, Sequence
from typing import Any

from msgspec import Struct

from corral.base.backoff import Backoff
from corral.base.clock import Clock
from corral.node.cri.errors import CriError
from corral.node.cri.images import Images
from corral.node.cri.types import Image
from corral.node.pullcredentials import Credential, normalized
from corral.node.pullrecords import PullRecords

BACKOFF_FIRST_S = 10.0
BACKOFF_MAX_S = 300.0
Say = Callable[[str, str, str], None]


class ImageError(Exception):
    """An image is not to be had now. `reason` is what the container's waiting state says; `retry_s` when to try again."""

    def __init__(self, reason: str, message: str, retry_s: float) -> None:
        super().__init__(message)
        self.reason = reason
        self.retry_s = retry_s


class Wanted(Struct, frozen=True):
    """An image that a container of pod `uid` asks for."""

    uid: str
    reference: str
    policy: str


class Puller:
    """Makes images present. One failing image of one pod does not hold up others."""

    def __init__(self, images: Images, clock: Clock, records: PullRecords) -> None:
        self._images = images
        self._records = records
        self._clock = clock
        self._backoff = Backoff(clock, BACKOFF_FIRST_S, BACKOFF_MAX_S)
        self._last_error: dict[tuple[str, str], str] = {}

    async def ensure(self, wanted: Wanted, credentials: Sequence[Credential], sandbox: dict[str, Any], say: Say) -> Image:
        """The image, pulled where the policy asks for it. `say(type, reason, message)` writes an event. Raises ImageError."""
        reference = wanted.reference
        key = (wanted.uid, reference)
        present = await self._present(reference, say)
        usable = present is not None and self._records.may_use(present.id, normalized(reference), credentials)
        if wanted.policy == "Never" and not usable:
            message = f'Container image "{reference}" is not present with pull policy of Never'
            say("Warning", "ErrImageNeverPull", message)
            raise ImageError("ErrImageNeverPull", message, BACKOFF_FIRST_S)
        if present is not None and usable and wanted.policy != "Always":
            say("Normal", "Pulled", f'Container image "{reference}" already present on machine and can be accessed by the pod')
            return present
        if (wait_s := self._backoff.remaining(key)) > 0:
            say("Normal", "BackOff", f'Back-off pulling image "{reference}"')
            why = self._last_error.get(key, "")
            message = f'Back-off pulling image "{reference}"' + (f": {why}" if why else "")
            raise ImageError("ImagePullBackOff", message, wait_s)
        return await self._pull(key, reference, credentials, sandbox, say)

    async def _present(self, reference: str, say: Say) -> Image | None:
        try:
            return await self._images.image(reference)
        except CriError as error:
            say("Warning", "InspectFailed", f'Failed to inspect image "{reference}": {error}')
            message = f'Failed to inspect image "{reference}": {error}'
            raise ImageError("ImageInspectError", message, BACKOFF_FIRST_S) from None

    async def _pull(
        self, key: tuple[str, str], reference: str, credentials: Sequence[Credential], sandbox: dict[str, Any], say: Say
    ) -> Image:
        say("Normal", "Pulling", f'Pulling image "{reference}"')
        began_s = self._clock.monotonic()
        failure: CriError | OSError | None = None
        tries: list[Credential | None] = [*credentials] or [None]
        for credential in tries:
            try:
                found = await self._fetch(reference, credential, sandbox)
            except (CriError, OSError) as error:
                failure = error
                continue
            if found is not None:
                took = f"{round(self._clock.monotonic() - began_s, 3):g}s"
                text = f'Successfully pulled image "{reference}" in {took} ({took} including waiting).'
                say("Normal", "Pulled", f"{text} Image size: {found.size_bytes} bytes.")
                self._backoff.forget(key)
                return found
        wait_s = self._backoff.next(key)
        self._last_error[key] = f"ErrImagePull: {failure}"
        say("Warning", "Failed", f'Failed to pull image "{reference}": {failure}')
        say("Warning", "Failed", "Error: ErrImagePull")
        # The reason of the moment is ErrImagePull; a little later it is ImagePullBackOff, until the wait is over.
        raise ImageError("ErrImagePull", str(failure), min(wait_s, 1.0))

    async def _fetch(self, reference: str, credential: Credential | None, sandbox: dict[str, Any]) -> Image | None:
        """Pull with one credential, and remember with which. Raises CriError, OSError where that cannot be remembered."""
        name, found = normalized(reference), None
        self._records.begin(name)
        try:
            pulled = await self._images.pull(reference, credential.auth if credential is not None else None, sandbox)
            found = await self._images.image(pulled) or await self._images.image(reference)
        finally:
            self._records.end(name, found.id if found is not None else "", credential)
        return found
