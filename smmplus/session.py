"""The connections of the synchronous client: one TLS context, none that was idle for long, one look around."""

import time
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPResponse, HTTPSConnectionPool, ProxyManager
from urllib3.connection import HTTPConnection, HTTPSConnection

from smmplus.panel import IDLE_SECONDS, proxy_of, tls_context


class _Connection(HTTPConnection):
    """A connection that counts as gone when it was idle for too long; urllib3 then opens it anew."""

    _answered = 0.0

    def getresponse(self) -> HTTPResponse:  # type: ignore[override]  # as urllib3 itself has it
        self._answered = time.monotonic()
        return super().getresponse()

    @property
    def is_connected(self) -> bool:
        return super().is_connected and time.monotonic() - self._answered < IDLE_SECONDS


class _TlsConnection(_Connection, HTTPSConnection):
    """The same over TLS."""


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _TlsConnection


_POOLS = {"http": _Pool, "https": _TlsPool}


class _FreshAdapter(HTTPAdapter):
    """Uses no connection that was idle for long."""

    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
        super().init_poolmanager(*arguments, **options)
        self.poolmanager.pool_classes_by_scheme = _POOLS

    def proxy_manager_for(self, proxy: str, **options: Any) -> ProxyManager:
        manager: ProxyManager = super().proxy_manager_for(proxy, **options)
        manager.pool_classes_by_scheme = _POOLS
        return manager


class _OneContextAdapter(_FreshAdapter):
    """Shares one TLS context between all connections; requests would load the certificates for each (22 ms)."""

    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
        super().init_poolmanager(*arguments, **options, ssl_context=tls_context())

    def proxy_manager_for(self, proxy: str, **options: Any) -> ProxyManager:
        return super().proxy_manager_for(proxy, **options, ssl_context=tls_context())

    def cert_verify(self, conn: object, url: object, verify: object, cert: object) -> None:
        """Leave verifying to the context: it holds the certificates, and demands one that fits."""

    def build_connection_pool_key_attributes(
        self, request: requests.PreparedRequest, _verify: object, _cert: object = None
    ) -> tuple[Any, Any]:
        host, _ = super().build_connection_pool_key_attributes(request, True, None)
        return host, {"ssl_context": tls_context()}


def session(url: str, *, connections: int) -> requests.Session:
    """Make a session for one address, with as many connections as calls may be under way, and no retries of its own."""
    made = requests.Session()
    made.mount("https://", _OneContextAdapter(pool_connections=4, pool_maxsize=connections, max_retries=0))
    made.mount("http://", _FreshAdapter(pool_connections=4, pool_maxsize=connections, max_retries=0))
    # Looked up once: requests looks into the environment and the user's netrc for every call (0.13 ms).
    made.trust_env = False
    proxy = proxy_of(url)
    made.proxies = {} if proxy is None else {"http": proxy, "https": proxy}
    return made
