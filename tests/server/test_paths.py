"""What a method and path mean."""

import pytest

from corral.api.errors import ApiError
from corral.server.paths import PageNotFoundError, Paths, Target, resolve
from corral.server.request import Request
from corral.server.runtimeconfig import served

CATALOG = served()


def meaning(method: str, path: str) -> tuple[str, str, str, str, str, str]:
    target = resolve(CATALOG, method, path)
    assert target.resource is not None
    return target.verb, target.resource.group_resource, target.namespace, target.name, target.subresource, target.subpath


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("GET", "/api/v1/pods", ("list", "pods", "", "", "", "")),
        ("GET", "/api/v1/namespaces/d/pods", ("list", "pods", "d", "", "", "")),
        ("GET", "/api/v1/namespaces/d/pods/p", ("get", "pods", "d", "p", "", "")),
        ("POST", "/api/v1/namespaces/d/pods", ("create", "pods", "d", "", "", "")),
        ("DELETE", "/api/v1/namespaces/d/pods", ("deletecollection", "pods", "d", "", "", "")),
        ("PATCH", "/apis/apps/v1/namespaces/d/deployments/w/scale", ("patch", "deployments.apps", "d", "w", "scale", "")),
        ("GET", "/api/v1/namespaces/d", ("get", "namespaces", "d", "d", "", "")),
        ("PUT", "/api/v1/namespaces/d/finalize", ("update", "namespaces", "d", "d", "finalize", "")),
        ("GET", "/api/v1/watch/namespaces/d/pods/p", ("watch", "pods", "d", "p", "", "")),
        ("GET", "/api/v1/watch/nodes", ("watch", "nodes", "", "", "", "")),
        ("GET", "/api/v1/namespaces/d/services/s:http/proxy/a/b", ("get", "services", "d", "s:http", "proxy", "a/b")),
    ],
)
def test_a_path_names_verb_and_object(method, path, expected):
    assert meaning(method, path) == expected


@pytest.mark.parametrize("path", ["/", "/healthz", "/api", "/apis/apps/v1", "/openapi/v2", "/version"])
def test_pages_are_no_resources(path):
    assert resolve(CATALOG, "GET", path) == Target("get")


@pytest.mark.parametrize(
    ("method", "path", "code"),
    [
        ("GET", "/api/v1/namespaces/d/nonsense", 404),
        ("GET", "/apis/apps/v9/deployments", 404),
        ("GET", "/api/v1/namespaces/d/pods/p/nonsense", 404),
        ("GET", "/api/v1/namespaces/d/nodes/n", 404),
        ("GET", "/api/v1/namespaces/d/namespaces", 404),
        ("DELETE", "/api/v1/namespaces/d/namespaces/other", 404),
        ("PUT", "/api/v1/namespaces/d/namespaces/other/finalize", 404),
        ("GET", "/api/v1/watch/namespaces/d/namespaces", 404),
        ("POST", "/api/v1/namespaces/d/pods/p", 405),
        ("PUT", "/api/v1/namespaces/d/pods", 405),
        ("PATCH", "/api/v1/namespaces/d/pods", 405),
        ("POST", "/api/v1/pods", 405),
        ("DELETE", "/api/v1/namespaces/d/bindings", 405),
        ("DELETE", "/api/v1/namespaces", 405),
    ],
)
def test_what_is_not_there_is_refused(method, path, code):
    with pytest.raises(ApiError) as refused:
        resolve(CATALOG, method, path)
    assert refused.value.code == code


def test_groups_that_nobody_serves_have_no_page():
    with pytest.raises(PageNotFoundError):
        resolve(CATALOG, "GET", "/apis/example.com/v1/things")


def test_a_list_may_be_a_watch_and_its_selector_names_the_object_for_authorization():
    request = Request("GET", "/api/v1/pods", {"watch": "1", "fieldSelector": "metadata.name=p"}, {})
    Paths(CATALOG).resolve(request)
    assert (request.verb, request.name) == ("watch", "p")
    request = Request("GET", "/api/v1/pods", {"watch": "false"}, {})
    Paths(CATALOG).resolve(request)
    assert request.verb == "list"
