"""One answer to one request: find the answer in all that arrives on a call's own connection.

HTTP/1.1 does not mark which request an answer belongs to: the first answer on a connection is that of the first
request, the second that of the second (RFC 9112, section 9.2). One surplus answer (a second 429 of a rate limiter, a
408 after an idle time-out, an answer sent twice) shifts all that follow: an order would get the id of another one. So a
call that must not be shifted has a connection of its own, and asks the server to close it after the answer. Everything
up to the close is read, and accepted only if it is a single answer.
"""

import io
import re
from http.client import HTTPException, HTTPResponse, IncompleteRead

QUIET_SECONDS = 1.0
"""How long to listen after a complete answer if the server leaves the connection open, though asked to close it.

A server that closes does so at once, as RFC 9112, section 9.6, demands. Surplus answers were seen to come 0.05 to 0.6 s
late: a second is longer than that, and short enough for a server that never closes.
"""

SPOKE_FIRST = "the panel answered, or closed the connection, before it was asked; nothing was sent"


class Recorded(io.BytesIO):
    """Bytes in place of a socket, for `http.client.HTTPResponse`."""

    def makefile(self, _mode: str) -> "Recorded":
        """Return itself as the file."""
        return self

    def settimeout(self, _seconds: float | None) -> None:
        """Do nothing: nothing is waited for."""

    def close(self) -> None:
        """Stay open: the reader closes the file, and `tell` is called after that."""


class Received:
    """The bytes that arrived on one connection, without interim answers (RFC 9110, section 15.2)."""

    def __init__(self) -> None:
        self.data = b""
        self.whole = False
        """Whether an answer is complete."""
        self.closed = False
        """Whether the server has closed the connection after it, so that nothing can follow."""
        self.fault = ""
        """Why it cannot be accepted; "" if it can."""

    def add(self, data: bytes) -> None:
        """Add what arrived; b"" if the server closed the connection."""
        self.data += data
        self.closed = self.closed or not data
        while interim := _INTERIM.match(self.data):
            self.data = self.data[interim.end() :]
        try:
            end = _end_of_answer(self.data, closed=self.closed)
        except (HTTPException, ValueError) as error:
            self.fault = f"the panel answered with something other than one HTTP answer ({type(error).__name__})"
            return
        self.whole = end is not None
        if end is not None and end < len(self.data):
            self.fault = "more than one answer came from the panel"


def _end_of_answer(data: bytes, *, closed: bool) -> int | None:
    """Find where the answer ends; None if it is not complete yet."""
    if not _END_OF_HEAD.search(data):
        return None
    source = Recorded(data)
    response = HTTPResponse(source, method="POST")  # type: ignore[arg-type]  # what it needs of a socket
    response.begin()
    if response.length is None and not response.chunked:  # the close ends it; a second answer would look like its body
        another = _STATUS_LINE.search(data, source.tell())
        return None if not closed else another.start() if another else len(data)
    try:
        response.read()
    except IncompleteRead:
        return None
    return source.tell()


_END_OF_HEAD = re.compile(rb"\n\r?\n")
_STATUS_LINE = re.compile(rb"HTTP/[0-9.]+ [1-5][0-9][0-9]\b")
_INTERIM = re.compile(rb"HTTP/1\.[01] 1(?!01)[0-9][0-9]\b[^\n]*\n(?:[^\r\n][^\n]*\n)*\r?\n")
"""An interim answer (100, 103); 101 is not one here."""
