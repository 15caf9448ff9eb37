"""MutatingAdmissionWebhook: webhooks change a write, one after the other, each what the ones before it have made.

Where one has changed the object, the chain runs once more, and webhooks that want it (`reinvocationPolicy: IfNeeded`) are asked
again if something was changed after them.
"""

import logging
from collections.abc import Awaitable
from typing import Any

import orjson

from corral.api.errors import ApiError, internal
from corral.api.objects import Object
from corral.api.patch.json import json_patch
from corral.api.resources import Resource
from corral.server.admission.reinvocation import Reinvocation
from corral.server.admission.webhooks.call import HookError, Shown, ask
from corral.server.admission.webhooks.configurations import MUTATING, Hook
from corral.server.admission.webhooks.plugin import WebhookPlugin
from corral.server.audit.policy import Level
from corral.server.request import Admission

log = logging.getLogger(__name__)

MUTATION = "mutation.webhook.admission.k8s.io/round_{}_index_{}"
PATCH = "patch.webhook.admission.k8s.io/round_{}_index_{}"
FAILED_OPEN = "failed-open.mutating.webhook.admission.k8s.io/round_{}_index_{}"


class MutatingWebhooks(WebhookPlugin):
    """Asks mutating webhooks."""

    configurations = MUTATING

    def admit(self, admission: Admission) -> Awaitable[None] | None:
        """Change the object as webhooks want it. Raises ApiError."""
        concerned = self._known.concerned(admission)
        return self._ask_each(concerned, admission) if concerned else None

    async def _ask_each(self, concerned: tuple[tuple[Hook, Resource], ...], admission: Admission) -> None:
        memory = Reinvocation.of(admission, MutatingWebhooks)
        for hook, target in concerned:
            shown = await self._called(hook, target, admission)
            if shown is None or not memory.is_due(admission, hook.uid):
                continue
            if await self._ask(hook, target, admission, shown):
                memory.changed(admission)
            if hook.reinvoked:
                memory.asked.add(hook.uid)
        memory.leave(admission)

    async def _ask(self, hook: Hook, target: Resource, admission: Admission, shown: Shown) -> bool:
        """Ask one webhook; whether it changed the object."""
        patch: list[Any] | None = None
        changed = False
        try:
            patch = (await ask(self._client, hook, admission, target, shown, mutating=True)).patch
            if patch:
                changed = await self._apply(hook, target, admission, shown[0], patch)
        except HookError as failed:
            if not hook.fails_open:
                raise failed.error() from failed
            log.warning("failed open: %s", failed)
            admission.request.annotate(FAILED_OPEN.format(admission.rounds.number, hook.index), hook.name)
        finally:
            _note(hook, admission, patch if changed else None)
        return changed

    async def _apply(self, hook: Hook, target: Resource, admission: Admission, shown: Object | None, patch: list[Any]) -> bool:
        if shown is None:
            why = f'admission webhook "{hook.name}" attempted to modify the object, which is not supported for this operation'
            raise internal(why)
        try:
            patched = json_patch(shown, patch)
        except ApiError as error:
            raise internal(error.message) from None
        made = self._versions.typed(patched, shown, target)
        changed = made != shown
        await self._versions.take(admission, made)
        return changed


def _note(hook: Hook, admission: Admission, patch: list[Any] | None) -> None:
    """Note for the audit log whether a webhook changed the object; how, where the objects of requests are noted as well."""
    request, place = admission.request, (admission.rounds.number, hook.index)
    note: Object = {"configuration": hook.configuration, "webhook": hook.name}
    request.annotate(MUTATION.format(*place), orjson.dumps({**note, "mutated": patch is not None}).decode())
    if patch is not None and request.audit is not None and request.audit.decision.level >= Level.REQUEST:
        request.annotate(PATCH.format(*place), orjson.dumps({**note, "patch": patch, "patchType": "JSONPatch"}).decode())
