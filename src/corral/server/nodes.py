"""How to reach node agents: their addresses, and TLS with the server's own client certificate."""

import ssl
from pathlib import Path

from corral.api.errors import ApiError, bad_request
from corral.api.objects import Object
from corral.server.lookup import Lookup

ADDRESS_TYPES = ("InternalIP", "Hostname", "InternalDNS", "ExternalIP", "ExternalDNS")
DEFAULT_PORT = 10250


class Nodes:
    """The agents of the cluster's nodes."""

    def __init__(self, lookup: Lookup, certificate: Path, key: Path, ca: Path) -> None:
        self._lookup = lookup
        self._files = (certificate, key, ca)
        self._tls: ssl.SSLContext | None = None

    @property
    def tls(self) -> ssl.SSLContext:
        """The client's side of TLS: agents show certificates of the cluster's authority."""
        if self._tls is None:
            certificate, key, ca = self._files
            self._tls = ssl.create_default_context(cafile=str(ca))
            self._tls.load_cert_chain(certificate, key)
            self._tls.check_hostname = False
        return self._tls

    def url(self, name: str) -> str:
        """`https://ADDRESS:PORT` of a node's agent. Raises ApiError (404, 500)."""
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
        return f"https://[{address}]:{port}" if ":" in address else f"https://{address}:{port}"

    def url_of_pod(self, pod: Object) -> str:
        """The agent of the node that a pod is on. Raises ApiError (400)."""
        node = (pod.get("spec") or {}).get("nodeName")
        if not node:
            raise bad_request(f"pod {pod['metadata']['name']} does not have a host assigned")
        return self.url(node)


def _address(status: Object) -> str:
    for kind in ADDRESS_TYPES:
        for address in status.get("addresses") or ():
            if address.get("type") == kind and address.get("address"):
                return str(address["address"])
    return ""


def container_of(pod: Object, wanted: str) -> str:
    """The container that a request means. Raises ApiError (400) where it says none of several, or one that is not there."""
    spec, name = pod["spec"], pod["metadata"]["name"]
    names = [c["name"] for c in spec.get("containers") or ()]
    init = [c["name"] for c in spec.get("initContainers") or ()]
    ephemeral = [c["name"] for c in spec.get("ephemeralContainers") or ()]
    if not wanted:
        if len(names) == 1:
            return str(names[0])
        default = (pod["metadata"].get("annotations") or {}).get("kubectl.kubernetes.io/default-container")
        if default in names:
            return str(default)
        choices = f"choose one of: [{' '.join(names)}]"
        if init:
            choices += f" or one of the init containers: [{' '.join(init)}]"
        if ephemeral:
            choices += f" or one of the ephemeral containers: [{' '.join(ephemeral)}]"
        raise bad_request(f"a container name must be specified for pod {name}, {choices}")
    if wanted not in (*names, *init, *ephemeral):
        raise bad_request(f"container {wanted} is not valid for pod {name}")
    return wanted
