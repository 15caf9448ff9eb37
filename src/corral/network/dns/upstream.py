"""Names outside the cluster: the question goes as it is to the servers in the node's resolv.conf, the answer back as it is.

Nothing is cached. Every question uses a socket (so a port) and an id of its own, and an answer must repeat both the id and the
question (RFC 5452).
"""

import asyncio
import secrets
import struct
from pathlib import Path

ATTEMPT_TIMEOUT_S = 2.0
TOTAL_TIMEOUT_S = 5.0
ROUNDS = 2
DNS_PORT = 53
HEADER_BYTES = 12


class Upstream:
    """The servers in `resolv_conf`, without `own_ip`. `port` is theirs."""

    def __init__(self, resolv_conf: Path, own_ip: str, port: int = DNS_PORT) -> None:
        self._resolv_conf = resolv_conf
        self._own_ip = own_ip
        self._port = port
        self._servers: list[str] = []
        self._read_at = -1.0

    def servers(self) -> list[str]:
        """The servers there are now: the file is read again when it changes."""
        try:
            changed_at = self._resolv_conf.stat().st_mtime
            if changed_at != self._read_at:
                self._servers = name_servers(self._resolv_conf.read_text(), self._own_ip)
                self._read_at = changed_at
        except OSError:
            return []
        return self._servers

    async def ask(self, query: bytes, tcp: bool) -> bytes | None:
        """The answer to `query` (wire format, at least a header), None where there is none in time."""
        servers = self.servers()
        own_id = query[:2]
        try:
            async with asyncio.timeout(TOTAL_TIMEOUT_S):
                for server in servers * ROUNDS:
                    sent = secrets.token_bytes(2) + query[2:]
                    try:
                        async with asyncio.timeout(ATTEMPT_TIMEOUT_S):
                            answer = await (self._ask_tcp if tcp else self._ask_udp)(server, sent)
                    except (OSError, TimeoutError, asyncio.IncompleteReadError):
                        continue
                    return own_id + answer[2:]
        except TimeoutError:
            pass
        return None

    async def _ask_udp(self, server: str, query: bytes) -> bytes:
        loop = asyncio.get_running_loop()
        answered: asyncio.Future[bytes] = loop.create_future()
        transport, _ = await loop.create_datagram_endpoint(lambda: _Asking(query, answered), remote_addr=(server, self._port))
        try:
            transport.sendto(query)
            return await answered
        finally:
            transport.close()

    async def _ask_tcp(self, server: str, query: bytes) -> bytes:
        reader, writer = await asyncio.open_connection(server, self._port)
        try:
            writer.write(struct.pack("!H", len(query)) + query)
            (length,) = struct.unpack("!H", await reader.readexactly(2))
            answer = await reader.readexactly(length)
            if not answers(query, answer):
                raise OSError("an answer to another question")
            return answer
        finally:
            writer.close()


class _Asking(asyncio.DatagramProtocol):
    def __init__(self, query: bytes, answered: "asyncio.Future[bytes]") -> None:
        self._query = query
        self._answered = answered

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if not self._answered.done() and answers(self._query, data):
            self._answered.set_result(data)

    def error_received(self, exc: Exception) -> None:
        if not self._answered.done():
            self._answered.set_exception(exc)


def answers(query: bytes, answer: bytes) -> bool:
    """Whether `answer` is one, to this question."""
    end = _question_end(query)
    return (
        len(answer) >= end > HEADER_BYTES
        and answer[:2] == query[:2]
        and bool(answer[2] & 0x80)
        and answer[4:6] == query[4:6]
        and answer[HEADER_BYTES:end].lower() == query[HEADER_BYTES:end].lower()
    )


def _question_end(query: bytes) -> int:
    """Where the one question of `query` ends; 0 where it is malformed."""
    at = HEADER_BYTES
    while at < len(query) and query[at]:
        if query[at] & 0xC0:
            return 0
        at += query[at] + 1
    end = at + 5
    return end if end <= len(query) else 0


def name_servers(resolv_conf: str, own_ip: str) -> list[str]:
    """At most three, as in resolv.conf(5)."""
    found = []
    for line in resolv_conf.splitlines():
        words = line.split()
        if len(words) >= 2 and words[0] == "nameserver" and words[1] != own_ip:
            found.append(words[1])
    return found[:3]
