"""`smmplus login`, `logout` and `account`: the accounts, their keys and settings, and whether two are one; `budget`."""

import getpass
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

import typer
from rich.text import Text
from sqlalchemy import Connection

from bulk.cli import options as given
from bulk.cli.error_handling import failing, key_hint
from bulk.cli.json_output import balance_object, budget_object, print_json
from bulk.cli.tables import WARNING, console, show_budgets, show_warnings, table
from bulk.files import account_settings
from bulk.files.account_settings import account_named, default_account, kept_in, key_source, known_accounts, url_of
from smmplus.api.client import Client
from smmplus.api.panel import Panel, check_url
from smmplus.commands import command
from smmplus.errors import AccountError, ConfigurationError, JournalConflictError
from smmplus.journal import accounts, budgets
from smmplus.journal.accounts import Account
from smmplus.journal.journal import Journal
from smmplus.journal.normal_forms import normal_url
from smmplus.journal.queries import declare_open
from smmplus.orders.decimals import money
from smmplus.texts import _

Url = Annotated[str | None, typer.Option("--url", help="Panel address of the account.", metavar="URL")]
Default = Annotated[bool, typer.Option("--default", help="Make it the account of commands without --account.")]


@failing
def login(
    account: given.Account = given.DEFAULT,
    url: Url = None,
    default: Default = False,
    as_json: given.AsJson = False,
) -> None:
    """Check and keep the API key of an account.

    The key is asked for and not shown, or read from standard input: smmplus login < key.txt. It is kept in the
    platform's keychain; where there is none, in a file that only you can read. A key that the panel refuses is not
    kept.
    """
    address = _address(url) or url_of(account, os.environ)
    panel = Panel(_typed_key(account), address)
    try:
        with Client(panel, patience=given.PATIENCE) as client:
            balance = client.balance()
    except AccountError as error:
        error.add_note(f"{key_hint(account, address, _('your input'))} {_('It was not kept.')}")
        raise
    account_settings.keep(account, url=address, default=default)
    account_settings.keep_key(account, panel.key)
    if as_json:
        kept = {"account": account, "url": address, "kept_in": kept_in(account)}
        print_json(kept | balance_object(balance))
        return
    out = console()
    amount = money(balance.amount, balance.currency)
    where = _("The API key of account {account!r} is kept in {place}.", account=account, place=kept_in(account))
    out.print(_("Balance: {balance}", balance=amount), markup=False, soft_wrap=True)
    out.print(where, markup=False, soft_wrap=True)
    show_warnings(console(stderr=True), _overruled(account, default=default))
    if account != default_account(os.environ):
        used = command("account", account, default=True)
        words = _("To use this account without --account:\n  {command}", command=used)
        out.print(words, markup=False, soft_wrap=True)
    words = _(
        "Next, see what the panel offers, and create a sheet:\n  {services}\n  {template}",
        services=command("services", account=account),
        template=command("template", "orders.xlsx", account=account),
    )
    out.print(words, markup=False, soft_wrap=True)


def _address(url: str | None) -> str | None:
    if url is not None:
        check_url(url)
    return url and url.rstrip("/")


def _typed_key(account: str) -> str:
    """Ask for a key, or read the first line of what is piped into the command."""
    try:
        if sys.stdin.isatty():
            return getpass.getpass(_("API key of account {account!r} (it is not shown): ", account=account)).strip()
        return sys.stdin.readline().removeprefix("\ufeff").strip()
    except EOFError:
        return ""
    except UnicodeDecodeError:
        raise ConfigurationError(_("standard input is not text: its first line must be the API key")) from None


def _overruled(account: str, *, default: bool = False) -> Iterator[str]:
    """Yield which settings of the environment are used instead of what is kept of an account."""
    if default and account != default_account(os.environ):
        source = key_source("default", os.environ)
        yield _(
            "commands without --account use the account 'default' as long as its API key comes from {source}",
            source=source,
        )
    if (kept := kept_in(account)) and (source := key_source(account, os.environ)) != kept:
        yield _(
            "the API key of account {account!r} comes from {source}, and not from {kept}",
            account=account,
            source=source,
            kept=kept,
        )
    address = account_settings.read_settings().accounts[account].url
    if address and (used := url_of(account, os.environ)) != address:
        yield _(
            "the panel address of account {account!r} is {used}, as the environment sets it, and not {address}",
            account=account,
            used=used,
            address=address,
        )


