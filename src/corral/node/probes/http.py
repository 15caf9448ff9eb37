"""httpGet: any status from 200 to 399 is a success. Certificates are not checked, as the address is the pod's own.

https://kubernetes.io/docs/tasks/configure-pod-container/configure-liveness-readiness-startup-probes/
"""

import asyncio

import aiohttp
from yarl import URL

from corral.api.objects import Object
from corral.base.addresses import bracketed
from corral.node.config import KUBELET_VERSION
from corral.node.probes.ports import dial_error, port_number

BODY_LIMIT_BYTES = 10 * 1024
MAX_REDIRECTS = 10
REDIRECTS = (301, 302, 303, 307, 308)
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
    """Status and beginning of the body, where redirects lead within `host`; one to another host is the answer itself.

    Raises TimeoutError, aiohttp.ClientError, OSError, ValueError.
    """
    headers = {"User-Agent": f"kube-probe/{_MAJOR_MINOR}", "Accept": "*/*", "Connection": "close"}
    for header in action.get("httpHeaders") or ():
        headers[header["name"]] = header.get("value", "")
    connector = aiohttp.TCPConnector(ssl=False, force_close=True)
    url = URL(_url(container, action, host))
    async with asyncio.timeout(timeout_s), aiohttp.ClientSession(connector=connector, auto_decompress=False) as session:
        for _ in range(MAX_REDIRECTS):
            async with session.get(url, headers=headers, allow_redirects=False) as response:
                onward = _redirect(response)
                if onward is None or onward.host != url.host:
                    body = await response.content.read(BODY_LIMIT_BYTES)
                    return response.status, body.decode("utf-8", "replace")
            url = onward
    raise ValueError(f"stopped after {MAX_REDIRECTS} redirects")


def _redirect(response: aiohttp.ClientResponse) -> URL | None:
    location = response.headers.get("Location")
    return response.url.join(URL(location)) if response.status in REDIRECTS and location else None


def _url(container: Object, action: Object, host: str) -> str:
    scheme = (action.get("scheme") or "HTTP").lower()
    path = action.get("path") or "/"
    return (
        f"{scheme}://{bracketed(host)}:{port_number(container, action['port'])}{path if path.startswith('/') else '/' + path}"
    )


def _reason(error: Exception, action: Object, container: Object, pod_ip: str) -> str:
    if isinstance(error, aiohttp.ClientConnectorError):
        host = action.get("host") or pod_ip
        return dial_error(host, port_number(container, action["port"]), error.os_error)
    return str(error) or type(error).__name__
