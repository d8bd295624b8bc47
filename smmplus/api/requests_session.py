"""The connections of the synchronous client: one TLS context for all, and connections for one call each."""

import io
import socket
import ssl
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPResponse, HTTPSConnectionPool, PoolManager, ProxyManager
from urllib3.connection import HTTPConnection, HTTPSConnection

from smmplus.api.panel import keep_session, proxy_of, tls_context
from smmplus.api.single_answer import QUIET_SECONDS, SPOKE_FIRST, Received, Recorded
from smmplus.errors import NeverSentError, UnclearAnswerError


class WatchedBody(io.BytesIO):
    """A form body that records whether it was sent. `effect` is whether the call orders, refills or cancels."""

    was_read = False
    """Whether any of it was handed to the connection: the line between "never sent" and "lost"."""
    closed_after = True
    """Whether the server closed the connection after its answer."""

    def __init__(self, form: bytes = b"", *, effect: bool = True) -> None:
        super().__init__(form)
        self.effect = effect

    def read(self, size: int | None = -1, /) -> bytes:
        """Read from the body, and record that it was read."""
        self.was_read = True
        return super().read(size)


class _OneCall(HTTPConnection):
    """A connection for one call: read all that the server sends until it closes, and accept only a single answer."""

    _body = WatchedBody()
    _pieces = 0
    """How many pieces of the request were sent: the head, and those of the body."""
    _whole = False
    """Whether the request was sent in full: urllib3 goes on after a broken pipe."""

    def request(self, method: str, url: str, body: object = None, *arguments: Any, **options: Any) -> None:
        self._body = body if isinstance(body, WatchedBody) else WatchedBody()
        self._pieces = 0
        super().request(method, url, body, *arguments, **options)  # type: ignore[arg-type]  # whatever urllib3 takes

    def send(self, data: Any) -> None:  # noqa: ANN401 (whatever urllib3 sends)
        self._whole = False
        said = None if self.sock is None else _said(self.sock)
        if said is not None and self._pieces < 2:  # no more than the head
            raise NeverSentError(SPOKE_FIRST)
        if said:
            raise self._doubt("the panel answered before the request was sent in full")
        super().send(data)
        self._pieces += 1
        self._whole = True

    def getresponse(self) -> HTTPResponse:  # type: ignore[override]  # as urllib3 itself has it
        if not self._whole:
            raise ConnectionAbortedError("the connection broke off as the request was sent")
        received = self._listen()
        keep_session(self.sock)
        self.sock.close()
        if received.fault:
            raise self._doubt(received.fault)
        self._body.closed_after = received.closed
        self.sock = Recorded(received.data)
        try:
            return super().getresponse()
        finally:
            self.sock = None

    def _listen(self) -> Received:
        received = Received()
        while not received.closed and not received.fault:
            self.sock.settimeout(QUIET_SECONDS if received.whole else self.timeout)
            try:
                received.add(self.sock.recv(65536))
            except OSError:
                if not received.whole:
                    raise
                break
        return received

    def _doubt(self, text: str) -> UnclearAnswerError:
        return UnclearAnswerError(text, may_have_taken_effect=self._body.effect)


def _said(sock: socket.socket) -> bytes | None:
    """Read what a server sent before it was asked: None for nothing, b"" if it closed. TLS messages are nothing."""
    patience = sock.gettimeout()
    sock.settimeout(0)
    try:
        return sock.recv(1)
    except (BlockingIOError, ssl.SSLWantReadError):
        return None
    except OSError:
        return b""
    finally:
        sock.settimeout(patience)


class _OneTlsCall(_OneCall, HTTPSConnection):
    """A `_OneCall` over TLS."""


class _Pool(HTTPConnectionPool):
    ConnectionCls = _OneCall


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _OneTlsCall


_POOLS = {"http": _Pool, "https": _TlsPool}


class _Adapter(HTTPAdapter):
    """Shares one TLS context between all connections. requests would load the certificates for each, in 22 ms."""

    def __init__(self, *, alone: bool, connections: int) -> None:
        self._alone = alone
        super().__init__(pool_connections=4, pool_maxsize=connections, max_retries=0)

    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
        super().init_poolmanager(*arguments, **options, ssl_context=tls_context())
        self._choose_pools(self.poolmanager)

    def proxy_manager_for(self, proxy: str, **options: Any) -> ProxyManager:
        manager: ProxyManager = super().proxy_manager_for(proxy, **options, ssl_context=tls_context())
        self._choose_pools(manager)
        return manager

    def _choose_pools(self, manager: PoolManager) -> None:
        if self._alone:
            manager.pool_classes_by_scheme = _POOLS

    def cert_verify(self, conn: object, url: object, verify: object, cert: object) -> None:
        """Do nothing: the TLS context has the certificates and verifies the server's."""

    def build_connection_pool_key_attributes(
        self, request: requests.PreparedRequest, _verify: object, _cert: object = None
    ) -> tuple[Any, Any]:
        host, _ = super().build_connection_pool_key_attributes(request, True, None)
        return host, {"ssl_context": tls_context()}


def session(url: str, *, connections: int, alone: bool = True) -> requests.Session:
    """Return a new session for one address, without retries.

    With `alone` each call has a connection of its own; otherwise the calls share `connections` of them.
    """
    made = requests.Session()
    for scheme in ("https://", "http://"):
        made.mount(scheme, _Adapter(alone=alone, connections=connections))
    if alone:
        made.headers["Connection"] = "close"
    # Looked up once: requests reads the environment and the user's netrc for every call (0.13 ms, measured).
    made.trust_env = False
    proxy = proxy_of(url)
    made.proxies = {} if proxy is None else {"http": proxy, "https": proxy}
    return made
