"""TLS sessions that are resumed: a connection for each order costs no whole handshake each time.

Neither asyncio nor urllib3 passes a session on. The classes that a context wraps sockets in are its documented
attributes (`sslsocket_class`, `sslobject_class`), and a session may be set until the handshake begins.
"""

import ssl
from weakref import WeakKeyDictionary

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
