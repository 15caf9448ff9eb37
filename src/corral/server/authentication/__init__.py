"""Who asks: client certificates, service-account tokens, bootstrap tokens, static tokens, impersonation.

Outside: what somebody may do (`authorization`). Who shows no credentials is `system:anonymous`, whom the default roles let
see health and version only. See https://kubernetes.io/docs/reference/access-authn-authz/authentication/.
"""

from corral.server.authentication.authenticator import Authenticator, Peer, Session
from corral.server.authentication.tokens import TokenAuthority

__all__ = ["Authenticator", "Peer", "Session", "TokenAuthority"]
