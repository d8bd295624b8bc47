"""What commands say to people: tables and sentences. Whatever came from a file or a panel is shown as it is."""

import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from decimal import Decimal

from rich import box
from rich.console import Console, JustifyMethod
from rich.table import Table
from rich.text import Text

from bulk.model.sheet import Problem, Sheet
from bulk.planning.plan import Plan, ServiceCost, column_notes
from bulk.running.advice import again, describe_rows, describe_unrecorded, next_steps, refused_steps
from bulk.running.result import RunResult, charges_of, entry_cells
from smmplus.commands import Value, command
from smmplus.journal.budgets import Budget
from smmplus.journal.entry import Entry
from smmplus.journal.state_machine import State
from smmplus.orders.decimals import money, plain
from smmplus.orders.models import Phase, phase
from smmplus.placing.placer import Stop
from smmplus.texts import _, counted, marked

WARNING = "dark_orange3"
"""The style of warnings: yellow cannot be read on white."""

MOST_PROBLEMS = 50
"""Lines of problems on a screen; `--json` has them all."""

MOST_SECOND_THOUGHTS = 20
"""Lines of what may well be meant."""


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
    about = {"file": sheet.path.name, "rows": counted(len(sheet.rows), "row"), "campaign": plan.campaign.name}
    words = _("{file}: {rows}, campaign {campaign!r}", **about)
    if sheet.name:
        words = _("{file} (sheet {sheet!r}): {rows}, campaign {campaign!r}", sheet=sheet.name, **about)
    console.print(Text(words, "bold"))
    if sheet.ignored:
        console.print(Text(_("Ignored columns: {columns}", columns=", ".join(sheet.ignored)), "dim"))
    for words in column_notes(plan):
        console.print(Text(words, WARNING))
    if already:
        console.print(Text(_("Already in the journal: {states}", states=_states(already.values()))))
    if elsewhere := {entry.campaign for entry in already.values()} - {plan.campaign.name}:
        names = ", ".join(repr(name) for name in sorted(elsewhere))
        words = _(
            "Some of them are orders of another campaign ({names}). To place them again, clear their order_id and run:",
            names=names,
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
    _say(console, _("fingerprint: {fingerprint}. To place exactly this, or nothing:", fingerprint=plan.fingerprint))
    _say(console, f"  {again('run', plan.options, expect_fingerprint=plan.fingerprint)}")


def show_warnings(console: Console, warnings: Iterable[str]) -> None:
    """Show what a person should think of before money is spent."""
    for words in warnings:
        console.print(Text(words, WARNING))


def _show_second_thoughts(console: Console, found: Sequence[Problem]) -> None:
    """Show what a person should think of twice, and no more of it than is read."""
    if not found:
        return
    rows = counted(len({each.row for each in found}), "row")
    console.print(Text(_("Warnings ({rows}), which do not stop a run:", rows=rows), WARNING))
    for each in found[:MOST_SECOND_THOUGHTS]:
        console.print(Text(f"  {each.where} ({each.value[:80]}): {each.message}", WARNING), soft_wrap=True)
    if len(found) > MOST_SECOND_THOUGHTS:
        console.print(_("… and {count} more (--json shows all)", count=len(found) - MOST_SECOND_THOUGHTS))
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
        console.print(_("… and {count} more (--json shows all)", count=len(problems) - MOST_PROBLEMS))


def cost_of(plan: Plan) -> str:
    """Say what the rows to be sent cost."""
    cost = money(plan.total, plan.prices.balance.currency)
    return _("at most {cost}", cost=cost) if plan.upper_bounds else cost


def _show_costs(console: Console, plan: Plan) -> None:
    if not plan.to_send:
        console.print(_("Nothing to send."))
        return
    _show_services(console, plan.by_service)
    balance = plan.prices.balance
    about = {"rows": counted(len(plan.to_send), "row"), "cost": cost_of(plan)}
    words = _("to send: {rows} for {cost}", **about)
    if plan.deferred:
        every = len(plan.to_send) + len(plan.deferred)
        words = _("to send: the first {rows} of {every} for {cost}", every=every, **about)
    console.print(Text(words, "bold"))
    if plan.unbounded:
        words = _("{count} of them have no maximum cost and are not included", count=plan.unbounded)
        console.print(Text(words, WARNING))
    console.print(Text(_("balance: {balance}", balance=money(balance.amount, balance.currency))))
    if plan.short_by:
        words = _("The balance is short by {amount}.", amount=money(plan.short_by, balance.currency))
        console.print(Text(words, "red"))
    if plan.max_spend is not None:
        spent, budget = money(plan.campaign.spent, ""), money(plan.max_spend, balance.currency)
        console.print(Text(_("campaign budget: {spent} of {budget} already spent", spent=spent, budget=budget)))
    if plan.over_budget:
        over = money(plan.over_budget, balance.currency)
        _say(console, _("Over budget by {amount}. A run stops before it is passed. To raise it:", amount=over), "red")
        raised = command("budget", plan.campaign.name, account=plan.options.account, set="AMOUNT")
        _say(console, f"  {raised}", "red")


def _show_services(console: Console, costs: Sequence[ServiceCost]) -> None:
    amounts = (_("rows"), _("units"), _("price/1000"), _("cost"))
    shown = table(_("service"), _("name"), *amounts, right=amounts, wrap=(_("name"),))
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
        _say(console, _("ALARM: {alarm}", alarm=alarm), "bold red")
    for row in outcome.unrecorded:
        _say(console, describe_unrecorded(outcome, row), "bold red")
    if outcome.blocked:
        _say(console, outcome.blocked, "red")
        show_answers(console, outcome.plan, name)
    elif name == "run" and outcome.sent == 0 and not outcome.plan.to_send and not outcome.stop:
        console.print(_("No new orders were placed."))
    if outcome.entries and not outcome.blocked:
        _say(console, _states(outcome.entries.values()), "bold")
        _show_charges(console, outcome)
        _show_deliveries(console, outcome.entries.values())
        _show_unknown_statuses(console, outcome)
    if outcome.stop is not None:
        _say(console, _why_stopped(outcome), "red")
    if outcome.plan.deferred and outcome.stop is None and not outcome.blocked:
        words = _(
            "Placed the first {placed} of {every} rows to send; for the rest: {command}",
            placed=len(outcome.plan.to_send),
            every=len(outcome.plan.to_send + outcome.plan.deferred),
            command=_rest(outcome.plan),
        )
        _say(console, words, WARNING)
    if outcome.unfollowed:
        words = _("Tracking stopped ({reason}). The orders continue.", reason=outcome.unfollowed)
        _say(console, words, WARNING)
    if outcome.unwritten:
        words = _(
            "Results are in the journal but could not be written into the sheet: {reason}", reason=outcome.unwritten
        )
        _say(console, words, "red")
    _show_next(console, outcome, name)


def _why_stopped(outcome: RunResult) -> str:
    if outcome.stop is Stop.ASKED:
        return _("Interrupted: {orders} not sent.", orders=counted(outcome.unsent, "order"))
    stop = "" if outcome.stop is None else _(outcome.stop.value)
    return _("Stopped: {stop} ({reason})", stop=stop, reason=outcome.reason)


def _show_deliveries(console: Console, entries: Iterable[Entry]) -> None:
    """Name the finished orders that got less or more than was ordered."""
    uneven = [entry for entry in entries if entry.final and (entry.remains or "").strip("0")]
    less = {entry.order_id: entry.remains for entry in uneven if not (entry.remains or "").startswith("-")}
    more = {entry.order_id: (entry.remains or "")[1:] for entry in uneven if entry.order_id not in less}
    for about, found in (
        (marked("Not delivered in full: {orders}"), less),
        (marked("Delivered more than ordered: {orders}"), more),
    ):
        if found:
            named = [f"{order_id} ({count})" for order_id, count in found.items()][:MOST_SECOND_THOUGHTS]
            rest = ["…"] if len(found) > len(named) else []
            _say(console, _(about, orders=", ".join([*named, *rest])), WARNING)


def _show_unknown_statuses(console: Console, outcome: RunResult) -> None:
    """Name each status once that is not known: its orders count as unfinished, unless a person says otherwise."""
    strange = Counter(
        entry.order_status
        for entry in outcome.entries.values()
        if not entry.final and entry.order_status and phase(entry.order_status) is Phase.UNKNOWN
    )
    for status, count in strange.items():
        words = _(
            "Unknown status {status!r} ({orders}): counted as unfinished. If it means finished: {command}",
            status=status,
            orders=counted(count, "order"),
            command=again("status", outcome.plan.options, final=status, wait=None, poll=None),
        )
        _say(console, words, WARNING)


def _show_charges(console: Console, outcome: RunResult) -> None:
    """Show what the orders cost, and what is left."""
    currency, charges = outcome.plan.prices.balance.currency, charges_of(outcome.entries.values())
    parts = [_("charged: {amount}", amount=money(charges.charged, currency))] if charges.charged else []
    if charges.refunded:
        parts.append(_("refunded: {amount}", amount=money(charges.refunded, currency)))
    if charges.open:
        orders, amount = counted(charges.open, "order"), money(charges.expected, currency)
        parts.append(_("not reported yet: {orders}, {amount} by the price list", orders=orders, amount=amount))
    if outcome.balance is not None:
        balance = money(outcome.balance.amount, outcome.balance.currency)
        parts.append(_("balance: {balance}", balance=balance))
    if parts:
        _say(console, "; ".join(parts))


def _say(console: Console, words: str, style: str = "") -> None:
    """Print on a line as long as it comes: a path or a command that is folded cannot be copied."""
    console.print(Text(words, style), soft_wrap=True)


def _rest(plan: Plan) -> str:
    if plan.options.expect_fingerprint is None:
        return again("run", plan.options, first=None)
    return again("check", plan.options, first=None, expect_fingerprint=None)


def _show_next(console: Console, outcome: RunResult, name: str) -> None:
    if outcome.written is not None and not outcome.written.in_place:
        words = _("The results are in {path}: {reason}", path=outcome.written.path, reason=outcome.written.reason)
        _say(console, words, WARNING)
    if outcome.blocked:
        return
    path = outcome.written.path if outcome.written else outcome.plan.sheet.path
    rest = _("see the error column of {path}", path=path)
    if outcome.unwritten:
        rest = command("journal export", "orders.csv")
    for words in describe_rows(outcome, rest):
        _say(console, words, "red")

    def how_to_repeat(**changed: Value) -> str:
        if changed:
            return again("run", outcome.plan.options, **changed)
        repeated = again(name, outcome.plan.options)
        return _("Run the same command to continue. Placed orders are not repeated: {command}", command=repeated)

    for words in next_steps(outcome, how_to_repeat):
        _say(console, words, WARNING)
    _show_when_to_ask(console, outcome)


def _show_when_to_ask(console: Console, outcome: RunResult) -> None:
    is_open = any(entry.state is State.PLACED and not entry.final for entry in outcome.entries.values())
    if is_open and outcome.stop is None:
        _say(console, _("Orders take minutes to days. To update the sheet, in 5 minutes or later:"))
        _say(console, f"  {again('status', outcome.plan.options, wait=None, poll=None)}")


def show_budgets(console: Console, budgets: Sequence[Budget]) -> None:
    """Show what campaigns may spend, have spent and may still spend."""
    if not budgets:
        console.print(_("No campaigns yet."))
        return
    amounts = (_("budget"), _("spent"), _("in doubt"), _("remaining"))
    heads = (_("campaign"), _("account"), *amounts, _("currency"))
    shown = table(*heads, right=amounts, wrap=heads[:1])
    for each in budgets:
        known = (each.amount, each.spent, each.in_doubt, each.left)
        texts = (_("no limit") if amount is None else money(amount, "") for amount in known)
        shown.add_row(Text(each.campaign), Text(each.account), *texts, Text(each.currency))
    console.print(shown)


def show_sheet(console: Console, sheet: Sheet) -> None:
    """Show a sheet's orders with links and their results; columns that hold nothing are left out."""
    names = [name for name in _SHOWN if name in sheet.columns and (sheet.frame[name] != "").any()]
    heads = {name: sheet.columns[name].header.replace("_", "\n").replace(" ", "\n") for name in names}
    shown = table(_("row"), *heads.values(), right=(_("row"), heads["quantity"]), wrap=(heads["link"],))
    shown.columns[1 + names.index("link")].overflow = "ellipsis"  # a link is one word: cut, not folded
    for row, cells in zip(sheet.frame.index, sheet.frame[names].to_dict("records"), strict=True):
        shown.add_row(str(row), *(Text(cells[name].removeprefix("https://")) for name in names))
    console.print(shown)


_SHOWN = ("link", "quantity", "order_id", "order_status", "charge", "start_count", "remains", "error")
"""What fits a terminal of 80 columns."""


def _states(entries: Iterable[Entry]) -> str:
    words = [entry_cells(entry)["order_status"] for entry in entries]
    return ", ".join(f"{words.count(word)} {_(word)}" for word in dict.fromkeys(words))
