"""Connections that do nothing go when there are too many, the oldest first; those that work never do."""

import asyncio

import pytest
from tests.server.conftest import until

from corral.base.http import crowd

GET = "GET /api/v1/namespaces/default/configmaps{} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\n\r\n"


class Client:
    """A raw connection to the server."""

    def __init__(self, reader, writer):
        self._reader = reader
        self._writer = writer

    def say(self, text):
        self._writer.write(text.encode())

    async def hear(self, text):
        await self._reader.readuntil(text.encode())

    async def ask(self, token, query=""):
        """Ask for config maps: from then on the server knows whose connection this is."""
        self.say(GET.format(query, token))
        await self.hear("200 OK")

    async def stranger(self):
        self.say("GET /version HTTP/1.1\r\nHost: x\r\n\r\n")
        await self.hear('"platform"')

    @property
    def is_closed(self):
        return self._reader._eof or self._reader.exception() is not None

    def close(self):
        self._writer.close()


class World:
    """A server, and clients of it."""

    def __init__(self, server):
        self._server = server
        self.token = server.token
        self.clients = []

    @property
    def transports(self):
        return self._server.api._http.transports

    @property
    def crowd(self):
        return self._server.api._http.crowd

    async def client(self, *, tls=True):
        port = int(self._server.url.rpartition(":")[2])
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=self._server.tls() if tls else None)
        self.clients.append(Client(reader, writer))
        return self.clients[-1]

    async def known(self):
        made = await self.client()
        await made.ask(self.token)
        return made

    async def settled(self, count):
        """The server has noticed all who came, and so many are left."""
        await until(lambda: len(self.transports) == count)


async def closed(clients, expected):
    """In the end just these are."""
    await until(lambda: [client.is_closed for client in clients] == expected)


@pytest.fixture
def told(story):
    def tell(scenario, strangers=4, idle=4):
        async def run(server):
            world = World(server)
            world.crowd.most_strangers, world.crowd.most_idle = strangers, idle
            try:
                await scenario(world)
            finally:
                for client in world.clients:
                    client.close()

        story(run)

    return tell


def test_the_oldest_stranger_goes_and_nobody_who_is_known(told):
    async def scenario(world):
        known, busy = await world.known(), await world.known()
        await busy.ask(world.token, "?watch=1")
        first, second, third, fourth = [await world.client() for _ in range(4)]
        await world.settled(6)
        # Whoever asks for what everybody may see is still a stranger, but has waited for less long.
        await first.stranger()
        fifth = await world.client()
        await until(lambda: second.is_closed)
        await world.settled(6)
        assert not any(client.is_closed for client in (known, busy, first, third, fourth, fifth))
        # Those who do not even shake hands are strangers too.
        silent = [await world.client(tls=False) for _ in range(4)]
        await until(lambda: all(client.is_closed for client in (first, third, fourth, fifth)))
        await world.settled(6)
        assert not any(client.is_closed for client in (known, busy, *silent))
        await known.ask(world.token)

    told(scenario)


def test_the_oldest_of_those_who_are_known_and_wait_goes(told):
    async def scenario(world):
        clients = [await world.known() for _ in range(4)]
        await clients[0].ask(world.token)
        clients.append(await world.known())
        await world.client()
        await closed(clients, [False, True, False, False, False])
        await world.settled(5)

    told(scenario)


def test_what_works_never_goes(told):
    async def scenario(world):
        watching = await world.client()
        await watching.ask(world.token, "?watch=1")
        posting = await world.client()
        body = '{"metadata":{"name":"a"}}'
        posting.say(GET.format("", world.token).replace("GET", "POST").replace("Host", f"Content-Length: {len(body)}\r\nHost"))
        await until(lambda: not crowd.waiting(world.transports))
        for _ in range(10):
            await world.client()
        posting.say(body)
        await posting.hear("201 Created")
        await watching.hear('"name":"a"')
        # Both are there, the last stranger, and nobody who has been idle.
        await world.settled(3)

    told(scenario, strangers=1, idle=0)


def test_where_a_limit_is_passed_more_than_one_go(told):
    async def scenario(world):
        clients = [await world.client() for _ in range(17)]
        await world.settled(14)
        await closed(clients, [True] * 3 + [False] * 14)

    told(scenario, strangers=16)


def test_strangers_make_room_where_the_process_has_no_files_left(told):
    async def scenario(world):
        known = await world.known()
        clients = [await world.client() for _ in range(4)]
        await world.settled(5)
        assert world.crowd.full(world.transports)
        await world.settled(3)
        await closed([known, *clients], [False, True, True, False, False])
        assert world.crowd.full(world.transports)
        assert not world.crowd.full(world.transports)

    told(scenario)


def test_a_stranger_is_not_waited_for(told):
    """Else he is at work, and is never closed."""

    async def scenario(world):
        client = await world.client()
        client.say("GET /version HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n")
        await client.hear('"platform"')

    told(scenario)
