"""One call of one webhook: may it be asked, what did it answer."""

import uuid

from corral.api.errors import ApiError, bad_request, internal
from corral.api.objects import Object
from corral.api.resources import Resource
from corral.server.admission.webhooks.configurations import Hook
from corral.server.admission.webhooks.review import ReviewError, Verdict, denied, review, verdict
from corral.server.request import Admission
from corral.server.webhookclient import CallError, WebhookClient

#: The object and the old one.
Shown = tuple[Object | None, Object | None]


class HookError(Exception):
    """The webhook could not be asked, or gave no answer."""

    def __init__(self, hook: Hook, why: str) -> None:
        super().__init__(f'failed calling webhook "{hook.name}": {why}')

    def error(self) -> ApiError:
        """What becomes of the request where failures are not ignored: 500."""
        return internal(str(self))


async def ask(
    client: WebhookClient, hook: Hook, admission: Admission, target: Resource, shown: Shown, *, mutating: bool
) -> Verdict:
    """Ask `hook` about a write; `shown` are the object and the old one in the version of `target`.

    Warnings and audit annotations are noted. Raises HookError, and ApiError where the webhook refuses.
    """
    if admission.dry_run and not hook.dry_runs:
        raise bad_request(f'admission webhook "{hook.name}" does not support dry run')
    if not hook.review_version:
        raise HookError(
            hook, "could not create admission objects: webhook does not accept known AdmissionReview versions (v1, v1beta1)"
        )
    uid = str(uuid.uuid4())
    body = review(admission, target, *shown, hook.review_version, uid)
    try:
        answer = await client.post(hook.target, body, hook.timeout_s)
    except CallError as error:
        raise HookError(hook, f"failed to call webhook: {error}") from error
    try:
        found = verdict(answer, hook.review_version, uid, mutating=mutating)
    except ReviewError as error:
        raise HookError(hook, f"received invalid webhook response: {error}") from None
    for key, value in found.annotations.items():
        admission.request.annotate(f"{hook.name}/{key}", value)
    admission.request.warnings += found.warnings
    if not found.allowed:
        raise denied(hook.name, found.status)
    return found
