"""DNS on the wire, with real sockets on loopback and an upstream server of the test's own."""

import asyncio
import socket
import struct
from contextlib import asynccontextmanager

import dns.asyncquery
import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest

from corral.base.errors import CorralError
from corral.client.informer import Informer
from corral.network.dns.server import DnsServer
from corral.network.dns.upstream import Upstream, answers, name_servers
from corral.network.dns.zone import Zone

WEB = "web.default.svc.cluster.local."


class Elsewhere(asyncio.DatagramProtocol):
    """The rest of the world: answers every A question with 192.0.2.1; `silent` lets it ignore so many questions."""

    def __init__(self, silent=0):
        self.silent = silent
        self.asked = []

    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, addr):
        query = dns.message.from_wire(data)
        self.asked.append(query.question[0].name.to_text())
        if self.silent:
            self.silent -= 1
            return
        response = dns.message.make_response(query)
        response.answer.append(dns.rrset.from_text(query.question[0].name, 60, "IN", "A", "192.0.2.1"))
        wire = response.to_wire()
        self.transport.sendto(b"\0\0" + wire[2:], addr)  # Another id: to be ignored.
        self.transport.sendto(wire, addr)


@asynccontextmanager
async def serving(api, tmp_path, elsewhere=None, synced=True):
    loop = asyncio.get_running_loop()
    resolv_conf = tmp_path / "resolv.conf"
    resolv_conf.write_text("nameserver 127.0.0.1\n" if elsewhere else "# none\n")
    port = 1
    transport = None
    if elsewhere:
        transport, _ = await loop.create_datagram_endpoint(lambda: elsewhere, local_addr=("127.0.0.1", 0))
        port = transport.get_extra_info("sockname")[1]
    services, slices = Informer(api.client, "services"), Informer(api.client, "endpointslices.discovery.k8s.io")
    zone = Zone("cluster.local", services, slices, ["10.77.0.0/16", "10.78.0.0/16"])
    server = DnsServer(zone, Upstream(resolv_conf, "10.78.0.10", port), "127.0.0.1", 0)
    tasks = [asyncio.create_task(informer.run()) for informer in (services, slices)] if synced else []
    await server.start()
    try:
        if synced:
            await services.synced.wait()
            await slices.synced.wait()
        yield server
    finally:
        await server.close()
        for task in tasks:
            task.cancel()
        if transport:
            transport.close()


async def ask(server, name, type="A", tcp=False, **more):
    query = dns.message.make_query(name, type, **more)
    send = dns.asyncquery.tcp if tcp else dns.asyncquery.udp
    return await send(query, "127.0.0.1", 5, server.port)


def texts(response):
    return sorted(item.to_text() for rrset in response.answer for item in rrset)


@pytest.mark.parametrize("tcp", [False, True])
def test_service_is_found_over_udp_and_tcp_whatever_the_case(api, tmp_path, make_service, tcp):
    async def scenario():
        api.put_service(make_service())
        async with serving(api, tmp_path) as server:
            response = await ask(server, "WEB.Default.svc.cluster.LOCAL.", tcp=tcp)
            assert texts(response) == ["10.78.1.1"]
            assert response.flags & dns.flags.AA
            assert response.flags & dns.flags.RA

    asyncio.run(scenario())


def test_negative_answers_carry_the_authority(api, tmp_path, make_service):
    async def scenario():
        api.put_service(make_service())
        async with serving(api, tmp_path) as server:
            missing = await ask(server, "nothing.default.svc.cluster.local.")
            nodata = await ask(server, WEB, "AAAA")
            assert (missing.rcode(), nodata.rcode()) == (dns.rcode.NXDOMAIN, dns.rcode.NOERROR)
            for response in (missing, nodata):
                assert not response.answer
                assert [rrset.name.to_text() for rrset in response.authority] == ["cluster.local."]

    asyncio.run(scenario())


def test_before_the_api_is_known_it_says_so_rather_than_no_such_name(api, tmp_path):
    async def scenario():
        async with serving(api, tmp_path, synced=False) as server:
            assert (await ask(server, WEB)).rcode() == dns.rcode.SERVFAIL

    asyncio.run(scenario())


def test_srv_brings_addresses_along(api, tmp_path, make_service):
    async def scenario():
        api.put_service(make_service())
        async with serving(api, tmp_path) as server:
            response = await ask(server, "_main._tcp." + WEB, "SRV")
            assert texts(response) == [f"0 100 80 {WEB}"]
            assert [rrset.to_text() for rrset in response.additional] == [f"{WEB} 5 IN A 10.78.1.1"]

    asyncio.run(scenario())


def test_long_answers_are_cut_on_udp_and_whole_on_tcp(api, tmp_path, make_service, make_slice):
    async def scenario():
        api.put_service(make_service("db", "None"))
        api.put_slice(make_slice("db", *(f"10.77.1.{i}" for i in range(100))))
        async with serving(api, tmp_path) as server:
            name = "db.default.svc.cluster.local."
            assert (await ask(server, name)).flags & dns.flags.TC
            assert len(texts(await ask(server, name, tcp=True))) == 100

    asyncio.run(scenario())


