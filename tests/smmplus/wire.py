"""Servers on loopback that do to a connection what no decent server does, and write down what they saw."""

import json
import socket
import ssl
import struct
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import parse_qs

PATIENCE = 30.0
"""Seconds that a busy machine may take; nothing waits for them to pass."""


@dataclass(frozen=True)
class Received:
    """A request as it came; `whole` is false where the body never came to its end."""

    head: str
    body: bytes
    whole: bool

    @property
    def fields(self):
        """The form fields."""
        return {name: values[0] for name, values in parse_qs(self.body.decode()).items()}


def http(body, status=200, **headers):
    """Write an HTTP answer; a body that is no bytes is sent as JSON."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = [f"HTTP/1.1 {status} Word", f"Content-Length: {len(content)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + content


class Once(bytes):
    """An answer after which the server ends the connection."""

    __slots__ = ()


class Reset(Once):
    """An answer after which the server resets the connection."""

    __slots__ = ()


class RawServer:
    """Answers each request with the bytes that `answer(request)` gives; nothing but the end of the connection for None.

    A list is sent piece by piece; numbers in it are pauses, in seconds. It closes where it is asked to, as servers
    must; with `keeps` it never does. `context` makes it speak TLS. `greeting` is said before anything is asked, and
    `hasty` as soon as a head has come. Use it with `with`.
    """

    def __init__(
        self,
        answer: Callable[[Received], bytes | list[bytes | float] | None],
        context=None,
        greeting=b"",
        hasty=b"",
        keeps=False,
    ) -> None:
        self.requests: list[Received] = []
        self.connections = 0
        self.under_way = 0
        self.most_under_way = 0
        self._answer = answer
        self._context: ssl.SSLContext | None = context
        self._greeting = greeting
        self._keeps = keeps
        self._hasty = hasty
        self.resumed: list[bool] = []
        """Of each TLS connection: whether it resumed an earlier one's session."""
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._threads: list[threading.Thread] = []
        self._open: set[socket.socket] = set()

    def __enter__(self):
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        self._start(self._accept)
        return self

    def __exit__(self, *_):
        self._over.set()
        with suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        with self._lock:
            for connection in self._open:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(PATIENCE)

    def url(self, path="/api/v2"):
        """Give the address of a path, http or https."""
        return f"{'https' if self._context else 'http'}://127.0.0.1:{self.port}{path}"

    @property
    def adds(self):
        """The whole requests that order something."""
        return [request for request in self.requests if request.whole and request.fields.get("action") == "add"]

    def _start(self, target, *arguments):
        thread = threading.Thread(target=target, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self):
        while True:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            self.connections += 1
            self._start(self._serve, connection)

    def _serve(self, plain):
        connection = plain
        try:
            with suppress(OSError):
                connection = self._context.wrap_socket(plain, server_side=True) if self._context else plain
                with self._lock:
                    self._open.add(connection)
                if self._context:
                    self.resumed.append(connection.session_reused)
                connection.sendall(self._greeting)
                while (request := read_request(connection, self._hasty)) is not None and self._reply(
                    connection, request
                ):
                    pass
        finally:
            with self._lock:
                self._open.discard(connection)
            connection.close()
            plain.close()

    def _reply(self, connection, request):
        with self._lock:
            self.requests.append(request)
            self.under_way += 1
            self.most_under_way = max(self.most_under_way, self.under_way)
        try:
            reply = self._answer(request) if request.whole else None
        finally:
            with self._lock:
                self.under_way -= 1
        for piece in reply if isinstance(reply, list) else [reply or b""]:
            if isinstance(piece, bytes):
                connection.sendall(piece)
            else:
                self._over.wait(piece)
        if isinstance(reply, Reset):
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        closes = "connection: close" in request.head.lower() and not self._keeps
        return bool(reply) and not isinstance(reply, Once) and not closes


class Deaf(RawServer):
    """A server that reads the beginning of a body, and breaks the connection off."""

    def __init__(self):
        super().__init__(lambda _: None)

    def _serve(self, plain):
        with plain:
            data = b""
            while not data.partition(b"\r\n\r\n")[2]:
                data += plain.recv(1000)
            # Linger for no time: the connection is reset, what is unread is thrown away.
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


class TunnelProxy(RawServer):
    """A proxy that joins a `CONNECT` to the server at `port`, whatever host was asked for; `tunnels` counts them.

    `surplus` is said besides its answer.
    """

    def __init__(self, port, surplus=b""):
        super().__init__(lambda _: None)
        self.tunnels = []
        self._target = port
        self._surplus = surplus

    def _serve(self, plain):
        with plain, suppress(OSError):
            request = read_request(plain)
            self.tunnels.append(request.head.split("\r\n")[0])
            with socket.create_connection(("127.0.0.1", self._target)) as server:
                with self._lock:
                    self._open |= {plain, server}
                plain.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n" + self._surplus)
                back = threading.Thread(target=self._relay, args=(server, plain))
                back.start()
                self._relay(plain, server)
                back.join(PATIENCE)
                with self._lock:
                    self._open -= {plain, server}

    @staticmethod
    def _relay(source, target):
        with suppress(OSError):
            while data := source.recv(65536):
                target.sendall(data)
        with suppress(OSError):
            target.shutdown(socket.SHUT_WR)


def read_request(connection, hasty=b""):
    """Read one request; None where the connection ended before its head. `hasty` is sent between head and body."""
    data = b""
    while b"\r\n\r\n" not in data:
        more = connection.recv(65536)
        if not more:
            return Received(data.decode("latin-1"), b"", whole=False) if data else None
        data += more
    connection.sendall(hasty)
    head, _, body = data.partition(b"\r\n\r\n")
    text = head.decode("latin-1")
    length = next(
        (int(line.split(":")[1]) for line in text.split("\r\n") if line.lower().startswith("content-length")), 0
    )
    while len(body) < length:
        more = connection.recv(65536)
        if not more:
            return Received(text, body, whole=False)
        body += more
    return Received(text, body, whole=True)


def refused_port():
    """Give a port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return listening.getsockname()[1]
