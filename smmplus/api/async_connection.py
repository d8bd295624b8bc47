"""The asynchronous side of a connection with one answer: read all that arrives before aiohttp does.

aiohttp closes a connection as soon as an answer is complete, and never sees what follows. So when the body leaves, the
connection's protocol is replaced by one that keeps what arrives until the server closes, and then hands it to aiohttp.
"""

import asyncio
from typing import cast

from aiohttp.client_proto import ResponseHandler

from smmplus.api.panel import keep_session
from smmplus.api.single_answer import QUIET_SECONDS, SPOKE_FIRST, Received
from smmplus.errors import NeverSentError


async def silent(transport: asyncio.Transport | None) -> asyncio.Transport:
    """Return a connection on which nothing has arrived unasked; raise NeverSentError if something has."""
    # What has arrived is read within two turns of the event loop: one finds it, one reads it. If aiohttp takes it for
    # the answer meanwhile, it cancels this task, and the body does not leave.
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    if transport is None or transport.is_closing() or cast("ResponseHandler", transport.get_protocol()).should_close:
        raise NeverSentError(SPOKE_FIRST)
    return transport


class Listener(asyncio.Protocol):
    """Keeps what arrives on a connection, from the moment it is made."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self.received = Received()
        self._transport = transport
        self._tls = transport.get_extra_info("ssl_object")
        self._aiohttp = cast("ResponseHandler", transport.get_protocol())
        self._over = asyncio.get_running_loop().create_future()
        self._limit: asyncio.Timeout | None = None
        self._patience = 0.0
        self._lost: tuple[Exception | None] | None = None
        self._handed_on = False
        transport.set_protocol(self)

    async def listen(self, patience: float) -> None:
        """Wait for the answer and until the server closes; `patience` is how long the server may be silent.

        Raises TimeoutError if no complete answer comes.
        """
        self._patience = patience
        try:
            async with asyncio.timeout(patience) as self._limit:
                await self._over
        except TimeoutError:
            if not self.received.whole:
                raise
        finally:
            # `close` of a TLS connection would wait for a server that may never answer.
            self._transport.abort()
        keep_session(self._tls)

    def hand_on(self) -> None:
        """Let aiohttp read what arrived."""
        self._handed_on = True
        self._transport.set_protocol(self._aiohttp)
        self._aiohttp.data_received(self.received.data)
        if self._lost:
            self._aiohttp.connection_lost(*self._lost)

    def data_received(self, data: bytes) -> None:
        """Keep what arrives, and check it."""
        self.received.add(data)
        if self._limit is None or self._transport.get_write_buffer_size():
            self.received.fault = "the panel answered before the request was sent in full"
        elif not self.received.fault:
            wait = QUIET_SECONDS if self.received.whole else self._patience
            self._limit.reschedule(asyncio.get_running_loop().time() + wait)
        if self.received.fault:
            self._end()

    def eof_received(self) -> None:
        """Record that nothing can follow."""
        self.received.add(b"")
        self._end()

    def connection_lost(self, exc: Exception | None) -> None:
        """Record that the connection is gone."""
        if self._handed_on or self._limit is None:  # while the request is written, aiohttp waits to hear of it
            self._aiohttp.connection_lost(exc)
        else:
            self._lost = (exc,)
        if exc is None:
            self.received.add(b"")
        self._end()

    def pause_writing(self) -> None:
        """Make aiohttp pause writing."""
        self._aiohttp.pause_writing()

    def resume_writing(self) -> None:
        """Let aiohttp go on writing."""
        self._aiohttp.resume_writing()

    def _end(self) -> None:
        if not self._over.done():
            self._over.set_result(None)
