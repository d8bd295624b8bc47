"""What commands say to people: tables and sentences. Whatever came from a file or a panel is shown as it is."""

import sys
from collections.abc import Iterable, Sequence
from decimal import Decimal

from rich import box
from rich.console import Console, JustifyMethod
from rich.table import Table
from rich.text import Text

from bulk.model.sheet import Problem, Sheet
from bulk.planning.plan import Plan, ServiceCost, column_notes
from bulk.running.advice import again, describe_rows, next_steps, refused_steps
from bulk.running.result import RunResult, charges_of, entry_cells
from smmplus.commands import Value, command
from smmplus.journal.budgets import Budget
from smmplus.journal.entry import Entry
from smmplus.journal.state_machine import State
from smmplus.orders.decimals import plain
from smmplus.texts import counted

WARNING = "dark_orange3"
"""The style of warnings: yellow cannot be read on white."""

MOST_PROBLEMS = 50
"""Lines of problems on a screen; `--json` has them all."""

FIRST_STATUSES = "in 5 minutes or later"
"""When statuses are worth asking for: panels begin with an order after some minutes."""

MOST_SECOND_THOUGHTS = 20
"""Lines of what may well be meant."""


def money(amount: Decimal, currency: str) -> str:
    """Write an amount with its currency; at least two decimal places."""
    text = plain(amount)
    _, _, fraction = text.partition(".")
    return f"{text if len(fraction) >= 2 else format(amount, '.2f')} {currency}".strip()


def console(*, stderr: bool = False, quiet: bool = False) -> Console:
    """Give a console; where the output goes to a file or a program, lines are not cut to a terminal's width."""
    stream = sys.stderr if stderr else sys.stdout
    return Console(stderr=stderr, quiet=quiet, highlight=False, width=None if stream.isatty() else 140)


def table(*columns: str, right: Iterable[str] = (), wrap: Iterable[str] = ()) -> Table:
    """Make an empty table; the columns in `right` are flush right, those in `wrap` give way where space is short."""
    made = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    flush, wrapped = set(right), set(wrap)
    for column in columns:
        justify: JustifyMethod = "right" if column in flush else "left"
        made.add_column(column, justify=justify, overflow="fold", no_wrap=column not in wrapped)
    return made


def show_plan(console: Console, plan: Plan) -> None:
    """Show what a run would do."""
    sheet, already = plan.sheet, plan.matching.entries
    where = f" (sheet {sheet.name!r})" if sheet.name else ""
    console.print(
        Text(f"{sheet.path.name}{where}: {counted(len(sheet.rows), 'row')}, campaign {plan.campaign.name!r}", "bold")
    )
    if sheet.ignored:
        console.print(Text(f"Ignored columns: {', '.join(sheet.ignored)}", "dim"))
    for words in column_notes(plan):
        console.print(Text(words, WARNING))
    if already:
        console.print(Text(f"Already in the journal: {_states(already.values())}"))
    if elsewhere := {entry.campaign for entry in already.values()} - {plan.campaign.name}:
        names = ", ".join(repr(name) for name in sorted(elsewhere))
        words = (
            f"Some of them are orders of another campaign ({names}). To place them again, clear their order_id and run:"
        )
        _say(console, words, WARNING)
        _say(console, f"  {again('run', plan.options, campaign=plan.campaign.name)}", WARNING)
    if plan.problems:
        show_problems(console, plan.problems)
    _show_costs(console, plan)
    _show_second_thoughts(console, plan.warnings)
    show_warnings(console, [plan.repeats] if plan.repeats else [])
    signs = plan.journal_warnings
    for words in signs.warnings:
        _say(console, words, "dim" if words == signs.first_run else WARNING)


def show_fingerprint(console: Console, plan: Plan) -> None:
    """Show what a check can be approved by, and the command that is held to it."""
    _say(console, f"fingerprint: {plan.fingerprint}. To place exactly this, or nothing:")
    _say(console, f"  {again('run', plan.options, expect_fingerprint=plan.fingerprint)}")


def show_warnings(console: Console, warnings: Iterable[str]) -> None:
    """Show what a person should think of before money is spent."""
    for words in warnings:
        console.print(Text(words, WARNING))


def _show_second_thoughts(console: Console, found: Sequence[Problem]) -> None:
    """Show what a person should think of twice, and no more of it than is read."""
    if not found:
        return
    console.print(
        Text(f"Warnings ({counted(len({each.row for each in found}), 'row')}), which do not stop a run:", WARNING)
    )
    for each in found[:MOST_SECOND_THOUGHTS]:
        console.print(Text(f"  {each.where} ({each.value[:80]}): {each.message}", WARNING), soft_wrap=True)
    if len(found) > MOST_SECOND_THOUGHTS:
        console.print(f"… and {len(found) - MOST_SECOND_THOUGHTS} more (--json shows all)")
    for remedy in dict.fromkeys(each.remedy for each in found[:MOST_SECOND_THOUGHTS]):
        console.print(Text(f"  {remedy}", WARNING))


