"""The arguments that commands share, and what they are turned into."""

import functools
import inspect
import math
import os
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any, TypeVar, get_type_hints

import typer

from bulk.cli.error_handling import failing
from bulk.files.account_settings import account_named, default_account, panel_of, prompt_for_key
from bulk.model.cell_values import check_locale
from bulk.model.errors import SheetError
from bulk.model.fields import HeaderNames
from bulk.model.options import (
    DEFAULTS,
    OF_COMMANDS,
    OPTIONS,
    Hidden,
    OptionInfo,
    Options,
    seconds_in,
    with_effect,
)
from bulk.planning.approval import parse_fingerprint
from bulk.reading.saved_headers import parse_headers
from smmplus.api.client import Client
from smmplus.api.panel import Panel
from smmplus.errors import ConfigurationError
from smmplus.journal.journal import Journal
from smmplus.texts import _, marked

File = Annotated[
    Path,
    typer.Argument(
        help="The sheet: .csv, .xlsx, or mass-order text (.txt).", metavar="FILE", exists=True, dir_okay=False
    ),
]
Files = Annotated[
    list[Path],
    typer.Argument(
        help="One or more sheets: .csv, .xlsx, or mass-order text (.txt); - for standard input.",
        metavar="FILE...",  # whether it exists is asked below: with a list, typer takes no dash
    ),
]
OptionalFile = Annotated[
    Path | None,
    typer.Argument(
        help="The sheet. Without one: --order-id, --campaign or --all.", metavar="FILE", exists=True, dir_okay=False
    ),
]
Folder = Annotated[
    Path,
    typer.Argument(help="The folder that sheets are dropped into.", metavar="FOLDER", exists=True, file_okay=False),
]
_FILES: dict[str, object] = {"check": Files, "status": OptionalFile, "watch": Folder}
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.", rich_help_panel="Output")]
AsLines = Annotated[
    bool, typer.Option("--json-lines", help="Print every event as a JSON object on a line.", rich_help_panel="Output")
]
Mark = Annotated[
    bool,
    typer.Option(
        "--mark",
        help="Also write NAME.problems.xlsx, a copy of the sheet with its problems marked and explained.",
        rich_help_panel="Output",
    ),
]


Result = TypeVar("Result")


def takes_options_of(name: str) -> Callable[[Callable[..., Result]], Callable[..., Result]]:
    """Let a command take a file and the options of its name, and have it called with what they come to.

    One that takes a folder is called with it, and with a function that returns the options of a file in it.
    """
    parameters = [made for option in OF_COMMANDS[name] for made in _parameters(option)]

    def taking(command: Callable[..., Result]) -> Callable[..., Result]:
        @functools.wraps(command)
        def run(*, file: Path | list[Path] | None, **given: Any) -> Result:
            asked = {each.name: given.pop(each.name) for each in parameters}
            if name == "watch":
                read = _read(asked)
                return command(file, lambda path: Options(path, **with_effect(path, read)), **given)
            if file is None:
                return command(None, **_without_sheet(parameters, asked), **given)
            if isinstance(file, Path) or len(file) == 1:
                with _at_hand(file if isinstance(file, Path) else file[0]) as path:
                    return command(_options(path, asked), **given)
            statuses = [_status_of(command, each, dict(asked), given) for each in file]
            raise typer.Exit(next(filter(None, statuses), 0))

        shared = {each.name for each in parameters}
        others = list(inspect.signature(command, eval_str=True).parameters.values())[1:]
        own = [each for each in others if each.name not in shared and each.kind is each.KEYWORD_ONLY]
        kind, default = _FILES.get(name, File), None if name == "status" else inspect.Parameter.empty
        file = inspect.Parameter("file", inspect.Parameter.KEYWORD_ONLY, annotation=kind, default=default)
        run.__signature__ = inspect.Signature([file, *parameters, *own])  # type: ignore[attr-defined]
        return run

    return taking


_WITHOUT_SHEET = ("account", "campaign", "final")


