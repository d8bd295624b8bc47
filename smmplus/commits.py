"""Grouped commits: whatever waits is committed in one transaction of the journal."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Self

from smmplus.errors import JournalError, SmmPlusError
from smmplus.journal.states import Outcome
from smmplus.journal.store import Journal
from smmplus.journal.wave import Answer, Intent, Move

Waiting = tuple[Move, asyncio.Future[Answer]]


class Commits:
    """The one writer of a placing run; use it with `async with`.

    Orders under way hand in their moves and wait until they are on disk. While one transaction is being written the
    next ones gather; at most as many wait as orders are under way. After a commit that failed no further intent is
    taken: nothing is sent without a journal. The outcomes that were in it, and those that come later, are tried once
    more, each alone: an order id is money.
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
        if self._failure is not None and isinstance(move, Intent):
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
        try:
            answers = await self._apply([move for move, _ in wave])
        except JournalError as error:
            self._failure = error
            for move, future in wave:
                await self._write_alone(move, future, error)
            return
        for (_, future), answer in zip(wave, answers, strict=True):
            if not future.done():
                future.set_result(answer)

    async def _write_alone(self, move: Move, future: asyncio.Future[Answer], error: JournalError) -> None:
        """Try an outcome once more: it may be another's move that cannot be written, or the disk was busy."""
        answers: list[Answer] = []
        if isinstance(move, Outcome):
            try:
                answers = await self._apply([move])
            except JournalError as again:
                error = again
        if future.done():
            return
        if answers:
            future.set_result(answers[0])
        else:
            future.set_exception(error)

    async def _apply(self, moves: list[Move]) -> list[Answer]:
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._thread, self._journal.apply, moves)
        except SmmPlusError as error:
            raise error if isinstance(error, JournalError) else JournalError(str(error)) from error
        except Exception as error:
            # A foreign error would pass by those who save an order id that cannot be written down.
            raise JournalError(f"the journal {self._journal.where} cannot be written: {error!r}") from error
