"""Servers on loopback that take what sinks send, one connection after another, and keep it."""

import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Thread

TLS = Path(__file__).parent / "tls"
CERTIFICATE, KEY = TLS / "server.pem", TLS / "server.key"

Talk = Callable[[socket.socket], bytes]
"""Speaks with one client; returns what it said."""


@contextmanager
def serving(*talks: Talk, tls: bool = True) -> Iterator[tuple[int, list[bytes]]]:
    """Take one connection a talk; yield the port and, as they come, what was received."""
    received: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(10)
        thread = Thread(target=_serve, args=(listener, talks, received, tls), daemon=True)
        thread.start()
        yield listener.getsockname()[1], received
        thread.join(10)


def _serve(listener: socket.socket, talks: tuple[Talk, ...], received: list[bytes], tls: bool) -> None:  # noqa: FBT001  # thread
    for talk in talks:
        with suppress(OSError):
            connection, _ = listener.accept()
            connection.settimeout(10)
            with _secured(connection) if tls else connection as secured:
                received.append(talk(secured))


def _secured(connection: socket.socket) -> ssl.SSLSocket:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE, KEY)
    try:
        return context.wrap_socket(connection, server_side=True)
    except OSError:
        connection.close()
        raise


def request(connection: socket.socket) -> bytes:
    """Read one HTTP request."""
    data = b""
    while b"\r\n\r\n" not in data:
        data += connection.recv(65_536)
    head, _, body = data.partition(b"\r\n\r\n")
    length = next(int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.startswith(b"Content-Length"))
    while len(body) < length:
        body += connection.recv(65_536)
    return head + b"\r\n\r\n" + body


def answering(answer: bytes) -> Talk:
    """Return a talk that reads a request and gives an answer."""

    def talk(connection: socket.socket) -> bytes:
        asked = request(connection)
        connection.sendall(answer)
        return asked

    return talk


def status(number: int, *headers: str) -> Talk:
    """Return a talk that answers with a status, headers and a body that nobody is to see."""
    lines = [f"HTTP/1.1 {number} Why", *headers, "Content-Length: 6", "", "SECRET"]
    return answering("\r\n".join(lines).encode())


def everything(connection: socket.socket) -> bytes:
    """Read until the client has said all; of a TLS client that stays, what comes in one second."""
    data = b""
    connection.settimeout(1)
    with suppress(TimeoutError):
        while chunk := connection.recv(65_536):
            data += chunk
    return data
