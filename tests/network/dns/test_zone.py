"""What names mean."""

import asyncio

import pytest

from corral.client.informer import Informer
from corral.network.dns.zone import Zone


def answers(api, *questions):
    """Records of each question, '' for an existing name without any, None for no such name, 'elsewhere' for other zones."""

    async def scenario():
        services, slices = Informer(api.client, "services"), Informer(api.client, "endpointslices.discovery.k8s.io")
        zone = Zone("cluster.local", services, slices, ["10.77.0.0/16", "10.78.0.0/16"])
        assert not zone.ready
        tasks = [asyncio.create_task(informer.run()) for informer in (services, slices)]
        await services.synced.wait()
        await slices.synced.wait()
        assert zone.ready
        found = []
        for name, type in questions:
            answer = zone.answer(name, type)
            if answer is None:
                found.append("elsewhere")
            else:
                found.append(" ".join(sorted(r.data for r in answer.records)) if answer.exists else None)
        for task in tasks:
            task.cancel()
        return found

    return asyncio.run(scenario())


def ask(api, name, type="A"):
    (answer,) = answers(api, (name, type))
    return answer


@pytest.fixture
def filled(api, make_service, make_slice):
    api.put_service(make_service())
    api.put_slice(make_slice("web", "10.77.0.5"))
    api.put_service(make_service("db", "None"))
    named = {"addresses": ["10.77.0.8"], "hostname": "db-0", "conditions": {"ready": True}}
    waiting = {"addresses": ["10.77.0.9"], "hostname": "db-1", "conditions": {"ready": False}}
    api.put_slice(make_slice("db", named, waiting, "10.77.0.7"))
    api.put_service(make_service("out", "", type="ExternalName", externalName="Example.com"))
    api.put_service(make_service("empty", "None"))
    return api


@pytest.mark.parametrize(
    ("name", "type", "expected"),
    [
        ("web.default.svc.cluster.local.", "A", "10.78.1.1"),
        ("web.default.svc.cluster.local.", "AAAA", ""),
        ("web.other.svc.cluster.local.", "A", None),
        ("nothing.default.svc.cluster.local.", "A", None),
        ("_main._tcp.web.default.svc.cluster.local.", "SRV", "0 100 80 web.default.svc.cluster.local."),
        ("_main._udp.web.default.svc.cluster.local.", "SRV", None),
        ("_tcp.web.default.svc.cluster.local.", "SRV", ""),
        ("10-77-0-5.web.default.svc.cluster.local.", "A", "10.77.0.5"),
        ("db.default.svc.cluster.local.", "A", "10.77.0.7 10.77.0.8"),
        ("db-0.db.default.svc.cluster.local.", "A", "10.77.0.8"),
        ("db-1.db.default.svc.cluster.local.", "A", None),
        ("10-77-0-7.db.default.svc.cluster.local.", "A", "10.77.0.7"),
        (
            "_main._tcp.db.default.svc.cluster.local.",
            "SRV",
            "0 100 8080 10-77-0-7.db.default.svc.cluster.local. 0 100 8080 db-0.db.default.svc.cluster.local.",
        ),
        ("empty.default.svc.cluster.local.", "A", ""),
        ("out.default.svc.cluster.local.", "A", "example.com."),
        ("x.out.default.svc.cluster.local.", "A", None),
        ("10-77-0-5.default.pod.cluster.local.", "A", "10.77.0.5"),
        ("10-77-0.default.pod.cluster.local.", "A", None),
        ("cluster.local.", "A", ""),
        ("svc.cluster.local.", "A", ""),
        ("default.svc.cluster.local.", "A", ""),
        ("absent.svc.cluster.local.", "A", None),
        ("dns-version.cluster.local.", "TXT", '"1.1.0"'),
        ("a.b.c.d.default.svc.cluster.local.", "A", None),
        ("notcluster.local.", "A", "elsewhere"),
        ("example.com.", "A", "elsewhere"),
        ("1.1.78.10.in-addr.arpa.", "PTR", "web.default.svc.cluster.local."),
        ("8.0.77.10.in-addr.arpa.", "PTR", "db-0.db.default.svc.cluster.local."),
        ("5.0.77.10.in-addr.arpa.", "PTR", "10-77-0-5.web.default.svc.cluster.local."),
        ("99.0.77.10.in-addr.arpa.", "PTR", None),
        ("1.2.0.192.in-addr.arpa.", "PTR", "elsewhere"),
    ],
)
def test_names(filled, name, type, expected):
    assert ask(filled, name, type) == expected


def test_deleted_service_has_no_name(filled, make_service):
    filled.remove_service(make_service())
    assert ask(filled, "web.default.svc.cluster.local.") is None
    assert ask(filled, "1.1.78.10.in-addr.arpa.", "PTR") is None
