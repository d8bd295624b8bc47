"""What goes wrong becomes one sentence and an exit status; no traceback for anything foreseeable."""

import functools
import io
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import NoReturn, ParamSpec, TypeVar
from urllib.parse import urlsplit

import typer

from bulk.cli.tables import console
from bulk.files.account_settings import default_account, kept_in, key_source, url_of
from bulk.model.errors import ExitStatus, SheetError
from smmplus import commands
from smmplus.errors import (
    AccountError,
    AddressError,
    CallError,
    ConfigurationError,
    JournalConflictError,
    JournalError,
    JournalInUseError,
    NeverSentError,
    OrderError,
    OrderInDoubtError,
    OrderRefusedError,
    SmmPlusError,
)
from smmplus.texts import _

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")

_STATUSES: tuple[tuple[type[Exception], ExitStatus], ...] = (
    (ConfigurationError, ExitStatus.USAGE),
    (SheetError, ExitStatus.PROBLEMS),
    (AccountError, ExitStatus.ACCOUNT),
    (AddressError, ExitStatus.USAGE),
    (CallError, ExitStatus.UNFINISHED),
    (OrderRefusedError, ExitStatus.PROBLEMS),
    (OrderInDoubtError, ExitStatus.IN_DOUBT),
    (OrderError, ExitStatus.UNFINISHED),
    (JournalInUseError, ExitStatus.IN_USE),
    (JournalConflictError, ExitStatus.PROBLEMS),
    (JournalError, ExitStatus.UNFINISHED),
)
"""The first that fits counts: subclasses come before their bases."""


def status_of(error: Exception) -> ExitStatus:
    """Return the exit status for an error."""
    return next(status for kind, status in _STATUSES if isinstance(error, kind))


def failing(command: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
    """Let a command end with one sentence and its exit status where it fails foreseeably."""

    @functools.wraps(command)
    def run(*arguments: Arguments.args, **options: Arguments.kwargs) -> Result:
        as_json = bool(options.get("as_json") or options.get("as_lines"))
        try:
            return command(*arguments, **options)
        except OSError as error:
            # Files are translated where they are used: what comes so far is the terminal, or the file in its place.
            reason = error.strerror or _("closed")
            text = _("Cannot write the output or read the input: {reason}", reason=reason)
            _tell(text, ExitStatus.UNFINISHED, as_json=as_json)
        except (SmmPlusError, SheetError) as error:
            _tell(str(error), status_of(error), as_json=as_json, hint=_hint(error, options))
        except KeyboardInterrupt:
            text = _("Interrupted. The journal has every order that was sent. Run the same command to continue.")
            _tell(text, ExitStatus.UNFINISHED, as_json=as_json)

    return run


def _hint(error: Exception, options: Mapping[str, object]) -> str:
    """Return the hint of an error: its notes; of a key that a panel refused, where it comes from."""
    if notes := getattr(error, "__notes__", None):
        return "\n".join(notes)
    if not isinstance(error, AccountError | NeverSentError):
        return ""
    account = str(options.get("account") or default_account(os.environ))
    if isinstance(error, NeverSentError):
        host = urlsplit(url_of(account, os.environ)).netloc.rpartition("@")[2]
        return _("Check your internet connection, and that {host} is the panel's address.", host=host)
    source = key_source(account, os.environ)
    hint = key_hint(account, url_of(account, os.environ), source or _("your input"))
    if source == "" or source != kept_in(account):
        return hint
    return hint + " " + _("To replace it: {command}", command=commands.command("login", account=account))


def key_hint(account: str, url: str, source: str) -> str:
    """Return where the key that a panel refused comes from, and where the right one is."""
    return _(
        "{host} answered this to account {account!r}, whose API key comes from {source}. You find the key on the "
        "panel's website, on its API page.",
        host=urlsplit(url).hostname,  # no more of the address: its path may hold the key
        account=account,
        source=source,
    )


@contextmanager
def without_output() -> Iterator[None]:
    """Go on if the output is closed: the exit status still says how the command ended."""
    try:
        yield
        sys.stdout.flush()
    except OSError:
        # What is left in the stream's buffer would fail once more, and loudly, as the program ends.
        sys.stdout = io.StringIO()


def _tell(text: str, status: ExitStatus, *, as_json: bool, hint: str = "") -> NoReturn:
    with without_output():
        if as_json:
            from bulk.cli.json_output import error_object, print_json  # noqa: PLC0415 (takes half a second)

            print_json(error_object(text, status, hint))
        else:
            console(stderr=True).print(_("Error: {message}", message=text), style="red", markup=False, soft_wrap=True)
            if hint:
                console(stderr=True).print(hint, markup=False, soft_wrap=True)
    raise typer.Exit(int(status))
