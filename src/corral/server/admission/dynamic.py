"""The part of the chain that the cluster's own objects make up: webhooks and policies, in the order in which they are asked."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from corral.server.admission.chain import Plugin
from corral.server.admission.conditions import Conditions
from corral.server.admission.policies.mutating import MutatingPolicies
from corral.server.admission.policies.validating import ValidatingPolicies
from corral.server.admission.versions import Versions
from corral.server.admission.webhooks.mutating import MutatingWebhooks
from corral.server.admission.webhooks.validating import ValidatingWebhooks
from corral.server.lookup import Lookup
from corral.server.webhookclient import WebhookClient

if TYPE_CHECKING:
    from corral.server.core import Core


def dynamic_plugins(core: "Core", lookup: Lookup, client: WebhookClient) -> Iterable[Plugin]:
    """What changes a write, then what judges it; policies before webhooks."""
    versions, conditions = Versions(core), Conditions(core, lookup)
    yield MutatingPolicies(core, lookup, versions)
    yield MutatingWebhooks(core.cache, lookup, versions, client, conditions)
    yield ValidatingPolicies(core, lookup, versions)
    yield ValidatingWebhooks(core.cache, lookup, versions, client, conditions)