def _without_sheet(parameters: list[inspect.Parameter], asked: dict[str, Any]) -> dict[str, Any]:
    """Return the options of a command without a sheet. Refuse those that only mean something for a sheet."""
    for each in parameters:
        if each.name not in _WITHOUT_SHEET and asked[each.name] != each.default:
            option = f"--{each.name.replace('_', '-')}"
            raise ConfigurationError(_("{option} has no effect without a sheet: leave it out", option=option))
    return {name: asked[name] for name in _WITHOUT_SHEET}


_STANDARD_INPUT = "standard-input"


@contextmanager
def _at_hand(file: Path) -> Iterator[Path]:
    """Keep standard input as a file while it is read; any other file is there."""
    if str(file) != "-":
        if not file.is_file():
            raise ConfigurationError(_("there is no file {path}", path=file))
        yield file
        return
    content = sys.stdin.buffer.read()
    with TemporaryDirectory(prefix="smmplus-") as folder:
        path = Path(folder, f"{_STANDARD_INPUT}{'.xlsx' if content.startswith(b'PK') else '.csv'}")
        path.write_bytes(content)
        yield path


def is_standard_input(path: Path) -> bool:
    """Return whether a file is what standard input is kept in."""
    return path.stem == _STANDARD_INPUT and path.parent.name.startswith("smmplus-")


def _status_of(command: Callable[..., object], file: Path, asked: dict[str, Any], given: dict[str, Any]) -> int:
    """Run a command on one of several files, and return its exit status."""

    def run(*, account: str, **given: Any) -> None:  # noqa: ARG001 (`failing` names it)
        with _at_hand(file) as path:
            command(_options(path, asked), **given)

    try:
        failing(run)(account=asked["account"], **given)
    except typer.Exit as end:
        return end.exit_code
    return 0


def _options(file: Path, asked: dict[str, Any]) -> Options:
    return Options(file, **_read(asked))


def _read(asked: dict[str, Any]) -> dict[str, Any]:
    """Read what a person typed."""
    for name in ("max_spend", "expect_total"):
        if name in asked:
            asked[name] = money(asked[name], f"--{name.replace('_', '-')}")
    if "wait" in asked:
        asked["wait"] = duration(asked["wait"], "--wait")
    if asked.get("expect_fingerprint") is not None:
        asked["expect_fingerprint"] = parse_fingerprint(asked["expect_fingerprint"])
    if "final" in asked:
        asked["final"] = tuple(asked["final"] or ())
    asked["hidden"] = hidden(include=asked.pop("include_hidden"), visible_only=asked.pop("visible_only"))
    asked["headers"] = headers(asked["headers"], remember=asked.get("remember_map", False))
    return asked


def _known_locale(locale: str | None) -> str | None:
    try:
        if locale is not None:
            check_locale(locale)
    except SheetError as error:
        raise typer.BadParameter(str(error)) from error
    return locale


def _account(name: str) -> str:
    try:
        return account_named(name) if name else default_account(os.environ)
    except ConfigurationError as error:
        raise typer.BadParameter(str(error)) from error


def finite(value: float | None) -> float | None:
    """Refuse nan and inf, which pass every comparison or none."""
    if value is not None and not math.isfinite(value):
        raise typer.BadParameter(_("{value} is not a valid number", value=value))
    return value


_HIDDEN = {
    "include_hidden": marked("Include hidden and filtered rows, and hidden columns."),
    "visible_only": marked("Skip hidden and filtered rows."),
}
_DECLARED = {"headers": ("--map",), "colours": ("--colours/--no-colours", "--colors/--no-colors")}
_CHECKED: dict[str, Callable[[Any], object]] = {"account": _account, "locale": _known_locale}


def _parameters(option: str) -> list[inspect.Parameter]:
    """Make the parameters that typer reads an option from."""
    about = OPTIONS[option]
    if option == "hidden":
        return [_parameter(name, bool, False, replace(about, help=words)) for name, words in _HIDDEN.items()]
    if option == "headers":
        return [_parameter(option, list[str] | None, None, about)]
    if option == "final":
        return [_parameter(option, list[str] | None, None, about)]
    if option == "wait":
        return [_parameter(option, str, "0", about)]
    kind, default = get_type_hints(Options)[option], DEFAULT if option == "account" else DEFAULTS[option]
    return [_parameter(option, str | None if kind == Decimal | None else kind, default, about)]


