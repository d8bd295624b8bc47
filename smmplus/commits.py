"""Grouped commits: whatever waits is committed in one transaction of the journal."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Self

from smmplus.errors import JournalError, SmmPlusError
from smmplus.journal.store import Journal
from smmplus.journal.wave import Answer, Move

Waiting = tuple[Move, asyncio.Future[Answer]]


class Commits:
    """The one writer of a placing run; use it with `async with`.

    Orders under way hand in their moves and wait until they are on disk. While one transaction is being written the
    next ones gather; at most as many wait as orders are under way. A commit that fails fails for all that were in it,
    and for all that come later: nothing is sent without a journal.
    """

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._waiting: list[Waiting] = []
        self._wake = asyncio.Event()
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="journal")
        self._writer: asyncio.Task[None] | None = None
        self._failure: Exception | None = None
        self._closing = False

    async def commit(self, move: Move) -> Answer:
        """Hand in a move, and give its answer once it is on disk. Raises JournalError."""
        if self._failure is not None:
            raise self._failure
        if self._writer is None or self._writer.done():
            raise JournalError("nothing is written any more: the run has ended")
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.append((move, future))
        self._wake.set()
        return await asyncio.shield(future)

    async def __aenter__(self) -> Self:
        self._writer = asyncio.create_task(self._write_all())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing = True
        self._wake.set()
        if self._writer is not None:
            await self._writer
        self._thread.shutdown()

    async def _write_all(self) -> None:
        while self._waiting or not self._closing:
            await self._wake.wait()
            self._wake.clear()
            wave, self._waiting = self._waiting, []
            if wave:
                await self._write(wave)

    async def _write(self, wave: list[Waiting]) -> None:
        loop = asyncio.get_running_loop()
        try:
            answers = await loop.run_in_executor(self._thread, self._journal.apply, [move for move, _ in wave])
        except Exception as error:  # noqa: BLE001 (whatever it is, those who wait must hear of it, not hang)
            # A foreign error would pass by those who save an order id that cannot be written down.
            foreign = JournalError(f"the journal {self._journal.path} cannot be written: {error!r}")
            self._failure = error if isinstance(error, SmmPlusError) else foreign
            for _, future in wave:
                if not future.done():
                    future.set_exception(self._failure)
            return
        for (_, future), answer in zip(wave, answers, strict=True):
            if not future.done():
                future.set_result(answer)
