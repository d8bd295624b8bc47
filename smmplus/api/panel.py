"""The panel: address, key, time-outs, proxy and TLS."""

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
from smmplus.texts import _

_kept: WeakKeyDictionary[ssl.SSLContext, dict[str | None, ssl.SSLSession]] = WeakKeyDictionary()
"""The last TLS session by server name, for each context. A session cannot be used in another context."""


def resume_sessions(context: ssl.SSLContext) -> None:
    """Make each connection of a context begin with the last session that `keep_session` kept for its server."""
    context.sslobject_class = _Object
    context.sslsocket_class = _Socket
    _kept[context] = {}


def keep_session(connection: object) -> None:
    """Keep a connection's session. To be called after an answer was read: with TLS 1.3 it only comes then."""
    if isinstance(connection, ssl.SSLObject | ssl.SSLSocket) and connection.context in _kept and connection.session:
        _kept[connection.context][connection.server_hostname] = connection.session


def _offer(connection: ssl.SSLObject | ssl.SSLSocket) -> None:
    # Only for the name that the certificate was verified for: a resumed session shows no certificate.
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
    """The address of a panel and the API key of an account, with time-outs in seconds.

    Plain HTTP is refused except for loopback, because it would show the key to others.
    """

    key: str = field(repr=False)
    url: str = DEFAULT_URL
    connect_timeout: float = 10.0
    read_timeout: float = 60.0
    notation: Notation = field(default_factory=Notation, init=False, compare=False, repr=False)
    """How the panel writes numbers, learnt from its answers. All clients of this object share it."""

    def __post_init__(self) -> None:
        """Raise ConfigurationError for an address that would show the key to others, or a key that cannot be sent."""
        check_url(self.url)
        if not self.key or self.key != self.key.strip() or not self.key.isprintable():
            raise ConfigurationError(_("The API key is empty, or has blanks or line ends around it: copy it once more"))

    def redact(self, answer: Response) -> Response:
        """Return an answer without the key, which some panels echo, and with the panel's notation of numbers."""
        return replace(answer, body=without_key(answer.body, self.key), notation=self.notation)


_ODD = re.compile(r"[\s\\\x00-\x1f\x7f]")


def check_url(url: str) -> None:
    """Raise ConfigurationError if a URL is not a plain https address. http is allowed on loopback only."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        host.encode("idna"), parts.port  # otherwise it would only fail when an order is sent
    except ValueError:
        raise ConfigurationError(
            _("The API URL is not a valid address: it should look like {url}", url=DEFAULT_URL)
        ) from None
    if parts.scheme not in {"http", "https"} or not host or _ODD.search(url):
        raise _not_of_an_api()
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ConfigurationError(_("The API URL has a user name, a query or a fragment: leave them out"))
    # Parsers of URLs differ on odd ones: what one takes for loopback, another looks up elsewhere.
    if parts.netloc.lower().removesuffix(f":{parts.port}") not in {host, f"[{host}]"}:
        raise _not_of_an_api()
    if parts.scheme == "http" and not _is_loopback(host):
        raise ConfigurationError(
            _("http://{host} is not encrypted and would show the API key to others: use https", host=host)
        )


def _not_of_an_api() -> ConfigurationError:
    return ConfigurationError(
        _("The API URL is not a valid address of an API: it should look like {url}", url=DEFAULT_URL)
    )


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def proxy_of(url: str) -> str | None:
    """Return the proxy that the environment or the platform's settings name for an address, or None.

    Loopback has none: a proxy elsewhere cannot reach this machine, and would see the key unencrypted. Raises
    ConfigurationError if it is not a valid address; the message does not repeat it, because it may have a password.
    """
    parts = urlsplit(url)
    if _is_loopback(parts.hostname or "") or proxy_bypass(parts.hostname or ""):
        return None
    proxies = getproxies()
    found = proxies.get(parts.scheme) or proxies.get("all")
    found = f"http://{found}" if found and "://" not in found else found
    if found and not _is_proxy(found):
        name = f"{parts.scheme}_proxy" if proxies.get(parts.scheme) else "all_proxy"
        raise ConfigurationError(
            _(
                "The proxy in {variable} is not a valid address: it should look like http://proxy.example:3128",
                variable=name,
            )
        )
    return found


def _is_proxy(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return bool(parts.hostname) and parts.port != 0 and parts.scheme in {"http", "https"} and not _ODD.search(url)
    except ValueError:
        return False


@cache
def tls_context() -> ssl.SSLContext:
    """Return the one TLS context of this process. It verifies certificates and resumes sessions.

    `REQUESTS_CA_BUNDLE`, `CURL_CA_BUNDLE` and `SSL_CERT_FILE` replace the platform's certificates. Loading them takes
    22 ms (measured), so they are loaded once a process and not once a connection.
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
                raise ConfigurationError(
                    _("{variable} names {path}, which cannot be read: {error}", variable=name, path=bundle, error=error)
                ) from error
    context = ssl.create_default_context()
    context.load_verify_locations(cafile=certifi.where())
    return context
