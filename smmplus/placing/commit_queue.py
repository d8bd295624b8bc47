"""Grouped commits: whatever waits is committed in one transaction of the journal."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from smmplus.errors import JournalError, JournalInUseError, SmmPlusError
from smmplus.journal.group_commit import Answer, Intent, Move
from smmplus.journal.journal import Journal
from smmplus.journal.rescue_file import RescueFile
from smmplus.journal.state_machine import Outcome

Result = TypeVar("Result")


async def finished(work: Awaitable[Result]) -> Result:
    """Wait for work that a cancellation of this task must not break off; the cancellation is passed on after its end.

    What the work itself raises is lost where this task was cancelled: the work must have seen to its own affairs.
    """
    task = asyncio.ensure_future(work)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is None:
        return task.result()
    if not task.cancelled():
        task.exception()  # looked at: asyncio would call it forgotten
    raise cancelled


_log = logging.getLogger(__name__)

Waiting = tuple[Move, asyncio.Future[Answer]]

LONG = 1.0
"""Seconds after which a commit under way counts as held up: order ids that wait for it go into the rescue file."""


class CommitQueue:
    """The one writer of a placing run; use it with `async with`.

    Orders under way hand in their moves and wait until they are on disk. While one transaction is being written the
    next ones gather; at most as many wait as orders are under way. After a commit that failed no further intent is
    taken: nothing is sent without a journal. The outcomes that were in it, and those that come later, are tried once
    more. An order id is money: where the journal does not take it at once it goes into the run's rescue file, which the
    next run takes up. Entering raises JournalError where there is no room for that file.
    """

    def __init__(self, journal: Journal, *, long: float = LONG) -> None:
        self._journal = journal
        self._long = long
        self._waiting: list[Waiting] = []
        self._writing: list[Waiting] = []
        self._wake = asyncio.Event()
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="journal")
        self._writer: asyncio.Task[None] | None = None
        self._rescue: RescueFile | None = None
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

    def rescued(self, outcome: Outcome) -> Path | None:
        """Name the file that holds an outcome's order id until the next run; None where none does."""
        return self._rescue.path if self._rescue is not None and self._rescue.holds(outcome) else None

    async def __aenter__(self) -> Self:
        try:
            self._rescue = await self._in_thread(self._journal.rescue_file)
        except BaseException:
            self._thread.shutdown()
            raise
        self._writer = asyncio.create_task(self._write_all())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing = True
        self._wake.set()
        try:
            if self._writer is not None:
                await finished(self._writer)
        finally:
            self._thread.shutdown()
            if self._rescue is not None:
                self._rescue.close()

    async def _write_all(self) -> None:
        try:
            while self._waiting or not self._closing:
                await self._wake.wait()
                self._wake.clear()
                self._writing, self._waiting = self._waiting, []
                if self._writing:
                    await self._write(self._writing)
        finally:
            # Of a writer that is broken off; otherwise everything is answered.
            self._rescue_unanswered()

    async def _write(self, wave: list[Waiting]) -> None:
        try:
            answers = await self._apply([move for move, _ in wave])
        except JournalError as error:
            self._failure = error
            self._rescue_unanswered()
            await self._write_again(wave, error)
        else:
            self._answer(wave, answers)

    async def _write_again(self, wave: list[Waiting], error: JournalError) -> None:
        """Try outcomes once more: it may be another's move that cannot be written, or the disk was busy."""
        for move, future in wave:
            if isinstance(move, Intent):
                future.set_exception(error)
        outcomes = [waiting for waiting in wave if isinstance(waiting[0], Outcome)]
        # Another program's lock holds them all up alike; one after the other they would wait for many minutes.
        parts = [outcomes] if isinstance(error, JournalInUseError) else [[waiting] for waiting in outcomes]
        for part in filter(None, parts):
            try:
                self._answer(part, await self._apply([move for move, _ in part]))
            except JournalError as again:
                for _, future in part:
                    future.set_exception(again)

    def _answer(self, wave: list[Waiting], answers: Sequence[Answer]) -> None:
        for (move, future), answer in zip(wave, answers, strict=True):
            if isinstance(move, Outcome) and self._rescue is not None:
                self._rescue.forget(move)
            future.set_result(answer)

    def _rescue_unanswered(self) -> None:
        """Write the order ids that are in no journal yet into the rescue file: this process may be gone in a moment.

        It blocks the event loop, for what waits to be rescued must not wait for anything else.
        """
        waiting = [*self._writing, *self._waiting]
        outcomes = [move for move, future in waiting if isinstance(move, Outcome) and not future.done()]
        try:
            if self._rescue is not None:
                self._rescue.keep(outcomes, self._journal.time())
        except OSError as error:
            _log.error("the rescue file %s cannot be written: %s", self._rescue.path if self._rescue else "", error)

    async def _apply(self, moves: list[Move]) -> list[Answer]:
        writing = self._in_thread(lambda: self._journal.commit(moves))
        writing.add_done_callback(_look_at)
        while not (await asyncio.wait({writing}, timeout=self._long))[0]:
            self._rescue_unanswered()
        try:
            return writing.result()
        except SmmPlusError as error:
            raise error if isinstance(error, JournalError) else JournalError(str(error)) from error
        except Exception as error:
            # A foreign error would pass by those who save an order id that cannot be written down.
            raise JournalError(f"the journal {self._journal.where} cannot be written: {error!r}") from error

    def _in_thread(self, do: Callable[[], Result]) -> asyncio.Future[Result]:
        return asyncio.get_running_loop().run_in_executor(self._thread, do)


def _look_at(writing: asyncio.Future[list[Answer]]) -> None:
    # Nobody else does where this run is broken off; asyncio would print that it was forgotten.
    if not writing.cancelled():
        writing.exception()