def show_problems(console: Console, problems: tuple[Problem, ...]) -> None:
    """Show what is wrong, where, and how to fix it."""
    console.print(Text(f"{counted(len(problems), 'problem')}:", "bold red"))
    for problem in problems[:MOST_PROBLEMS]:
        value = f" ({problem.value[:80]})" if problem.value else ""
        _say(console, f"  {problem.where}{value}: {problem.message}")
        _say(console, f"    {problem.remedy}", "dim")
    if len(problems) > MOST_PROBLEMS:
        console.print(f"… and {len(problems) - MOST_PROBLEMS} more (--json shows all)")


def cost_of(plan: Plan) -> str:
    """Say what the rows to be sent cost."""
    at_most = "at most " if plan.upper_bounds else ""
    return f"{at_most}{money(plan.total, plan.prices.balance.currency)}"


def _show_costs(console: Console, plan: Plan) -> None:
    if not plan.to_send:
        console.print("Nothing to send.")
        return
    _show_services(console, plan.by_service)
    balance = plan.prices.balance
    of_all = f" of {len(plan.to_send) + len(plan.deferred)}" if plan.deferred else ""
    words = f"{'the first ' if plan.deferred else ''}{counted(len(plan.to_send), 'row')}{of_all}"
    console.print(Text(f"to send: {words} for {cost_of(plan)}", "bold"))
    if plan.unbounded:
        console.print(Text(f"{plan.unbounded} of them have no maximum cost and are not included", WARNING))
    console.print(Text(f"balance: {money(balance.amount, balance.currency)}"))
    if plan.short_by:
        console.print(Text(f"The balance is short by {money(plan.short_by, balance.currency)}.", "red"))
    if plan.max_spend is not None:
        budget = f"{money(plan.campaign.spent, '')} of {money(plan.max_spend, balance.currency)}"
        console.print(Text(f"campaign budget: {budget} already spent"))
    if plan.over_budget:
        over = money(plan.over_budget, balance.currency)
        _say(console, f"Over budget by {over}. A run stops before it is passed. To raise it:", "red")
        raised = command("budget", plan.campaign.name, account=plan.options.account, set="AMOUNT")
        _say(console, f"  {raised}", "red")


def _show_services(console: Console, costs: Sequence[ServiceCost]) -> None:
    amounts = ("rows", "units", "price/1000", "cost")
    shown = table("service", "name", *amounts, right=amounts, wrap=("name",))
    prices = align_decimals([item.service.rate for item in costs])
    for item, price, cost in zip(costs, prices, align_decimals([item.cost for item in costs]), strict=True):
        texts = (item.service.id, item.service.name, str(item.rows), str(item.units), price, cost)
        shown.add_row(*map(Text, texts))
    console.print(shown)


def align_decimals(amounts: Sequence[Decimal | None]) -> list[str]:
    """Write amounts with as many decimal places each as the longest has, and at least two; "" for none."""
    places = max([2, *(len(plain(amount).partition(".")[2]) for amount in amounts if amount is not None)])
    return ["" if amount is None else f"{amount:.{places}f}" for amount in amounts]


def show_refused(console: Console, plan: Plan) -> None:
    """Show how rows that were refused before, and would not be sent again, come to be sent."""
    for words in refused_steps(plan.refused.values(), lambda **changed: again("check", plan.options, **changed)):
        _say(console, words, WARNING)


def show_answers(console: Console, plan: Plan, name: str) -> None:
    """Show the commands that answer what stands in the way; `name` is the command that it stood in the way of.

    Equal orders are answered by a run, which shows what it would place and asks. What was approved is not what would be
    placed then: that is checked again, and approved.
    """
    is_run = plan.options.expect_fingerprint is None and (name == "run" or bool(plan.matching.questions))
    for answer in plan.blocker.remedies if plan.blocker else ():
        if is_run:
            _say(console, f"  {again('run', plan.options, **answer)}", WARNING)
        else:
            _say(console, f"  {again('check', plan.options, expect_fingerprint=None, **answer)}", WARNING)


def show_outcome(console: Console, outcome: RunResult, name: str = "run") -> None:
    """Show the result of a command, the rows that were not placed and why, and the next steps."""
    for alarm in outcome.alarms:
        _say(console, f"ALARM: {alarm}", "bold red")
    for row in outcome.unrecorded:
        _say(console, _unrecorded(outcome, row), "bold red")
    if outcome.blocked:
        _say(console, outcome.blocked, "red")
        show_answers(console, outcome.plan, name)
    elif name == "run" and outcome.sent == 0 and not outcome.plan.to_send and not outcome.stop:
        console.print("No new orders were placed.")
    if outcome.entries and not outcome.blocked:
        _say(console, _states(outcome.entries.values()), "bold")
        _show_charges(console, outcome)
    if outcome.stop is not None:
        _say(console, f"Stopped: {outcome.stop.value} ({outcome.reason})", "red")
    if outcome.plan.deferred and outcome.stop is None and not outcome.blocked:
        words = f"Placed the first {len(outcome.plan.to_send)} of {len(outcome.plan.to_send + outcome.plan.deferred)}"
        _say(console, f"{words} rows to send; for the rest: {_rest(outcome.plan)}", WARNING)
    if outcome.unfollowed:
        _say(console, f"Tracking stopped ({outcome.unfollowed}). The orders continue.", WARNING)
    if outcome.unwritten:
        _say(console, f"Results are in the journal but could not be written into the sheet: {outcome.unwritten}", "red")
    _show_next(console, outcome, name)