def _parameter(name: str, kind: object, default: object, about: OptionInfo) -> inspect.Parameter:
    annotation = Annotated[kind, _option(name, about, counts=kind in {float, float | None})]  # type: ignore[valid-type]
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)


def _option(name: str, about: OptionInfo, *, counts: bool = False) -> Any:  # noqa: ANN401 (typer's, of any type)
    return typer.Option(
        *_DECLARED.get(name, (f"--{name.replace('_', '-')}",)),
        help=about.help,
        rich_help_panel=about.group,
        metavar=about.metavar,
        min=about.least,
        max=about.most,
        callback=_CHECKED.get(name, finite if counts else None),
        show_default="see smmplus account" if name == "account" else True,
    )


Account = Annotated[str, _option("account", OPTIONS["account"])]
Encoding = Annotated[str | None, _option("encoding", OPTIONS["encoding"])]
Sheet = Annotated[str | None, _option("sheet", OPTIONS["sheet"])]
Locale = Annotated[str | None, _option("locale", OPTIONS["locale"])]
Map = Annotated[list[str] | None, _option("headers", OPTIONS["headers"])]
UseHyperlinks = Annotated[bool, _option("use_hyperlinks", OPTIONS["use_hyperlinks"])]
Rate = Annotated[float, _option("rate", OPTIONS["rate"], counts=True)]


DEFAULT = ""
"""No account is named: commands use the default account."""

PATIENCE = 5.0
"""Seconds of pauses before a command that only asks a question gives up."""


def headers(said: list[str] | None, *, remember: bool = False) -> HeaderNames:
    """Read what a person says that headers stand for."""
    if remember and not said:
        raise ConfigurationError(_("--remember-map needs --map"))
    try:
        return parse_headers(said or ())
    except SheetError as error:
        raise ConfigurationError(str(error)) from error


_AMOUNT = re.compile(r"[0-9]{1,20}(\.[0-9]{1,20})?")
"""Digits and a point: in "1,234" one reads a thousand and the other one and a bit."""


def money(text: str | None, option: str = "--max-spend") -> Decimal | None:
    """Read an amount of money that a person typed."""
    if text is None:
        return None
    if not _AMOUNT.fullmatch(text.strip()):
        raise ConfigurationError(
            _(
                "{option} {amount!r} is not a valid amount: write an amount such as 120 or 99.50",
                option=option,
                amount=text,
            )
        )
    return Decimal(text.strip())


def duration(text: str, option: str) -> float | None:
    """Read a duration that a person typed, in seconds; None for "final", which is without end."""
    if text.strip() == "final":
        return None
    seconds = seconds_in(text)
    if seconds is None:
        raise ConfigurationError(
            _(
                "{option} {duration!r} is not a valid duration: write 90s, 5m, 6h, 2d or final",
                option=option,
                duration=text,
            )
        )
    return seconds


def hidden(*, include: bool, visible_only: bool) -> Hidden:
    """Read what a person says of hidden rows."""
    if include and visible_only:
        raise ConfigurationError(
            _("{one} and {other} cannot be used together", one="--include-hidden", other="--visible-only")
        )
    return "include" if include else "skip" if visible_only else "refuse"


def panel_for(account: str) -> Panel:
    """Find the panel and the key of an account, in the environment, where they are kept, or by asking."""
    return panel_of(account, os.environ, ask=prompt_for_key())


def open_journal() -> Journal:
    """Open the journal that `SMMPLUS_JOURNAL` names, or the user's own."""
    return Journal(os.environ.get("SMMPLUS_JOURNAL"))


@contextmanager
def client_for(account: str) -> Iterator[Client]:
    """Open a client for a few questions, at whose answers a person waits."""
    with Client(panel_for(account), patience=PATIENCE) as client:
        yield client
