"""ValidatingAdmissionWebhook: all webhooks that a write concerns are asked at once, and any of them can refuse it."""

import asyncio
import logging
from collections.abc import Awaitable

from corral.api.errors import ApiError
from corral.api.resources import Resource
from corral.server.admission.webhooks.call import HookError, Shown, ask
from corral.server.admission.webhooks.configurations import VALIDATING, Hook
from corral.server.admission.webhooks.plugin import WebhookPlugin
from corral.server.request import Admission

log = logging.getLogger(__name__)

FAILED_OPEN = "failed-open.validating.webhook.admission.k8s.io/round_0_index_{}"


class ValidatingWebhooks(WebhookPlugin):
    """Asks validating webhooks."""

    configurations = VALIDATING

    def validate(self, admission: Admission) -> Awaitable[None] | None:
        """Raise the ApiError of a webhook that refuses, or that does not answer and may not be ignored."""
        concerned = self._known.concerned(admission)
        return self._ask_all(concerned, admission) if concerned else None

    async def _ask_all(self, concerned: tuple[tuple[Hook, Resource], ...], admission: Admission) -> None:
        calls: list[Awaitable[ApiError | None]] = []
        for hook, target in concerned:
            shown = await self._called(hook, target, admission)
            if shown is not None:
                calls.append(self._ask(hook, target, admission, shown, len(calls)))
        faults = [fault for fault in await asyncio.gather(*calls) if fault is not None]
        if faults:
            raise faults[0]

    async def _ask(self, hook: Hook, target: Resource, admission: Admission, shown: Shown, index: int) -> ApiError | None:
        try:
            await ask(self._client, hook, admission, target, shown, mutating=False)
        except HookError as failed:
            if not hook.fails_open:
                return failed.error()
            log.warning("failed open: %s", failed)
            admission.request.annotate(FAILED_OPEN.format(index), hook.name)
        except ApiError as error:
            return error
        return None
