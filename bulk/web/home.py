"""What the page needs of the place where it runs: accounts, the journal, who a visitor is, and who places orders."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from starlette.requests import Request
from starlette.responses import Response

from bulk.web.uploads import Upload, Uploads
from smmplus.api.panel import Panel
from smmplus.journal.journal import Journal


@dataclass(frozen=True, slots=True)
class User:
    """A visitor who may see the page."""

    name: str
    token: str
    """What requests that change something carry in the header `TOKEN_HEADER`. Other sites cannot know it."""
    may_change: bool = True


class Job(StrEnum):
    """What is done with a sheet after it was approved."""

    PLACE = "place"
    FOLLOW = "follow"
    """Ask for statuses, and write them into the sheet."""


@dataclass(frozen=True, slots=True)
class Activity:
    """What is under way with a sheet."""

    job: Job
    notes: Sequence[str] = ()
    is_stopping: bool = False
    link: str = ""
    """Where else it can be seen; "" for nowhere."""


class Home(Protocol):
    """Where the page runs."""

    @property
    def uploads(self) -> Uploads:
        """The uploaded sheets."""

    @property
    def approvals_needed(self) -> int:
        """How many persons approve a sheet before it is placed."""

    def user_of(self, request: Request) -> User | None:
        """Return who a visitor is; None for a stranger."""

    def refuse(self, request: Request) -> Response:
        """Answer a stranger."""

    def accounts(self) -> list[str]:
        """Return the accounts to choose from, the usual one first."""

    def panel(self, account: str) -> Panel:
        """Return the panel of an account, with its key."""

    def name_of(self, account: str) -> str:
        """Return the name that an account to choose has in its journal."""

    def account_of(self, journal: str, url: str, name: str) -> str:
        """Return the account to choose that has a name at a panel's address, in the journal of an account."""

    def rate_of(self, account: str) -> float:
        """Return the API calls per second of a run; 0 for no limit."""

    def journals(self) -> Sequence[str]:
        """Return an account of each journal."""

    def journal(self, account: str) -> Journal:
        """Open the journal of an account."""

    def file_of(self, upload: Upload) -> AbstractContextManager[Path]:
        """Give the file of a sheet on this computer."""

    def start(self, upload: Upload, job: Job, fingerprint: str, by: User) -> None:
        """Begin a job, unless one is under way with the sheet: orders are placed once, whoever asks for it."""

    def activity(self, upload: Upload) -> Activity | None:
        """Return what is under way with a sheet; None for nothing."""

    def stop(self, upload: Upload, by: User) -> None:
        """Ask a job to stop, as the first Ctrl-C does: what was sent is waited for."""