def test_names_elsewhere_are_asked_upstream(api, tmp_path):
    async def scenario():
        elsewhere = Elsewhere()
        async with serving(api, tmp_path, elsewhere) as server:
            response = await ask(server, "example.com.")
            assert texts(response) == ["192.0.2.1"]
            assert not response.flags & dns.flags.AA
            assert (await ask(server, "nothing.cluster.local.")).rcode() == dns.rcode.NXDOMAIN
            assert elsewhere.asked == ["example.com."]

    asyncio.run(scenario())


def test_external_name_is_followed_to_the_end(api, tmp_path, make_service):
    async def scenario():
        api.put_service(make_service("out", "", type="ExternalName", externalName="example.com"))
        api.put_service(make_service("alias", "", type="ExternalName", externalName=WEB))
        api.put_service(make_service())
        async with serving(api, tmp_path, Elsewhere()) as server:
            assert texts(await ask(server, "out.default.svc.cluster.local.")) == ["192.0.2.1", "example.com."]
            assert texts(await ask(server, "alias.default.svc.cluster.local.")) == ["10.78.1.1", WEB]
            cname = await ask(server, "out.default.svc.cluster.local.", "CNAME")
            assert texts(cname) == ["example.com."]

    asyncio.run(scenario())


def test_external_names_in_a_circle_end(api, tmp_path, make_service):
    async def scenario():
        for name, other in (("a", "b"), ("b", "a")):
            target = f"{other}.default.svc.cluster.local"
            api.put_service(make_service(name, "", type="ExternalName", externalName=target))
        async with serving(api, tmp_path) as server:
            assert texts(await ask(server, "a.default.svc.cluster.local."))

    asyncio.run(scenario())


def test_without_upstream_servers_other_names_fail_at_once(api, tmp_path):
    async def scenario():
        async with serving(api, tmp_path) as server, asyncio.timeout(1):
            assert (await ask(server, "example.com.")).rcode() == dns.rcode.SERVFAIL

    asyncio.run(scenario())


def test_silent_upstream_is_asked_again_then_failed(api, tmp_path, monkeypatch):
    monkeypatch.setattr("corral.network.dns.upstream.ATTEMPT_TIMEOUT_S", 0.05)

    async def scenario():
        async with serving(api, tmp_path, Elsewhere(silent=1)) as server:
            assert texts(await ask(server, "example.com.")) == ["192.0.2.1"]
        async with serving(api, tmp_path, Elsewhere(silent=99)) as server:
            assert (await ask(server, "example.com.")).rcode() == dns.rcode.SERVFAIL

    asyncio.run(scenario())


@pytest.mark.parametrize(
    "wire",
    [
        b"",
        b"x",
        b"\0" * 11,
        b"\x12\x34\x01\x00" + b"\xff" * 8,
        b"\x12\x34\x81\x00" + b"\0" * 8,
        b"\x12\x34\x01\x00\0\1" + b"\0" * 6,
    ],
)
def test_malformed_messages_do_no_harm(api, tmp_path, make_service, wire):
    async def scenario():
        api.put_service(make_service())
        async with serving(api, tmp_path) as server:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
                client.sendto(wire, ("127.0.0.1", server.port))
                assert texts(await ask(server, WEB)) == ["10.78.1.1"]

    asyncio.run(scenario())


def test_other_operations_are_told_to_be_unknown(api, tmp_path):
    async def scenario():
        async with serving(api, tmp_path) as server:
            reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
            query = dns.message.make_query(WEB, "A")
            query.set_opcode(2)
            wire = query.to_wire()
            writer.write(struct.pack("!H", len(wire)) + wire)
            (length,) = struct.unpack("!H", await reader.readexactly(2))
            assert dns.message.from_wire(await reader.readexactly(length)).rcode() == dns.rcode.NOTIMP
            writer.close()

    asyncio.run(scenario())


def test_taken_address_is_told_with_a_remedy(api, tmp_path):
    async def scenario():
        async with serving(api, tmp_path) as server:
            other = DnsServer(server._zone, server._upstream, "127.0.0.1", server.port)
            with pytest.raises(CorralError, match="cannot serve DNS") as error:
                await other.start()
            assert error.value.remedy

    asyncio.run(scenario())


def test_answer_must_repeat_id_and_question():
    query = dns.message.make_query("example.com.", "A")
    good = dns.message.make_response(query).to_wire()
    assert answers(query.to_wire(), good)
    assert not answers(query.to_wire(), bytes((good[0] ^ 1,)) + good[1:])
    assert not answers(query.to_wire(), query.to_wire())
    other = dns.message.make_query("example.org.", "A", id=query.id)
    assert not answers(query.to_wire(), dns.message.make_response(other).to_wire())


def test_own_address_is_no_upstream():
    text = "# x\nnameserver 10.78.0.10\nnameserver 192.0.2.53\nsearch a b\nnameserver\nnameserver ::1\n"
    assert name_servers(text, "10.78.0.10") == ["192.0.2.53", "::1"]
