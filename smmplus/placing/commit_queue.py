"""Group commit for orders under way: write all waiting intents and outcomes in one transaction of the journal."""

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
from smmplus.texts import _

Work = TypeVar("Work")


async def finished(work: Awaitable[Work]) -> Work:
    """Wait for work that must not be cancelled together with this task; raise the cancellation after its end.

    If this task was cancelled, an exception of the work is lost: the work must have handled it itself.
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
        task.exception()  # retrieved, so that asyncio does not log it
    raise cancelled


_log = logging.getLogger(__name__)

Waiting = tuple[Move, asyncio.Future[Answer]]

LONG = 1.0
"""After so many seconds a commit counts as held up: order ids that wait for it go into the rescue file."""


class CommitQueue:
    """The one writer of a run; use it with `async with`.

    Orders under way hand in their moves and wait until they are on disk. While one transaction is written, the next
    moves gather, at most as many as orders are under way.

    After a commit that failed, no further intent is accepted: nothing is sent without a journal. The outcomes that were
    in it, and those that come later, are tried once more. An order id is money: if the journal cannot take it at once,
    it goes into the run's rescue file, and the next run records it. Entering raises JournalError if there is no room
    for that file.
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
        """Hand in a move, and return its answer once it is on disk. Raises JournalError."""
        if self._failure is not None and isinstance(move, Intent):
            raise self._failure
        if self._writer is None or self._writer.done():
            raise JournalError(_("the run has ended, and writes nothing more"))
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.append((move, future))
        self._wake.set()
        return await asyncio.shield(future)

    def rescued(self, outcome: Outcome) -> Path | None:
        """Return the rescue file that has an outcome's order id; None if none has."""
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
            # For a writer that was cancelled; otherwise every move has its answer.
            self._rescue_unanswered()

    async def _write(self, wave: list[Waiting]) -> None:
        try:
            answers = await self._apply([move for move, _future in wave])
        except JournalError as error:
            self._failure = error
            self._rescue_unanswered()
            await self._write_again(wave, error)
        else:
            self._answer(wave, answers)

    async def _write_again(self, wave: list[Waiting], error: JournalError) -> None:
        """Try outcomes once more, one by one: only one move may be at fault, or the disk was busy."""
        for move, future in wave:
            if isinstance(move, Intent):
                future.set_exception(error)
        outcomes = [waiting for waiting in wave if isinstance(waiting[0], Outcome)]
        # Another program's lock delays all of them alike: one by one they would wait for many minutes.
        parts = [outcomes] if isinstance(error, JournalInUseError) else [[waiting] for waiting in outcomes]
        for part in filter(None, parts):
            try:
                self._answer(part, await self._apply([move for move, _future in part]))
            except JournalError as again:
                for _move, future in part:
                    future.set_exception(again)

    def _answer(self, wave: list[Waiting], answers: Sequence[Answer]) -> None:
        for (move, future), answer in zip(wave, answers, strict=True):
            if isinstance(move, Outcome) and self._rescue is not None:
                self._rescue.forget(move)
            future.set_result(answer)

    def _rescue_unanswered(self) -> None:
        """Write the order ids that are not in the journal yet into the rescue file, before this process can die.

        It blocks the event loop on purpose: an order id must not wait for anything else.
        """
        waiting = [*self._writing, *self._waiting]
        outcomes = [move for move, future in waiting if isinstance(move, Outcome) and not future.done()]
        try:
            if self._rescue is not None:
                self._rescue.keep(outcomes, self._journal.time())
        except OSError as error:
            path = self._rescue.path if self._rescue else ""
            _log.error(_("the rescue file {path} cannot be written: {error}", path=path, error=error))

    async def _apply(self, moves: list[Move]) -> list[Answer]:
        writing = self._in_thread(lambda: self._journal.commit(moves))
        writing.add_done_callback(_retrieve)
        while not (await asyncio.wait({writing}, timeout=self._long))[0]:
            self._rescue_unanswered()
        try:
            return writing.result()
        except SmmPlusError as error:
            raise error if isinstance(error, JournalError) else JournalError(str(error)) from error
        except Exception as error:
            # Callers that save an order id after a failed write catch JournalError.
            raise JournalError(
                _("the journal {journal} cannot be written: {error!r}", journal=self._journal.where, error=error)
            ) from error

    def _in_thread(self, do: Callable[[], Work]) -> asyncio.Future[Work]:
        return asyncio.get_running_loop().run_in_executor(self._thread, do)


def _retrieve(writing: asyncio.Future[list[Answer]]) -> None:
    # If this run was cancelled, nothing else does, and asyncio would log it.
    if not writing.cancelled():
        writing.exception()
