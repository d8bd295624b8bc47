"""What is wrong with a sheet and what it costs, the answers of a person, and approval."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal, InvalidOperation
from pathlib import Path
from tempfile import TemporaryDirectory

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from bulk.model.errors import SheetError
from bulk.model.fields import FIELDS, same_header
from bulk.model.options import DEFAULTS
from bulk.planning.plan import Plan
from bulk.problem_copy import write_problem_copy
from bulk.running import run as runner
from bulk.web import views
from bulk.web.context import account_id_of, find, home_of, user_of
from bulk.web.home import Home, Job
from bulk.web.rendering import download_of, page, redirect
from bulk.web.uploads import ANSWERS, Approval, Upload, now
from smmplus.errors import ConfigurationError
from smmplus.journal import budgets
from smmplus.orders.decimals import money, plain
from smmplus.texts import _

_MAY_BE_THOUSANDS = re.compile(r"[0-9]{1,3}[.,][0-9]{3}")


def checked(home: Home, upload: Upload) -> tuple[Upload, Plan | SheetError]:
    """Check a sheet: the headers that a person assigned earlier, in any sheet, are used where they fit."""
    found = _plan(home, upload)
    if not upload.headers and (known := _fitting(home, found)):
        mapped = replace(upload, headers=known)
        again = _plan(home, mapped)
        if isinstance(again, Plan):
            home.uploads.keep(mapped)
            return mapped, again
    return upload, found


def _plan(home: Home, upload: Upload) -> Plan | SheetError:
    try:
        with home.file_of(upload) as path, home.journal(upload.account) as journal:
            options = upload.options(path, home.name_of(upload.account), rate=home.rate_of(upload.account))
            try:
                return runner.check(options, home.panel(upload.account), journal)
            except SheetError as error:
                return SheetError(upload.named(str(error), path), error.headers)
    except SheetError as error:
        return error


def _fitting(home: Home, found: Plan | SheetError) -> list[tuple[str, str]]:
    headers = found.sheet.ignored if isinstance(found, Plan) else found.headers
    taken = set(found.sheet.columns) if isinstance(found, Plan) else set[str]()
    known = home.uploads.known_headers()
    return [
        (header, name)
        for header, name in known
        if name not in taken and any(same_header(header, each) for each in headers)
    ]


def check_page(request: Request, upload: Upload, *, message: str = "", status: int = 200) -> Response:
    """Show what a check of a sheet finds."""
    home = home_of(request)
    upload, found = checked(home, upload)
    outcome = home.uploads.outcome(upload)
    about = {"upload": upload, "outcome": outcome, "message": message, "fields": FIELDS}
    if isinstance(found, SheetError):
        return page(request, "unreadable.html.j2", status, **about, error=str(found), headers=found.headers)
    approvals = [each for each in home.uploads.approvals(upload) if each.fingerprint == found.fingerprint]
    others = [each for each in approvals if each.by != user_of(request).name]
    return page(
        request,
        "check.html.j2",
        status,
        **about,
        plan=found,
        check=views.check_of(found),
        approvals=approvals,
        approvals_needed=home.approvals_needed,
        is_last_approval=len(others) + 1 >= home.approvals_needed,
    )


async def answer(request: Request) -> Response:
    """Set an option of a sheet, its campaign or the campaign's budget."""
    async with request.form(max_fields=20) as form:
        given = {key: str(value).strip() for key, value in form.items()}
    return await run_in_threadpool(_answer, request, given)


def _answer(request: Request, given: Mapping[str, str]) -> Response:
    home, upload = home_of(request), find(request)
    answers = dict(upload.answers)
    for option in ANSWERS:
        if option in given:
            answers[option] = given[option] == "yes" if isinstance(DEFAULTS[option], bool) else given[option] or None
    changed = replace(
        upload,
        answers={option: value for option, value in answers.items() if value not in {None, "", False}},
        campaign=given.get("campaign") or upload.campaign,
    )
    changed.options(home.uploads.file_of(changed))  # raises for a value that no option has
    home.uploads.keep(changed)
    if "budget" in given:
        _set_budget(home, changed, given["budget"])
    return redirect(request, "sheet", id=upload.id)


