"""A network that can be taken away: it passes connections on to a server, until it is told otherwise."""

import asyncio
import socket
import struct
import threading
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class Relay:
    """A port of loopback behind which a server stands; use it with `with`.

    `hold` keeps back what goes to the server, `mute` what comes from it, `hang` both. `reset` breaks the connections
    and each new one, `refuse` breaks them and takes none, `cut` breaks them, and new ones are welcome. `lose` lets the
    server carry out one thing more, and breaks the connections when its answer comes.
    """

    def __init__(self) -> None:
        self.target = 0
        """The server's port."""
        self._mode = "open"
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._listening: asyncio.Server | None = None
        self._kept: socket.socket | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._clients: set[asyncio.StreamWriter] = set()
        self._up, self._down = asyncio.Event(), asyncio.Event()
        self.port = 0

    def set(self, mode: str) -> None:
        """Change what the network does from now on."""
        self._run(self._set(mode))

    def say(self, words: bytes) -> None:
        """Say something to every client, as if a server had said it."""
        self._run(self._say(words))

    def release(self) -> None:
        """Let go what was held back; where the network was taken away meanwhile it stays so."""
        if self._mode in {"hold", "mute"}:
            self.set("open")

    def clear(self) -> None:
        """Break every connection, throw away what was held back, and be open again."""
        self._run(self._set("reset"))
        self._run(self._set("open"))

    def __enter__(self) -> Self:
        self._thread.start()
        self._run(self._set("open"))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._run(self._set("refuse"))
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        if self._kept is not None:
            self._kept.close()
        self._loop.close()

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(30)

    async def _set(self, mode: str) -> None:
        self._mode = mode
        _switch(self._up, on=mode in {"open", "mute", "lose"})
        _switch(self._down, on=mode in {"open", "hold"})
        if mode in {"reset", "refuse", "cut"}:
            await self._break()
        if mode == "cut":
            await self._set("open")
        elif mode == "refuse":
            await self._close()
        elif self._listening is None:
            await self._listen()

    async def _listen(self) -> None:
        if self._kept is not None:
            self._kept.close()
            self._kept = None
        self._listening = await asyncio.start_server(self._pass, "127.0.0.1", self.port)
        self.port = self._listening.sockets[0].getsockname()[1]

    async def _close(self) -> None:
        if self._listening is not None:
            self._listening.close()
            self._listening = None
        # Bound and not listening: connections are refused, and nobody else takes the port.
        self._kept = socket.socket()
        self._kept.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with suppress(OSError):
            self._kept.bind(("127.0.0.1", self.port))

    async def _break(self) -> None:
        for writer in self._writers:
            _reset(writer)
        await asyncio.sleep(0)

    async def _say(self, words: bytes) -> None:
        await asyncio.sleep(0.05)  # the client's connection stands a moment before it is taken here
        for writer in self._clients:
            writer.write(words)

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        self._clients.add(writer)
        if self._mode == "reset":
            _reset(writer)
            return
        try:
            from_server, to_server = await asyncio.open_connection("127.0.0.1", self.target)
        except OSError:
            _reset(writer)
            return
        self._writers.add(to_server)
        await asyncio.gather(
            _pump(reader, to_server, self._up, self._nothing),
            _pump(from_server, writer, self._down, self._answered),
        )
        self._writers -= {writer, to_server}
        self._clients.discard(writer)

    async def _nothing(self) -> None:
        """Let it go on."""

    async def _answered(self) -> None:
        if self._mode == "lose":
            await self._set("cut")


async def _pump(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, gate: asyncio.Event, came: Callable[[], Awaitable[None]]
) -> None:
    with suppress(OSError):
        while data := await reader.read(65536):
            await came()
            await gate.wait()
            if writer.transport.is_closing():
                break
            writer.write(data)
            await writer.drain()
        await gate.wait()
    with suppress(OSError):
        writer.close()


def _switch(gate: asyncio.Event, *, on: bool) -> None:
    if on:
        gate.set()
    else:
        gate.clear()


def _reset(writer: asyncio.StreamWriter) -> None:
    peer: socket.socket | None = writer.get_extra_info("socket")
    if peer is not None:
        with suppress(OSError):
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
    writer.transport.abort()
