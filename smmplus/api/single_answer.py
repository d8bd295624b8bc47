"""One answer to one request: what of all that arrives on a call's own connection is its answer.

HTTP/1.1 has no mark that joins an answer to its request: the first answer on a connection is the first request's, the
second the second's. One surplus answer (a limiter's second 429, an idle time-out's 408, an answer sent twice) shifts
all that follow. So a call that must not be shifted has a connection of its own, and asks the server to close it after
the answer. Everything up to the close is read; only one answer, alone, is believed.
"""

import io
import re
from http.client import HTTPException, HTTPResponse, IncompleteRead

QUIET_SECONDS = 1.0
"""How long a whole answer is listened after where the server leaves the connection open, though asked to close it.

Servers that close do so at once: RFC 9112, section 9.6, demands it. A second is longer than the surplus answers that
were seen came late (0.05 to 0.6 s), and short enough for a server that never closes.
"""

SPOKE_FIRST = "the panel answered, or closed the connection, before it was asked; nothing was sent"


class Recorded(io.BytesIO):
    """Bytes in place of a socket, for the standard library's reader of answers."""

    def makefile(self, _mode: str) -> "Recorded":
        """Be its own file."""
        return self

    def settimeout(self, _seconds: float | None) -> None:
        """Need none: all is there."""

    def close(self) -> None:
        """Stay open: the reader closes what it has read, and is then asked where it stopped."""


class Received:
    """The bytes that arrived on one connection, without interim answers."""

    def __init__(self) -> None:
        self.data = b""
        self.whole = False
        """Whether an answer is complete."""
        self.closed = False
        """Whether the server has closed the connection after it: nothing can follow."""
        self.fault = ""
        """Why nothing of it can be believed; "" while it can."""

    def add(self, data: bytes) -> None:
        """Add what arrived; no bytes for the end that the server has made."""
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
    """Find where the answer ends; None while it is not whole."""
    if not _END_OF_HEAD.search(data):
        return None
    source = Recorded(data)
    response = HTTPResponse(source, method="POST")  # type: ignore[arg-type]  # what it needs of a socket
    response.begin()
    if response.length is None and not response.chunked:  # the close ends it, and a second answer would be its body
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
"""An answer that announces another (100, 103)."""