@failing
def logout(account: given.Account = given.DEFAULT, as_json: given.AsJson = False) -> None:
    """Remove the kept API key of an account.

    Its orders and its panel address stay.
    """
    where = kept_in(account)
    account_settings.forget_key(account)
    if as_json:
        print_json({"account": account, "removed_from": where})
        return
    words = _("Removed the API key of account {account!r} from {place}.", account=account, place=where)
    console().print(words, markup=False, soft_wrap=True)
    if source := key_source(account, os.environ):
        words = _("account {account!r} still has its API key from {source}", account=account, source=source)
        show_warnings(console(stderr=True), [words])


@failing
def account(
    name: Annotated[str | None, typer.Argument(help="An account's name or number.", show_default=False)] = None,
    default: Default = False,
    url: Url = None,
    rename: Annotated[
        str | None, typer.Option("--rename", help="Rename the account NAME to NEW.", metavar="NEW")
    ] = None,
    same_as: Annotated[
        str | None,
        typer.Option("--same-as", help="Merge NAME into this account: its orders move there.", metavar="OTHER"),
    ] = None,
    separate: Annotated[
        bool,
        typer.Option("--separate", help="Keep NAME apart, although another account has its API key."),
    ] = False,
    not_final: Annotated[
        str | None,
        typer.Option("--not-final", help="Take back --final: orders with this status are open.", metavar="STATUS"),
    ] = None,
    as_json: given.AsJson = False,
) -> None:
    """Show accounts, and change their settings.

    Two names that were used with one API key are either one account, or two: --same-as or --separate.
    """
    changes = {"default": default, "url": url, "rename": rename, "same_as": same_as, "separate": separate}
    changes["not_final"] = not_final
    _must_agree(name, [f"--{each.replace('_', '-')}" for each, value in changes.items() if value not in {None, False}])
    address, new, setting = _address(url), account_named(rename or ""), ""
    with given.open_journal() as journal, journal.transaction() as connection:
        if name is not None and separate:
            accounts.separate(connection, accounts.named(connection, name))
        if name is not None and not_final is not None:
            _declare_open(connection, accounts.named(connection, name), not_final)
        if name is not None and same_as is not None:
            this, other = accounts.named(connection, name), accounts.named(connection, same_as)
            accounts.merge(connection, this, other, journal.is_run_alive)
        if name is not None and (default or address or rename is not None):
            named = {account_named(each.name) for each in _matching(_listed(accounts.all_of(connection)), name)}
            setting = account_named(name) if len(named) > 1 else named.pop()
            if rename is not None:
                accounts.rename(connection, url_of(setting, os.environ), setting, new)
                account_settings.rename(setting, new, os.environ)
            else:
                account_settings.keep(setting, url=address, default=default)
            name = new or name
        known = accounts.all_of(connection)
    listed = _listed(known)
    shown = listed if name is None else _matching(listed, name)
    if as_json:
        print_json({"accounts": [account_object(each) for each in shown]})
        return
    _show(shown, {each.id: each.name for each in known})
    if setting and not new:
        show_warnings(console(stderr=True), _overruled(setting, default=default))


def _declare_open(connection: Connection, account: Account, status: str) -> None:
    if not declare_open(connection, account.id, status):
        raise JournalConflictError(
            _(
                "orders of account {account!r} with the status {status!r} do not count as finished by --final",
                account=account.name,
                status=status,
            )
        )


def _must_agree(name: str | None, used: list[str]) -> None:
    if len(used) > 1 and used != ["--default", "--url"]:
        raise ConfigurationError(
            _("{one} and {other} cannot be used together", one=", ".join(used[:-1]), other=used[-1])
        )
    if used and name is None:
        change = f"smmplus account NAME {used[0]}"
        raise ConfigurationError(_("{option} needs an account: {command}", option=used[0], command=change))


@dataclass(frozen=True, slots=True)
class Listed:
    """An account as it is listed."""

    name: str
    url: str
    key_from: str
    """Where its API key comes from; "" if it has none."""
    default: bool
    in_journal: Account | None
    """None if it has not been used yet."""


def _listed(known: list[Account]) -> list[Listed]:
    """Return the accounts of the journal, and those that have only settings yet.

    An account of the journal has the settings of its name if these have its panel address, too.
    """
    default, found = default_account(os.environ), []
    for each in known:
        name = account_named(each.name)
        own = normal_url(url_of(name, os.environ)) == each.url
        found.append(
            Listed(each.name, each.url, key_source(name, os.environ) if own else "", own and name == default, each)
        )
    used = {(account_named(each.name), each.url) for each in known}
    for name in known_accounts(os.environ):
        url = url_of(name, os.environ)
        if (name, normal_url(url)) not in used:
            found.append(Listed(name, url, key_source(name, os.environ), name == default, None))
    return found


