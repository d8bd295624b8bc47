"""Which panel is spoken to, and how: address, key, time-outs, TLS."""

import os
import re
import ssl
from dataclasses import dataclass, field, replace
from functools import cache
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass
from weakref import WeakKeyDictionary

import certifi

from smmplus.api.redaction import without_key
from smmplus.api.responses import Response
from smmplus.errors import ConfigurationError
from smmplus.orders.decimals import Notation

_kept: WeakKeyDictionary[ssl.SSLContext, dict[str | None, ssl.SSLSession]] = WeakKeyDictionary()
"""The last session by server name, for each context: a session is of no use in another."""


def resume_sessions(context: ssl.SSLContext) -> None:
    """Let each connection of a context begin with the last session that `keep_session` kept for its server."""
    context.sslobject_class = _Object
    context.sslsocket_class = _Socket
    _kept[context] = {}


def keep_session(connection: object) -> None:
    """Keep a connection's session, after an answer was read: with TLS 1.3 it comes only then."""
    if isinstance(connection, ssl.SSLObject | ssl.SSLSocket) and connection.context in _kept and connection.session:
        _kept[connection.context][connection.server_hostname] = connection.session


def _offer(connection: ssl.SSLObject | ssl.SSLSocket) -> None:
    # Only for the name that its certificate was verified for: a resumed session shows none.
    if connection.session is None and (kept := _kept[connection.context].get(connection.server_hostname)):
        connection.session = kept


class _Object(ssl.SSLObject):
    _offered = False

    def do_handshake(self) -> None:
        # Called again and again, until the handshake is over.
        if not self._offered:
            self._offered = True
            _offer(self)
        super().do_handshake()


class _Socket(ssl.SSLSocket):
    def do_handshake(self, block: bool = False) -> None:
        _offer(self)
        super().do_handshake(block)


DEFAULT_URL = "https://smm.plus/api/v2"


@dataclass(frozen=True, slots=True)
class Panel:
    """A panel's address and an account's key, with the time-outs in seconds.

    Plain HTTP is refused but for loopback: the key would travel in the open.
    """

    key: str = field(repr=False)
    url: str = DEFAULT_URL
    connect_timeout: float = 10.0
    read_timeout: float = 60.0
    notation: Notation = field(default_factory=Notation, init=False, compare=False, repr=False)
    """How its numbers are written, learnt from its answers; all clients of this panel share it."""

    def __post_init__(self) -> None:
        """Refuse an address that would show the key to others, and a key that cannot be sent."""
        check_url(self.url)
        if not self.key or self.key != self.key.strip() or not self.key.isprintable():
            raise ConfigurationError("the API key is empty, or has blanks or line ends around it: copy it once more")

    def redact(self, answer: Response) -> Response:
        """Take the key out of an answer, for some panels echo it, and tell it what is known of the panel's numbers."""
        return replace(answer, body=without_key(answer.body, self.key), notation=self.notation)


_ODD = re.compile(r"[\s\\\x00-\x1f\x7f]")


def check_url(url: str) -> None:
    """Refuse what is no plain https address; http is right on loopback only."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        _ = host.encode("idna"), parts.port  # what the clients would find out only as an order is sent
    except ValueError:
        raise ConfigurationError(f"the API URL is no address: it should look like {DEFAULT_URL}") from None
    if parts.scheme not in {"http", "https"} or not host or _ODD.search(url):
        raise ConfigurationError(f"the API URL is no address of an API: it should look like {DEFAULT_URL}")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ConfigurationError("the API URL holds a user name, a query or a fragment: give the bare address")
    # Readers of addresses differ on odd ones: what one takes for loopback, another looks up elsewhere.
    if parts.netloc.lower().removesuffix(f":{parts.port}") not in {host, f"[{host}]"}:
        raise ConfigurationError(f"the API URL is no address of an API: it should look like {DEFAULT_URL}")
    if parts.scheme == "http" and not _is_loopback(host):
        raise ConfigurationError(f"http://{host} is not encrypted, and would show the API key to others: use https")


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def proxy_of(url: str) -> str | None:
    """Find the proxy that the environment (or the platform's settings) names for an address; None for none.

    Loopback has none: a proxy elsewhere cannot reach this machine's, and would be shown the key in the open.
    ConfigurationError where it is no address; it is not repeated, for it may hold a password.
    """
    parts = urlsplit(url)
    if _is_loopback(parts.hostname or "") or proxy_bypass(parts.hostname or ""):
        return None
    proxies = getproxies()
    found = proxies.get(parts.scheme) or proxies.get("all")
    found = f"http://{found}" if found and "://" not in found else found
    if found and not _is_proxy(found):
        name = f"{parts.scheme}_proxy" if proxies.get(parts.scheme) else "all_proxy"
        raise ConfigurationError(f"the proxy in {name} is no address: it should look like http://proxy.example:3128")
    return found


def _is_proxy(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return bool(parts.hostname) and parts.port != 0 and parts.scheme in {"http", "https"} and not _ODD.search(url)
    except ValueError:
        return False


@cache
def tls_context() -> ssl.SSLContext:
    """Make the one TLS context of this process: verifying, resuming, with the CA settings of the environment.

    `REQUESTS_CA_BUNDLE`, `CURL_CA_BUNDLE` and `SSL_CERT_FILE` replace the platform's certificates. Loading them takes
    22 ms, measured: once a process, not once a connection.
    """
    context = _verifying_context()
    resume_sessions(context)
    return context


def _verifying_context() -> ssl.SSLContext:
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"):
        if bundle := os.environ.get(name):
            try:
                folder = Path(bundle).is_dir()
                return ssl.create_default_context(cafile=None if folder else bundle, capath=bundle if folder else None)
            except OSError as error:
                raise ConfigurationError(f"{name} names {bundle}, which cannot be read: {error}") from error
    context = ssl.create_default_context()
    context.load_verify_locations(cafile=certifi.where())
    return context
