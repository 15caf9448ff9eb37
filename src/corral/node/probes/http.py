"""httpGet: any status from 200 to 399 is a success. Certificates are not checked, as the address is the pod's own.

https://kubernetes.io/docs/tasks/configure-pod-container/configure-liveness-readiness-startup-probes/
"""

import aiohttp

from corral.api.objects import Object
from corral.node.config import KUBELET_VERSION
from corral.node.probes.ports import port_number

BODY_LIMIT_BYTES = 10 * 1024
_MAJOR_MINOR = ".".join(KUBELET_VERSION.removeprefix("v").split(".")[:2])


async def probe(container: Object, action: Object, pod_ip: str, timeout_s: float) -> tuple[bool, str]:
    """Success and what to say of it."""
    try:
        status, body = await request(container, action, action.get("host") or pod_ip, timeout_s)
    except TimeoutError:
        url = _url(container, action, action.get("host") or pod_ip)
        return False, f'Get "{url}": context deadline exceeded (Client.Timeout exceeded while awaiting headers)'
    except (aiohttp.ClientError, OSError, ValueError) as error:
        url = _url(container, action, action.get("host") or pod_ip)
        return False, f'Get "{url}": {_reason(error, action, container, pod_ip)}'
    if 200 <= status < 400:
        return True, body
    return False, f"HTTP probe failed with statuscode: {status}"


async def request(container: Object, action: Object, host: str, timeout_s: float) -> tuple[int, str]:
    """Status and beginning of the body. Raises TimeoutError, aiohttp.ClientError, OSError."""
    headers = {"User-Agent": f"kube-probe/{_MAJOR_MINOR}", "Accept": "*/*", "Connection": "close"}
    for header in action.get("httpHeaders") or ():
        headers[header["name"]] = header.get("value", "")
    timeout = aiohttp.ClientTimeout(total=timeout_s)
    connector = aiohttp.TCPConnector(ssl=False, force_close=True)
    async with (
        aiohttp.ClientSession(connector=connector, timeout=timeout, auto_decompress=False) as session,
        session.get(_url(container, action, host), headers=headers, allow_redirects=True, max_redirects=10) as response,
    ):
        body = await response.content.read(BODY_LIMIT_BYTES)
        return response.status, body.decode("utf-8", "replace")


def _url(container: Object, action: Object, host: str) -> str:
    scheme = (action.get("scheme") or "HTTP").lower()
    path = action.get("path") or "/"
    shown = f"[{host}]" if ":" in host else host
    return f"{scheme}://{shown}:{port_number(container, action['port'])}{path if path.startswith('/') else '/' + path}"


def _reason(error: Exception, action: Object, container: Object, pod_ip: str) -> str:
    if isinstance(error, aiohttp.ClientConnectorError):
        host = action.get("host") or pod_ip
        text = (error.os_error.strerror or str(error)).lower()
        return f"dial tcp {host}:{port_number(container, action['port'])}: connect: {text}"
    return str(error) or type(error).__name__
