"""How to reach node agents: their addresses, and TLS that takes no other node's certificate for theirs.

A serving certificate must be one of the cluster's authority, for the address that is called, and its subject must be
`system:node:NAME` (KEP-4872): addresses are what nodes say of themselves, and are given to others when a node has gone; by whom
a certificate was asked for, its subject says.

https://kubernetes.io/docs/reference/access-authn-authz/kubelet-tls-bootstrapping/
"""

import ssl
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from corral.api.errors import ApiError, bad_request
from corral.api.objects import Object
from corral.base.addresses import bracketed
from corral.server.lookup import Lookup

ADDRESS_TYPES = ("InternalIP", "Hostname", "InternalDNS", "ExternalIP", "ExternalDNS")
DEFAULT_PORT = 10250
#: Contexts that are kept, 27 kB each; another one takes 3 ms, and new connections.
KEPT_CONTEXTS = 256


class Agent(NamedTuple):
    """Where a node's agent answers, and the TLS that makes sure of it."""

    address: str
    port: int
    tls: ssl.SSLContext

    @property
    def url(self) -> str:
        """`https://ADDRESS:PORT`."""
        return f"https://{bracketed(self.address)}:{self.port}"


class Nodes:
    """The agents of the cluster's nodes; `certificate` and `key` are what the server shows to them."""

    def __init__(self, lookup: Lookup, certificate: Path, key: Path, ca: Path) -> None:
        self._lookup = lookup
        self._files = (certificate, key, ca)
        self._tls = lru_cache(KEPT_CONTEXTS)(self._make_tls)

    def agent(self, name: str) -> Agent:
        """The agent of a node. Raises ApiError (404, 500)."""
        node = self._lookup.get("nodes", "", name)
        if node is None:
            raise ApiError(404, "NotFound", f'nodes "{name}" not found', {"name": name, "kind": "nodes"})
        status = node.get("status") or {}
        address = _address(status)
        if not address:
            raise ApiError(
                500,
                "InternalError",
                f"Internal error occurred: no preferred addresses found; known addresses: {status.get('addresses') or []}",
            )
        port = ((status.get("daemonEndpoints") or {}).get("kubeletEndpoint") or {}).get("Port") or DEFAULT_PORT
        return Agent(address, port, self._tls(name))

    def agent_of(self, pod: Object) -> Agent:
        """The agent of the node that a pod is on. Raises ApiError (400, 404, 500)."""
        node = (pod.get("spec") or {}).get("nodeName")
        if not node:
            raise bad_request(f"pod {pod['metadata']['name']} does not have a host assigned")
        return self.agent(node)

    def _make_tls(self, name: str) -> ssl.SSLContext:
        certificate, key, ca = self._files
        tls = _NodeContext(ssl.PROTOCOL_TLS_CLIENT)
        tls.subject = f"system:node:{name}"
        tls.load_verify_locations(ca)
        tls.load_cert_chain(certificate, key)
        return tls


class _NodeConnection(ssl.SSLObject):
    """A connection to a node's agent: the handshake ends with a look at whose the certificate is."""

    def do_handshake(self) -> None:
        super().do_handshake()
        assert isinstance(self.context, _NodeContext)
        certificate: Any = self.getpeercert()
        names = [value for part in certificate["subject"] for kind, value in part if kind == "commonName"]
        if names != [self.context.subject]:
            fault = f"the certificate is that of {', '.join(names) or 'nobody'}, not of {self.context.subject}"
            error = ssl.SSLCertVerificationError(ssl.SSL_ERROR_SSL, fault)
            error.verify_code, error.verify_message = 0, fault
            raise error


class _NodeContext(ssl.SSLContext):
    """TLS with one node's agent, who must be `subject`. Holds where TLS is spoken without a socket, as asyncio does."""

    subject: str
    sslobject_class = _NodeConnection


def _address(status: Object) -> str:
    for kind in ADDRESS_TYPES:
        for address in status.get("addresses") or ():
            if address.get("type") == kind and address.get("address"):
                return str(address["address"])
    return ""
