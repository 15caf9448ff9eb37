"""What pods of the network tests run: a server that says who it is over HTTP and UDP, and asks others when it is told to.

It needs nothing but the standard library, and is run by the interpreter of the tests, which pods see through a mount of the host.
Usage: netserver.py --http PORT... --udp PORT... --tls PORT...

/hostname, /clientip, /echo?msg=; /dial?protocol=udp|tcp|http&host=&port=: the answer of another as JSON {"answer": ...} or
{"error": ...}; /resolve?name=: the addresses that a name has here as JSON. Whatever else is asked for gets the method, path and
body of the request as JSON. HTTPS is served with the certificate and key in tls.pem beside this file.
A datagram `hostname`, `clientip` or `echo TEXT` is answered likewise.
"""

import argparse
import json
import socket
import ssl
import threading
import urllib.request
from collections.abc import Callable
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

DIAL_TIMEOUT_S = 2.0


def said(words: str, client: str) -> str | None:
    """The answer to `hostname`, `clientip` or `echo TEXT`; None to anything else."""
    verb, _, text = words.strip().partition(" ")
    if verb == "hostname":
        return socket.gethostname()
    if verb == "clientip":
        return client
    return text if verb == "echo" else None


def dial(protocol: str, host: str, port: int) -> dict[str, str]:
    """Who answers there."""
    try:
        if protocol == "http":
            with urllib.request.urlopen(f"http://{host}:{port}/hostname", timeout=DIAL_TIMEOUT_S) as answer:
                return {"answer": answer.read().decode()}
        if protocol == "tcp":
            with socket.create_connection((host, port), DIAL_TIMEOUT_S):
                return {"answer": "connected"}
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
            one.settimeout(DIAL_TIMEOUT_S)
            one.connect((host, port))
            one.send(b"hostname")
            return {"answer": one.recv(1000).decode()}
    except OSError as error:
        return {"error": str(error) or type(error).__name__}


def resolve(name: str) -> list[str]:
    """The IPv4 addresses of a name as the C library finds them; none where it knows none."""
    try:
        return sorted({found[4][0] for found in socket.getaddrinfo(name, None, socket.AF_INET)})
    except OSError:
        return []


class Handler(BaseHTTPRequestHandler):
    """Answers any method."""

    protocol_version = "HTTP/1.1"

    def answer(self) -> None:
        """To one request."""
        url = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        if url.path == "/dial":
            text = json.dumps(dial(query["protocol"], query["host"], int(query["port"])))
        elif url.path == "/resolve":
            text = json.dumps(resolve(query["name"]))
        else:
            words = f"{url.path.strip('/')} {query.get('msg', '')}"
            text = said(words, self.client_address[0]) or json.dumps(
                {"Method": self.command, "Path": self.path, "Body": body, "Host": socket.gethostname()}
            )
        data = text.encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html" if text.startswith("<") else "text/plain")
        self.send_header("Content-Length", str(len(data)))
        self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def __getattr__(self, name: str) -> object:
        if name.startswith("do_"):
            return self.answer
        raise AttributeError(name)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing is logged."""


class Server(ThreadingHTTPServer):
    """Many connections may wait."""

    request_queue_size = 128
    daemon_threads = True


def serve_udp(one: socket.socket) -> None:
    """Answer datagrams for ever."""
    while True:
        data, peer = one.recvfrom(2000)
        answer = said(data.decode(errors="replace"), peer[0])
        if answer is not None:
            one.sendto(answer.encode(), peer)


def udp(port: int) -> Callable[[], None]:
    """What answers datagrams that come to a port, which is bound at once."""
    one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    one.bind(("0.0.0.0", port))
    return partial(serve_udp, one)


def http(port: int) -> Callable[[], None]:
    """What answers by HTTP."""
    return Server(("0.0.0.0", port), Handler).serve_forever


def tls(port: int) -> Callable[[], None]:
    """What answers by HTTPS."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(Path(__file__).with_name("tls.pem"))
    server = Server(("0.0.0.0", port), Handler)
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    return server.serve_forever


def main() -> None:
    """Serve until killed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--http", type=int, nargs="*", default=[])
    parser.add_argument("--udp", type=int, nargs="*", default=[])
    parser.add_argument("--tls", type=int, nargs="*", default=[])
    arguments = parser.parse_args()
    works = [udp(port) for port in arguments.udp]
    works += [tls(port) for port in arguments.tls]
    # The first port of these, which readiness probes ask, is bound last.
    works += [http(port) for port in reversed(arguments.http)]
    for work in works:
        threading.Thread(target=work).start()


if __name__ == "__main__":
    main()
