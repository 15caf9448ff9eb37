"""What mutating and validating webhooks share: which of them are called for a request, and with which objects."""

from corral.api.errors import ApiError, internal
from corral.api.resources import Resource
from corral.server.admission.chain import Plugin
from corral.server.admission.conditions import Conditions
from corral.server.admission.matching import namespace_matches, object_matches
from corral.server.admission.versions import Versions
from corral.server.admission.webhooks.call import Shown
from corral.server.admission.webhooks.configurations import Configurations, Hook
from corral.server.cache import Cache
from corral.server.lookup import Lookup
from corral.server.request import Admission
from corral.server.webhookclient import WebhookClient


class WebhookPlugin(Plugin):
    """Asks the webhooks of one kind of configuration."""

    operations = frozenset({"CREATE", "UPDATE", "DELETE", "CONNECT"})
    configurations = ""

    def __init__(self, cache: Cache, lookup: Lookup, versions: Versions, client: WebhookClient, conditions: Conditions) -> None:
        self._lookup = lookup
        self._versions = versions
        self._client = client
        self._conditions = conditions
        self._known = Configurations(cache.collection(self.configurations), versions)

    async def _called(self, hook: Hook, target: Resource, admission: Admission) -> Shown | None:
        """The objects with which a webhook whose rules match is called; None where its selectors or conditions do not.

        Raises ApiError (403, 404, 500).
        """
        if not object_matches(hook.object_selector, admission):
            return None
        if not namespace_matches(self._lookup, hook.namespace_selector, admission):
            return None
        shown = await self._shown(admission, target)
        if hook.conditions and not await self._conditions.hold(
            hook.conditions, admission, target, shown, fails_open=hook.fails_open
        ):
            return None
        return shown

    async def _shown(self, admission: Admission, target: Resource) -> Shown:
        try:
            obj = await self._versions.shown(admission.object, target)
            return obj, await self._versions.shown(admission.old_object, target)
        except ApiError as error:
            raise internal(error.message) from None
