"""A guestbook: GET / shows the entries that redis holds, POST / adds one. Its configuration comes from the environment."""

import html
import os
import signal
import socket
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

# The port is no setting: REDIS_PORT is what Kubernetes itself sets for a Service called redis, to a URL.
REDIS = (os.environ.get("REDIS_HOST", "redis"), 6379)
VERSION = os.environ.get("VERSION", "dev")
TIMEOUT_S = 2.0
LIMIT_BYTES = 10_000


def redis(*words: str) -> list[str] | str | int:
    """One command to redis (RESP 2, https://redis.io/docs/latest/develop/reference/protocol-spec/)."""
    with socket.create_connection(REDIS, TIMEOUT_S) as connection, connection.makefile("rwb") as stream:
        stream.write(b"*%d\r\n" % len(words))
        for word in words:
            data = word.encode()
            stream.write(b"$%d\r\n%s\r\n" % (len(data), data))
        stream.flush()
        return answer(stream)


def answer(stream) -> list[str] | str | int:
    """One answer of redis."""
    kind, value = (line := stream.readline())[:1], line[1:-2]
    if kind == b"*":
        return [answer(stream) for _ in range(int(value))]
    if kind == b"$":
        return stream.read(int(value) + 2)[:-2].decode()
    if kind == b":":
        return int(value)
    if kind == b"-":
        raise OSError(value.decode())
    return value.decode()


class Guestbook(BaseHTTPRequestHandler):
    """The page, and /healthz for probes."""

    def do_GET(self) -> None:
        """Show the entries."""
        if self.path == "/healthz":
            self.reply(200, "ok\n")
            return
        try:
            entries = redis("LRANGE", "guestbook", "0", "-1")
        except OSError as error:
            self.reply(503, f"redis cannot be reached: {error}\n")
            return
        lines = "".join(f"<li>{html.escape(entry)}\n" for entry in entries)
        self.reply(200, f"<h1>Guestbook, version {VERSION}</h1>\n<ul>\n{lines}</ul>\n", "text/html")

    def do_POST(self) -> None:
        """Add the entry that the form names `entry`."""
        length = min(int(self.headers.get("Content-Length", 0)), LIMIT_BYTES)
        for entry in parse_qs(self.rfile.read(length).decode()).get("entry", []):
            redis("LPUSH", "guestbook", entry)
        self.reply(201, "thank you\n")

    def reply(self, status: int, text: str, kind: str = "text/plain") -> None:
        """Send a whole answer."""
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def main() -> None:
    """Serve until SIGTERM, then finish what is under way."""
    server = ThreadingHTTPServer(("0.0.0.0", 8080), Guestbook)
    server.daemon_threads = False
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
    print(f"guestbook {VERSION} listens on 8080, redis is {REDIS[0]}:{REDIS[1]}", file=sys.stderr)
    server.serve_forever()
    server.server_close()


if __name__ == "__main__":
    main()