def _set_budget(home: Home, upload: Upload, text: str) -> None:
    if _MAY_BE_THOUSANDS.fullmatch(text):
        raise ConfigurationError(_("{text!r} may mean thousands or not: write it like 1000 or 1.50", text=text))
    amount = None if not text else amount_of(text)
    with home.journal(upload.account) as journal:
        account_id = account_id_of(home, journal, upload.account)
        budgets.set_budget(journal, journal.ensure_campaign(account_id, upload.campaign), amount)


def amount_of(text: str) -> Decimal:
    """Read an amount that a person typed: 12.5 or 12,5. Raises ConfigurationError for anything else."""
    written = text.strip().replace(",", ".")
    try:
        amount = Decimal(written)
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite() or amount < 0 or written.count(".") > 1:
        raise ConfigurationError(_("{text!r} is not an amount: write it like 12.50", text=text))
    return amount


async def assign_headers(request: Request) -> Response:
    """Assign headers that were not understood to fields, for this sheet and the next ones."""
    async with request.form(max_fields=4000) as form:
        headers = [str(value) for value in form.getlist("header")]
        fields = [str(value) for value in form.getlist("field")]
    pairs = [(header, name) for header, name in zip(headers, fields, strict=False) if name in FIELDS]
    return await run_in_threadpool(_assign, request, pairs)


def _assign(request: Request, pairs: Sequence[tuple[str, str]]) -> Response:
    home, upload = home_of(request), find(request)
    fields = [name for _header, name in pairs]
    if len(set(fields)) < len(fields):
        raise SheetError(_("Each field can be assigned to one column only"))
    named = [header for header, _name in pairs]
    others = [pair for pair in upload.headers if pair[0] not in named and pair[1] not in fields]
    home.uploads.keep(replace(upload, headers=[*others, *pairs]))
    home.uploads.remember_headers(pairs)
    return redirect(request, "sheet", id=upload.id)


async def approve(request: Request) -> Response:
    """Keep an approval; with the last one that is needed, begin to place."""
    async with request.form(max_fields=10) as form:
        fingerprint, typed = str(form.get("fingerprint", "")), str(form.get("total", ""))
    return await run_in_threadpool(_approve, request, fingerprint, typed)


def _approve(request: Request, fingerprint: str, typed: str) -> Response:
    home, upload, user = home_of(request), find(request), user_of(request)
    if home.activity(upload):
        return redirect(request, "sheet", id=upload.id)
    upload, plan = checked(home, upload)
    if isinstance(plan, SheetError) or plan.fingerprint != fingerprint:
        words = _("The sheet, a price or the campaign changed while you looked at it. Look at it again.")
        return check_page(request, upload, message=words, status=409)
    if plan.blocker or plan.short_by or not plan.to_send:
        return check_page(request, upload, message=_("It cannot be placed as it is."), status=409)
    if amount_of(typed) != plan.total:
        words = _("You typed {typed}, and the total is {total}.", typed=typed, total=plain(plan.total))
        return check_page(request, upload, message=words, status=409)
    total = money(plan.total, plan.prices.balance.currency)
    home.uploads.approve(upload, Approval(user.name, now(), fingerprint, total))
    if home.uploads.approved(upload, home.approvals_needed) == fingerprint:
        home.start(upload, Job.PLACE, fingerprint, user)
    return redirect(request, "sheet", id=upload.id)


def download_marked(request: Request) -> Response:
    """Give a copy of the sheet in which the problems are marked."""
    home, upload = home_of(request), find(request)
    upload, plan = checked(home, upload)
    if isinstance(plan, SheetError):
        raise plan
    with TemporaryDirectory() as folder:
        copy = write_problem_copy(plan.sheet, plan.problems, folder=Path(folder))
        return download_of(copy.path.read_bytes(), f"{Path(upload.name).stem}.problems.xlsx")
