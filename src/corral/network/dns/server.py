"""DNS over UDP and TCP (RFC 1035, RFC 7766, EDNS of RFC 6891) on one address: the cluster's names from `zone`, others upstream.

What is malformed is answered so or ignored; what cannot be known now is SERVFAIL, never a name that is not there.
"""

import asyncio
import struct
from collections.abc import Callable, Coroutine, Iterable
from typing import Any, cast

import dns.exception
import dns.flags
import dns.message
import dns.opcode
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset

from corral.base.errors import CorralError
from corral.base.tasks import Tasks
from corral.network.dns.upstream import HEADER_BYTES, Upstream
from corral.network.dns.zone import TTL_S, Record, Zone

DNS_PORT = 53
PLAIN_UDP_BYTES = 512
MAX_UDP_BYTES = 1232
MAX_TCP_BYTES = 65535
MAX_QUESTIONS_UNDER_WAY = 1000
MAX_TCP_CONNECTIONS = 200
TCP_IDLE_S = 10.0
MAX_ALIASES = 8

Reply = Callable[[bytes], None]


class DnsServer:
    """Serves on `address`:`port` between `start` and `close`; `port` 0 takes any (for tests), `port` then tells which."""

    def __init__(self, zone: Zone, upstream: Upstream, address: str, port: int = DNS_PORT) -> None:
        self.port = port
        self._zone = zone
        self._upstream = upstream
        self._address = address
        self._tasks = Tasks()
        self._under_way = 0
        self._connections = 0
        self._udp: asyncio.DatagramTransport | None = None
        self._tcp: asyncio.Server | None = None

    async def start(self) -> None:
        """Listen. Raises CorralError where the address is not this host's or taken."""
        loop = asyncio.get_running_loop()
        try:
            self._tcp = await asyncio.start_server(self._serve_tcp, self._address, self.port)
            self.port = self._tcp.sockets[0].getsockname()[1]
            self._udp, _ = await loop.create_datagram_endpoint(lambda: _Udp(self), local_addr=(self._address, self.port))
        except OSError as error:
            await self.close()
            raise CorralError(
                f"cannot serve DNS on {self._address}:{self.port}: {error.strerror}",
                f"See what listens there: ss -lnp 'sport = :{self.port}'",
            ) from error

    async def close(self) -> None:
        """Stop listening and drop what is under way."""
        if self._udp is not None:
            self._udp.close()
        if self._tcp is not None:
            self._tcp.close()
        await self._tasks.close()

    def received(self, wire: bytes, tcp: bool, reply: Reply) -> None:
        """Handle one message: at once, or in the background where others must be asked first."""
        if len(wire) < HEADER_BYTES or wire[2] & 0x80:
            return
        try:
            query = dns.message.from_wire(wire)
        except dns.exception.DNSException:
            reply(_bare(wire, dns.rcode.FORMERR))
            return
        response, alias = self._own(query)
        if response is not None and not alias:
            reply(_to_wire(query, response, tcp))
        elif self._under_way >= MAX_QUESTIONS_UNDER_WAY:
            reply(_bare(wire, dns.rcode.SERVFAIL))
        else:
            self._under_way += 1
            work = self._forward(wire, tcp, reply) if response is None else self._chase(query, response, alias, tcp, reply)
            self._tasks.start("dns", self._counted(work))

    def _own(self, query: dns.message.Message) -> tuple[dns.message.Message | None, str]:
        """The zone's response and an alias that only others know; no response where the whole question is for others."""
        if query.opcode() != dns.opcode.QUERY:
            return _response(query, dns.rcode.NOTIMP), ""
        if len(query.question) != 1:
            return _response(query, dns.rcode.FORMERR), ""
        question = query.question[0]
        type = dns.rdatatype.to_text(question.rdtype)
        name = question.name.to_text().lower()
        if question.rdclass != dns.rdataclass.IN:
            return _response(query, dns.rcode.REFUSED), ""
        answer = self._zone.answer(name, "A" if type == "ANY" else type)
        if answer is None:
            return None, ""
        if not self._zone.ready:
            return _response(query, dns.rcode.SERVFAIL), ""
        response = _response(query, dns.rcode.NOERROR)
        response.flags |= dns.flags.AA
        for _ in range(MAX_ALIASES):
            _add(response.answer, answer.records)
            _add(response.additional, answer.additional)
            if not answer.alias:
                break
            alias, answer = answer.alias, self._zone.answer(answer.alias, type)
            if answer is None:
                return response, alias
        if not answer.exists:
            response.set_rcode(dns.rcode.NXDOMAIN)
        if not answer.records:
            _add(response.authority, [self._zone.soa])
        return response, ""

    async def _forward(self, wire: bytes, tcp: bool, reply: Reply) -> None:
        answer = await self._upstream.ask(wire, tcp)
        reply(answer if answer is not None else _bare(wire, dns.rcode.SERVFAIL))

    async def _chase(
        self, query: dns.message.Message, response: dns.message.Message, alias: str, tcp: bool, reply: Reply
    ) -> None:
        """Add what others know of `alias`: clients do not follow it themselves."""
        asking = dns.message.make_query(alias, query.question[0].rdtype, use_edns=0, payload=MAX_UDP_BYTES)
        wire = await self._upstream.ask(asking.to_wire(), tcp)
        try:
            answer = dns.message.from_wire(wire) if wire is not None else None
        except dns.exception.DNSException:
            answer = None
        if answer is None:
            response.set_rcode(dns.rcode.SERVFAIL)
        else:
            response.set_rcode(answer.rcode())
            response.answer += answer.answer
            response.authority += answer.authority
            response.flags |= answer.flags & dns.flags.TC
        reply(_to_wire(query, response, tcp))

    async def _counted(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        finally:
            self._under_way -= 1

    async def _serve_tcp(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        def reply(wire: bytes) -> None:
            writer.write(struct.pack("!H", len(wire)) + wire)

        if self._connections >= MAX_TCP_CONNECTIONS:
            writer.close()
            return
        self._connections += 1
        try:
            while True:
                async with asyncio.timeout(TCP_IDLE_S):
                    (length,) = struct.unpack("!H", await reader.readexactly(2))
                    wire = await reader.readexactly(length)
                self.received(wire, True, reply)
                await writer.drain()
        except (OSError, TimeoutError, asyncio.IncompleteReadError):
            pass
        finally:
            self._connections -= 1
            writer.close()


class _Udp(asyncio.DatagramProtocol):
    def __init__(self, server: DnsServer) -> None:
        self._server = server

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports do not derive from asyncio's.
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        def reply(wire: bytes) -> None:
            if not self._transport.is_closing():
                self._transport.sendto(wire, addr)

        self._server.received(data, False, reply)


def _response(query: dns.message.Message, rcode: dns.rcode.Rcode) -> dns.message.Message:
    response = dns.message.make_response(query, recursion_available=True, our_payload=MAX_UDP_BYTES)
    response.set_rcode(rcode)
    return response


def _bare(query: bytes, rcode: dns.rcode.Rcode) -> bytes:
    """A response that is only a header: id, opcode and RD of the query, QR, RA and the code."""
    return query[:2] + bytes((0x80 | query[2] & 0x79, 0x80 | int(rcode))) + bytes(8)


def _add(section: list[dns.rrset.RRset], records: Iterable[Record]) -> None:
    by_name: dict[tuple[str, str], list[str]] = {}
    for record in records:
        by_name.setdefault((record.name, record.type), []).append(record.data)
    section += [dns.rrset.from_text_list(name, TTL_S, "IN", type, data) for (name, type), data in by_name.items()]


def _to_wire(query: dns.message.Message, response: dns.message.Message, tcp: bool) -> bytes:
    """As much as the client takes; TC tells it to ask again over TCP."""
    limit = MAX_TCP_BYTES
    if not tcp:
        limit = min(max(query.payload, PLAIN_UDP_BYTES), MAX_UDP_BYTES) if query.edns >= 0 else PLAIN_UDP_BYTES
    try:
        return response.to_wire(max_size=limit)
    except dns.exception.TooBig:
        response.flags |= dns.flags.TC
        response.answer, response.authority, response.additional = [], [], []
        return response.to_wire(max_size=limit)