def _show_charges(console: Console, outcome: RunResult) -> None:
    """Show what the orders cost, and what is left."""
    currency, charges = outcome.plan.prices.balance.currency, charges_of(outcome.entries.values())
    parts = [f"charged: {money(charges.charged, currency)}"] if charges.charged else []
    if charges.refunded:
        parts.append(f"refunded: {money(charges.refunded, currency)}")
    if charges.open:
        parts.append(
            f"not reported yet: {counted(charges.open, 'order')}, {money(charges.expected, currency)} by the price list"
        )
    if outcome.balance is not None:
        parts.append(f"balance: {money(outcome.balance.amount, outcome.balance.currency)}")
    if parts:
        _say(console, "; ".join(parts))


def _say(console: Console, words: str, style: str = "") -> None:
    """Print on a line as long as it comes: a path or a command that is folded cannot be copied."""
    console.print(Text(words, style), soft_wrap=True)


def _unrecorded(outcome: RunResult, row: int) -> str:
    order_id, entry = outcome.unrecorded[row], outcome.entries.get(row)
    words = f"{outcome.plan.sheet.where(row)} is order {order_id}, which could not be recorded in the journal"
    if path := outcome.rescued.get(row):
        return f"{words}: it is saved in {path}. The next run records it when the journal works again"
    key, account = ("KEY", outcome.plan.options.account) if entry is None else (entry.name, entry.account)
    settled = command("resolve", key, account=account, order_id=order_id)
    return f"{words}: write the number down. When the journal works again, run: {settled}"


def _rest(plan: Plan) -> str:
    if plan.options.expect_fingerprint is None:
        return again("run", plan.options, first=None)
    return again("check", plan.options, first=None, expect_fingerprint=None)


def _show_next(console: Console, outcome: RunResult, name: str) -> None:
    if outcome.written is not None and not outcome.written.in_place:
        _say(console, f"The results are in {outcome.written.path}: {outcome.written.reason}", WARNING)
    if outcome.blocked:
        return
    path = outcome.written.path if outcome.written else outcome.plan.sheet.path
    rest = command("journal export", "orders.csv") if outcome.unwritten else f"see the error column of {path}"
    for words in describe_rows(outcome, rest):
        _say(console, words, "red")

    def how_to_repeat(**changed: Value) -> str:
        if changed:
            return again("run", outcome.plan.options, **changed)
        return f"Run the same command to continue. Placed orders are not repeated: {again(name, outcome.plan.options)}"

    for words in next_steps(outcome, how_to_repeat):
        _say(console, words, WARNING)
    _show_when_to_ask(console, outcome)


def _show_when_to_ask(console: Console, outcome: RunResult) -> None:
    is_open = any(entry.state is State.PLACED and not entry.final for entry in outcome.entries.values())
    if is_open and outcome.stop is None:
        _say(console, f"Orders take minutes to days. To update the sheet, {FIRST_STATUSES}:")
        _say(console, f"  {again('status', outcome.plan.options, wait=None, poll=None)}")


def show_budgets(console: Console, budgets: Sequence[Budget]) -> None:
    """Show what campaigns may spend, have spent and may still spend."""
    if not budgets:
        console.print("No campaigns yet.")
        return
    amounts = ("budget", "spent", "in doubt", "remaining")
    shown = table("campaign", "account", *amounts, "currency", right=amounts, wrap=("campaign",))
    for each in budgets:
        known = (each.amount, each.spent, each.in_doubt, each.left)
        texts = ("no limit" if amount is None else money(amount, "") for amount in known)
        shown.add_row(Text(each.campaign), Text(each.account), *texts, Text(each.currency))
    console.print(shown)


def show_sheet(console: Console, sheet: Sheet) -> None:
    """Show a sheet's orders with links and their results; columns that hold nothing are left out."""
    names = [name for name in _SHOWN if name in sheet.columns and (sheet.frame[name] != "").any()]
    heads = {name: sheet.columns[name].header.replace("_", "\n").replace(" ", "\n") for name in names}
    shown = table("row", *heads.values(), right=("row", heads["quantity"]), wrap=(heads["link"],))
    shown.columns[1 + names.index("link")].overflow = "ellipsis"  # a link is one word: cut, not folded
    for row, cells in zip(sheet.frame.index, sheet.frame[names].to_dict("records"), strict=True):
        shown.add_row(str(row), *(Text(cells[name].removeprefix("https://")) for name in names))
    console.print(shown)


_SHOWN = ("link", "quantity", "order_id", "order_status", "charge", "start_count", "remains", "error")
"""What fits a terminal of 80 columns."""


def _states(entries: Iterable[Entry]) -> str:
    words = [entry_cells(entry)["order_status"] for entry in entries]
    return ", ".join(f"{words.count(word)} {word}" for word in dict.fromkeys(words))
