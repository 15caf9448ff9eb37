"""A server that says what a test wants, byte by byte."""

import json
import socket
import threading
from contextlib import suppress


def answer(body: object, status: str = "200 OK", **headers: str) -> bytes:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(data)}", *(f"{k.replace('_', '-')}: {v}" for k, v in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode() + data


def chunks(*parts: bytes, more: str = "") -> bytes:
    head = f"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n{more}\r\n".encode()
    return head + b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (*parts, b""))


class Server:
    """A server that plays connections: each is a list of answers, one a request, and is closed behind the last."""

    def __init__(self, *connections: list[bytes]) -> None:
        self.requests: list[str] = []
        self._connections = list(connections)
        self._socket = socket.create_server(("127.0.0.1", 0))
        #: Counts the connections that it has closed.
        self.closed = threading.Semaphore(0)
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with suppress(OSError):  # a client that has gone, or the test that has ended
            for answers in self._connections:
                connection, _ = self._socket.accept()
                with connection, connection.makefile("rb") as read:
                    for data in answers:
                        self.requests.append(self._request(read))
                        connection.sendall(data)
                        if data.endswith(b"..."):
                            read.read(1)  # until the client goes
                self.closed.release()

    def _request(self, read: "socket.SocketIO") -> str:  # type: ignore[name-defined]
        lines = []
        while (line := read.readline().decode().rstrip("\r\n")) != "":
            lines.append(line)
        length = next((int(text.split(": ")[1]) for text in lines if text.startswith("Content-Length")), 0)
        return "\n".join([*lines, read.read(length).decode()])

    def close(self) -> None:
        self._socket.close()
