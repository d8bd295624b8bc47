"""Pages that are about no single sheet: campaigns, the upload form, the template and the report."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from bulk.report.contents import make_report
from bulk.report.orders import Scope, read_orders
from bulk.report.page import render
from bulk.template import usual_services, write_template
from bulk.template.words import Language
from bulk.web import views
from bulk.web.context import account_id_of, home_of
from bulk.web.home import Home
from bulk.web.rendering import LANGUAGE_COOKIE, download_of, page, path_to
from bulk.web.uploads import Upload
from smmplus.api.client import Client
from smmplus.journal import budgets
from smmplus.journal.normal_forms import normal_name
from smmplus.journal.queries import Count, count
from smmplus.orders.decimals import money
from smmplus.texts import LANGUAGES, language


@dataclass(frozen=True, slots=True)
class Campaign:
    """A campaign of a journal, or one whose sheet was only uploaded."""

    account: str
    name: str
    spent: str
    in_doubt: str
    """"" for none."""
    budget: str
    """"" for no limit."""
    progress: views.Progress
    uploads: Sequence[Upload]
    needs_a_person: bool


def campaigns(request: Request) -> Response:
    """List the campaigns, what needs a person first."""
    home = home_of(request)
    uploads: dict[tuple[str, str], list[Upload]] = defaultdict(list)
    for upload in home.uploads.all():
        uploads[upload.account, normal_name(upload.campaign)].append(upload)
    found = [each for account in home.journals() for each in _of_journal(home, account, uploads)]
    only_uploaded = [
        Campaign(account, sheets[0].campaign, "", "", "", views.progress_of(()), sheets, needs_a_person=True)
        for (account, _name), sheets in uploads.items()
    ]
    ordered = sorted([*found, *only_uploaded], key=lambda each: not each.needs_a_person)
    return page(request, "campaigns.html.j2", campaigns=ordered, active={
        each.id for sheets in ordered for each in sheets.uploads if home.activity(each)
    })  # fmt: skip


def _of_journal(home: Home, account: str, uploads: dict[tuple[str, str], list[Upload]]) -> list[Campaign]:
    """Return the campaigns of a journal, the latest first, and take their uploads out of `uploads`."""
    with home.journal(account) as journal:
        known = budgets.all_budgets(journal)
        counts: dict[int, list[Count]] = defaultdict(list)
        with journal.reading() as connection:
            for each in count(connection):
                counts[each.campaign_id].append(each)
    found = []
    for budget in sorted(known, key=lambda each: -each.campaign_id):
        chosen = home.account_of(account, budget.url, budget.account)
        sheets = uploads.pop((chosen, normal_name(budget.campaign)), [])
        progress = views.progress_of(counts[budget.campaign_id])
        if not (sheets or progress.orders):
            continue
        found.append(
            Campaign(
                chosen,
                budget.campaign,
                money(budget.spent, budget.currency),
                money(budget.in_doubt, budget.currency) if progress.in_doubt else "",
                "" if budget.amount is None else money(budget.amount, budget.currency),
                progress,
                sheets,
                bool(progress.in_doubt or progress.rejected or (progress.waiting and sheets) or not progress.orders),
            )
        )
    return found


def upload(request: Request) -> Response:
    """Show the form for a sheet."""
    return page(request, "upload.html.j2", accounts=home_of(request).accounts())


def template(request: Request) -> Response:
    """Give an empty sheet to fill in, with the services of an account."""
    home = home_of(request)
    account = request.query_params.get("account", "")
    if account not in home.accounts():
        raise HTTPException(404)
    with Client(home.panel(account)) as client:
        services = [service for service in client.services() if not service.unusable]
    words = Language.INDONESIAN if language().startswith("id") else Language.ENGLISH
    with TemporaryDirectory() as folder:
        path = Path(folder) / "template.xlsx"
        write_template(path, usual_services(services), words)
        return download_of(path.read_bytes(), "orders.xlsx")


def report(request: Request) -> Response:
    """Show the report of a campaign, as it is also sent to clients."""
    home, asked = home_of(request), request.query_params
    account, name = asked.get("account", ""), asked.get("campaign", "")
    with home.journal(account) as journal:
        account_id = account_id_of(home, journal, account)
        campaign_id = budgets.find_campaign(journal, account_id, name)
        if campaign_id is None:
            raise HTTPException(404)
        scope = Scope(home.name_of(account), (name,))
        made = make_report(read_orders(journal, scope, account_id, [campaign_id]), scope, datetime.now(UTC))
    allowed = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'"
    return HTMLResponse(render(made), headers={"content-security-policy": allowed})


async def choose_language(request: Request) -> Response:
    """Keep the language that a visitor chose."""
    async with request.form(max_fields=5) as form:
        chosen = str(form.get("language", ""))
    answer = RedirectResponse(await run_in_threadpool(path_to, request, "campaigns"), 303)
    if chosen in LANGUAGES:
        answer.set_cookie(LANGUAGE_COOKIE, chosen, max_age=365 * 86_400, httponly=True, samesite="lax")
    return answer
