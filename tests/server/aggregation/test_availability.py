"""What can be said of an extension server before it is asked, and what its condition becomes."""

import pytest

from corral.server.aggregation.availability import PASSED, Verdict, verdict, with_verdict
from corral.server.aggregation.backends import Backend, backend_of

BACKEND = Backend("v1.x.io", "x.io", "v1", "ns", "svc", 443)


def service(*ports: dict, type: str = "ClusterIP") -> dict:
    return {"spec": {"type": type, "ports": list(ports)}}


def slice_of(port: str, *addresses: str) -> dict:
    return {"ports": [{"name": port, "port": 8443}], "endpoints": [{"addresses": list(addresses)}]}


@pytest.mark.parametrize(
    ("service", "slices", "reason", "message"),
    [
        (None, [], "ServiceNotFound", 'service/svc in "ns" is not present'),
        (service({"port": 80}), [], "ServicePortError", 'service/svc in "ns" is not listening on port 443'),
        (service({"port": 443}), [], "EndpointsNotFound", 'cannot find endpointslices for service/svc in "ns"'),
        (
            service({"port": 443, "name": "https"}),
            [slice_of("https"), slice_of("http", "10.0.0.1")],
            "MissingEndpoints",
            'endpointslices for service/svc in "ns" have no addresses with port name "https"',
        ),
    ],
)
def test_a_service_that_leads_nowhere_needs_no_question(service, slices, reason, message):
    assert verdict(BACKEND, service, slices) == Verdict("False", reason, message)


def test_a_service_that_leads_somewhere_is_asked():
    assert verdict(BACKEND, service({"port": 443, "name": "https"}), [slice_of("https", "10.0.0.1")]) is None
    assert verdict(BACKEND, service(type="ExternalName"), []) is None


def test_the_time_of_transition_moves_with_the_status_only():
    down = Verdict("False", "ServiceNotFound", "gone")
    first = with_verdict({"metadata": {"name": "a"}}, down, 0)
    again = with_verdict(first, Verdict("False", "EndpointsNotFound", "none"), 60)
    up = with_verdict(again, PASSED, 120)
    times = [obj["status"]["conditions"][0]["lastTransitionTime"] for obj in (first, again, up)]
    assert times == ["1970-01-01T00:00:00Z", "1970-01-01T00:00:00Z", "1970-01-01T00:02:00Z"]
    assert with_verdict(up, PASSED, 180) == up


def test_a_bundle_that_is_none_is_trusted_with_nothing():
    spec = {"group": "x.io", "version": "v1", "service": {"namespace": "ns", "name": "svc"}, "caBundle": "!!!"}
    backend = backend_of({"metadata": {"name": "v1.x.io"}, "spec": spec})
    assert backend is not None
    assert (backend.host, backend.port, backend.insecure) == ("svc.ns.svc", 443, False)
