"""What an allowed write may contain: the admission chain, one module a plugin.

Plugins change the object first, in order; when its kind's own rules have judged it, they judge it too. Webhooks and policies
join the chain as plugins. See https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/.
"""

from corral.server.admission.chain import AdmissionChain, Plugin
from corral.server.admission.plugins import default_chain

__all__ = ["AdmissionChain", "Plugin", "default_chain"]
