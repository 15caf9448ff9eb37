"""What an event shows of a request: bodies in any form, addresses, a query without tokens."""

from typing import Any

import pytest
from multidict import CIMultiDict

from corral.server.audit.event import MAX_AGENT, head, shown_body
from corral.server.http import Query
from corral.server.request import Request, User

OBJECT: dict[str, Any] = {"metadata": {"name": "a", "managedFields": [{"manager": "m"}]}}


@pytest.mark.parametrize(
    ("body", "media", "shown"),
    [
        (b'{"a":1}', "application/json", {"a": 1}),
        (b"a: 1\nb: [x]", "application/yaml", {"a": 1, "b": ["x"]}),
        (b'[{"op":"remove"}]', "application/json-patch+json", [{"op": "remove"}]),
        (b"", "application/json", None),
        (b"{", "application/json", None),
        (b"a: [", "application/yaml", None),
        (b"k8s\x00\xff\xff", "application/vnd.kubernetes.protobuf", None),
    ],
)
def test_bodies(body: bytes, media: str, shown: Any) -> None:
    assert shown_body(body, media, omit_managed_fields=False) == shown


def test_managed_fields_may_be_left_out_of_objects_and_lists() -> None:
    one = b'{"metadata":{"name":"a","managedFields":[{"manager":"m"}]}}'
    assert shown_body(one, "", omit_managed_fields=False) == OBJECT
    assert shown_body(one, "", omit_managed_fields=True) == {"metadata": {"name": "a"}}
    assert shown_body(b'{"items":[' + one + b"]}", "", omit_managed_fields=True) == {"items": [{"metadata": {"name": "a"}}]}


def event(query: str = "", **headers: str) -> dict[str, Any]:
    sent = CIMultiDict({name.replace("_", "-"): value for name, value in headers.items()})
    found = Request("GET", "/api", Query(query), sent, user=User("ann"), remote="10.0.0.7", verb="get")
    return head(found, "Metadata", "id", {})


def test_where_a_request_says_it_came_from_stands_before_where_it_came_from() -> None:
    assert event()["sourceIPs"] == ["10.0.0.7"]
    found = event(X_Forwarded_For="192.0.2.1, 192.0.2.2", X_Real_Ip="192.0.2.3")
    assert found["sourceIPs"] == ["192.0.2.1", "192.0.2.2", "192.0.2.3", "10.0.0.7"]


def test_a_query_is_shown_without_tokens() -> None:
    assert event("limit=1&command=a&command=b&access_token=hush")["requestURI"] == (
        "/api?limit=1&command=a&command=b&access_token=..."
    )


def test_a_long_agent_is_cut() -> None:
    assert event(User_Agent="x" * 5000)["userAgent"] == "x" * MAX_AGENT + "...TRUNCATED"
