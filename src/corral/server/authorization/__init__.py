"""Who may do what: Node and RBAC authorizers behind the privileged group, and the reviews that ask them.

Outside: who somebody is (`authentication`), and what an allowed write may contain (`admission`).
"""

from corral.server.authorization.attributes import Attributes, of_request
from corral.server.authorization.authorizer import Authorizer, Decision, Verdict, forbidden

__all__ = ["Attributes", "Authorizer", "Decision", "Verdict", "forbidden", "of_request"]
