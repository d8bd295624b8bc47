"""The page on this computer: its user's accounts, visitors with a link or a password, jobs in threads of the server."""

import logging
import os
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response

from bulk.files.account_settings import default_account, known_accounts, panel_of
from bulk.model.errors import ExitStatus, SheetError
from bulk.running import run as runner
from bulk.running.advice import describe_unrecorded
from bulk.running.events import RunListener, waiting_words
from bulk.running.interrupts import STOP_REQUEST, StopRequest
from bulk.running.result import RunResult
from bulk.web.access import Access
from bulk.web.home import Activity, Job, User
from bulk.web.uploads import Outcome, Upload, Uploads, now
from smmplus.api.panel import Panel
from smmplus.errors import SmmPlusError
from smmplus.journal.journal import Journal

_log = logging.getLogger(__name__)

MOST_NOTES = 5


@dataclass
class _Running(RunListener):
    """A job under way, and what a visitor should know of it."""

    job: Job
    stop: StopRequest = field(default_factory=StopRequest)
    is_stopping: bool = False
    notes: deque[str] = field(default_factory=lambda: deque(maxlen=MOST_NOTES))
    thread: threading.Thread | None = None

    def __post_init__(self) -> None:
        """Agree: the fingerprint of what was approved holds the run to it."""
        super().__init__(agreed=True)

    def waiting(self, words: str, until: datetime) -> None:
        """Keep it for the page."""
        self.note(waiting_words(words, until))

    def note(self, text: str) -> None:
        """Keep it for the page."""
        self.notes.append(text)


class LocalHome:
    """The page on this computer.

    :param rate: API calls per second; 0 for no limit.
    """

    def __init__(self, uploads: Uploads, access: Access, *, approvals_needed: int = 1, rate: float = 1.0) -> None:
        self.uploads, self.access, self.approvals_needed, self._rate = uploads, access, approvals_needed, rate
        self._lock = threading.Lock()
        self._running: dict[str, _Running] = {}
        self._is_closing = False

    def user_of(self, request: Request) -> User | None:
        """Return who a visitor is; None for a stranger."""
        return self.access.user_of(request)

    def refuse(self, request: Request) -> Response:
        """Answer a stranger."""
        return self.access.refuse(request)

    def accounts(self) -> list[str]:
        """Return the accounts to choose from, the usual one first."""
        usual = default_account(os.environ)
        return sorted(known_accounts(os.environ), key=lambda name: (name != usual, name))

    def panel(self, account: str) -> Panel:
        """Return the panel of an account, with its key."""
        return panel_of(account, os.environ)

    def name_of(self, account: str) -> str:
        """Return the name of an account in the journal: its own."""
        return account

    def account_of(self, journal: str, url: str, name: str) -> str:  # noqa: ARG002 (its name is enough)
        """Return the account with a name in the journal."""
        return name

    def rate_of(self, account: str) -> float:  # noqa: ARG002 (all have the same)
        """Return the API calls per second of a run."""
        return self._rate

    def journals(self) -> Sequence[str]:
        """Return an account of each journal: all accounts have the same one."""
        return [""]

    def journal(self, account: str) -> Journal:  # noqa: ARG002 (all accounts have the same one)
        """Open the journal that `SMMPLUS_JOURNAL` names, or the user's own."""
        return Journal(os.environ.get("SMMPLUS_JOURNAL"))

    @contextmanager
    def file_of(self, upload: Upload) -> Iterator[Path]:
        """Give the file of a sheet."""
        yield self.uploads.file_of(upload)

    def start(self, upload: Upload, job: Job, fingerprint: str, by: User) -> None:  # noqa: ARG002 (approvals have names)
        """Begin a job, unless one is under way with the sheet, or the server is about to end."""
        running = _Running(job)
        with self._lock:
            if self._is_closing or upload.id in self._running:
                return
            self._running[upload.id] = running
        running.thread = threading.Thread(
            target=self._work, args=(upload, fingerprint, running), name=f"smmplus {upload.id}"
        )
        running.thread.start()

    def activity(self, upload: Upload) -> Activity | None:
        """Return what is under way with a sheet; None for nothing."""
        running = self._running.get(upload.id)
        return None if running is None else Activity(running.job, tuple(running.notes), running.is_stopping)

    def stop(self, upload: Upload, by: User) -> None:  # noqa: ARG002 (anybody may)
        """Ask a job to stop."""
        if running := self._running.get(upload.id):
            running.is_stopping = True
            running.stop.ask()

    def stop_all(self) -> list[_Running]:
        """Ask all jobs to stop, and begin none any more. Return those that are under way."""
        with self._lock:
            self._is_closing = True
            under_way = list(self._running.values())
        for running in under_way:
            running.is_stopping = True
            running.stop.ask()
        return under_way

    def close(self) -> None:
        """Ask all jobs to stop, and wait for them: what was sent is paid for, and its answers are about to come."""
        for running in self.stop_all():
            if running.thread is not None:
                running.thread.join()

    def _work(self, upload: Upload, fingerprint: str, running: _Running) -> None:
        STOP_REQUEST.set(running.stop)
        try:
            outcome = self._outcome(upload, fingerprint, running)
            said = [upload.named(words, self.uploads.file_of(upload)) for words in outcome.messages]
            self.uploads.end(upload, replace(outcome, messages=said))
        except SheetError as error:  # the folder cannot be written: what the page cannot show is in the log
            _log.error("%s: %s", upload.source, error)
        finally:
            del self._running[upload.id]

    def _outcome(self, upload: Upload, fingerprint: str, running: _Running) -> Outcome:
        try:
            self.uploads.end(upload, None)
            return ended(self._run(upload, fingerprint, running))
        except (SmmPlusError, SheetError) as error:
            return Outcome(now(), int(ExitStatus.UNFINISHED), (str(error),))

    def _run(self, upload: Upload, fingerprint: str, running: _Running) -> RunResult:
        path, panel = self.uploads.file_of(upload), self.panel(upload.account)
        with self.journal(upload.account) as journal:
            if running.job is Job.FOLLOW:
                return runner.status(upload.options(path, rate=self._rate), panel, journal, running)
            options = upload.options(path, rate=self._rate, expect_fingerprint=fingerprint)
            return runner.run(options, panel, journal, running)


def ended(result: RunResult) -> Outcome:
    """Return how a run ended, for the page. Order IDs that the journal could not take are in the log, too."""
    unrecorded = [describe_unrecorded(result, row) for row in result.unrecorded]
    for each in unrecorded:
        _log.error(each)
    endings = [result.blocked, result.reason, result.unfollowed, result.unwritten]
    words = [*result.alarms, *unrecorded, *endings, *result.held.values()]
    said = dict.fromkeys(text[:1].upper() + text[1:] for text in words if text)
    return Outcome(now(), int(result.exit_status), tuple(said))