def _matching(listed: list[Listed], name: str) -> list[Listed]:
    by_name = [each for each in listed if account_named(each.name) == account_named(name)]
    by_number = [each for each in listed if each.in_journal and str(each.in_journal.id) == name.strip()]
    if not (by_name or by_number):
        added = command("login", account=account_named(name))
        raise JournalConflictError(
            _(
                "there is no account {account!r}. To list all accounts: smmplus account. To add it: {command}",
                account=name,
                command=added,
            )
        )
    return by_name or by_number


def account_object(listed: Listed) -> dict[str, object]:
    """Describe an account."""
    known = listed.in_journal
    return {
        "number": known and known.id,
        "account": listed.name,
        "url": listed.url,
        "key_from": listed.key_from or None,
        "default": listed.default,
        "campaigns": known.campaigns if known else 0,
        "orders": known.orders if known else 0,
        "same_as": known.same_as if known and known.same_as != known.id else None,
        "separate": bool(known and known.same_as == known.id),
    }


def _show(listed: list[Listed], names: dict[int, str]) -> None:
    if not listed:
        console().print(_("No accounts yet. To add one: smmplus login"))
        return
    numbers, texts = (_("number"), _("campaigns"), _("orders")), (_("panel"), _("key"), _("is"))
    shown = table(numbers[0], _("account"), *texts[:2], *numbers[1:], texts[2], right=numbers, wrap=texts)
    for each in listed:
        known = each.in_journal
        counts = (str(known.campaigns), str(known.orders)) if known else ("0", "0")
        number, is_ = (str(known.id), _is(known, names)) if known else ("", "")
        about = ", ".join(filter(None, [_("the default") if each.default else "", is_]))
        shown.add_row(number, *map(Text, (each.name, each.url, each.key_from)), *counts, Text(about))
    console().print(shown)


def _is(account: Account, names: dict[int, str]) -> str:
    if account.same_as is None:
        return ""
    return _("its own") if account.same_as == account.id else f"{names[account.same_as]} ({account.same_as})"


@failing
def budget(
    campaign: Annotated[
        str | None, typer.Argument(help="Campaign. By default, a sheet's campaign is its file name without the ending.")
    ] = None,
    amount: Annotated[
        str | None, typer.Option("--set", help="Set what the campaign may spend, over all its runs.", metavar="AMOUNT")
    ] = None,
    remove: Annotated[bool, typer.Option("--remove", help="Remove the campaign's budget.")] = False,
    account: given.Account = given.DEFAULT,
    as_json: given.AsJson = False,
) -> None:
    """Show, set or remove campaign budgets.

    A budget can be changed while orders are placed.
    """
    if amount is not None and remove:
        raise ConfigurationError(_("{one} and {other} cannot be used together", one="--set", other="--remove"))
    if campaign is None and (amount is not None or remove):
        change = command("budget", "CAMPAIGN", account=account, set=amount, remove=remove)
        option = "--remove" if remove else "--set"
        raise ConfigurationError(_("{option} needs a campaign: {command}", option=option, command=change))
    limit = given.money(amount, "--set")
    with given.open_journal() as journal:
        journal.recover_crashed_runs()
        campaign_id = None if campaign is None else _campaign(journal, account, campaign, make=limit is not None)
        if campaign_id is not None and (limit is not None or remove):
            budgets.set_budget(journal, campaign_id, limit)
        found = [each for each in budgets.all_budgets(journal) if campaign_id in {None, each.campaign_id}]
    if campaign is None:  # a campaign that was only checked has neither orders nor a budget
        found = [each for each in found if each.spent or each.in_doubt or each.amount is not None]
    if as_json:
        print_json({"budgets": [budget_object(each) for each in found]})
        return
    show_budgets(console(), found)
    if limit is not None and not found[0].spent:
        words = _("No order of campaign {campaign!r} is placed yet. Its first run uses this budget.", campaign=campaign)
        console().print(Text(words, WARNING))


def _campaign(journal: Journal, account: str, name: str, *, make: bool) -> int:
    """Find a campaign; a budget may be set before its first run."""
    account_id = journal.ensure_account(url_of(account, os.environ), account)
    found = budgets.find_campaign(journal, account_id, name)
    if found is not None:
        return found
    if not make:
        raise JournalConflictError(
            _(
                "there is no campaign {campaign!r} of account {account!r} yet. To list all: {command}",
                campaign=name,
                account=account,
                command=command("budget"),
            )
        )
    return journal.ensure_campaign(account_id, name)
