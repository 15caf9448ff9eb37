"""Every request for a deprecated kind is warned of, whatever comes of it."""

import aiohttp
import pytest

ENDPOINTS = "/api/v1/namespaces/default/endpoints"
TOLD = '299 - "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice"'


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "told"),
    [
        ("GET", ENDPOINTS, None, 200, TOLD),
        ("GET", f"{ENDPOINTS}/absent", None, 404, TOLD),
        ("POST", ENDPOINTS, '{"metadata":{"name":"e"},"subsets":7}', 400, TOLD),
        ("DELETE", f"{ENDPOINTS}/absent", None, 404, TOLD),
        ("GET", "/api/v1/componentstatuses", None, 200, '299 - "v1 ComponentStatus is deprecated in v1.19+"'),
        ("GET", "/api/v1/namespaces/default/services", None, 200, None),
    ],
)
def test_who_asks_for_a_deprecated_kind_is_warned(story, method, path, body, status, told):
    async def tell(server):
        headers = {"Authorization": f"Bearer {server.token}", "Content-Type": "application/json"}
        async with (
            aiohttp.ClientSession(server.url, connector=aiohttp.TCPConnector(ssl=server.tls()), headers=headers) as http,
            http.request(method, path, data=body) as response,
        ):
            assert response.status == status
            assert response.headers.get("Warning") == told

    story(tell)
