"""One sheet from its upload to its results."""

from collections.abc import Mapping
from pathlib import Path

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from bulk.model.errors import ExitStatus, SheetError
from bulk.model.options import original_stem
from bulk.running.drop_folder import companions
from bulk.web import views
from bulk.web.checks import check_page
from bulk.web.context import batch_of, find, home_of, progress_of, user_of
from bulk.web.home import Job
from bulk.web.rendering import download_of, page, redirect
from bulk.web.uploads import MOST_BYTES, Outcome, Upload, plain_name
from smmplus.errors import ConfigurationError
from smmplus.journal.queries import page_of_batch
from smmplus.texts import _


async def add(request: Request) -> Response:
    """Keep an uploaded sheet, or pasted text."""
    length = request.headers.get("content-length")
    if length is None:  # every browser sends it, and what has none may have no end
        raise HTTPException(411)
    if int(length) > MOST_BYTES + (1 << 20):
        raise SheetError(_("The file is larger than {most} MiB", most=MOST_BYTES >> 20))
    async with request.form(max_files=1, max_fields=10, max_part_size=MOST_BYTES) as form:
        name, data = await _content(form)
        texts = {key: value.strip() for key, value in form.items() if isinstance(value, str)}
    upload = await run_in_threadpool(_keep, request, name, data, texts)
    return redirect(request, "sheet", id=upload.id)


async def _content(form: FormData) -> tuple[str, bytes]:
    given, pasted = form.get("file"), form.get("text")
    if isinstance(given, UploadFile) and given.filename:
        return plain_name(given.filename), await given.read(MOST_BYTES + 1)
    if isinstance(pasted, str) and pasted.strip():
        return _("orders.txt"), pasted.encode()
    raise SheetError(_("Choose a file, or paste orders"))


def _keep(request: Request, name: str, data: bytes, texts: Mapping[str, str]) -> Upload:
    home = home_of(request)
    account = texts.get("account", "")
    if account not in home.accounts():
        raise ConfigurationError(_("there is no account {account!r}", account=account))
    campaign = texts.get("campaign") or original_stem(Path(name).stem)
    locale = texts.get("locale", "")
    return home.uploads.add(name, data, account=account, campaign=campaign, by=user_of(request).name, locale=locale)


def show(request: Request) -> Response:
    """Show a sheet as far as it is: checked, being placed, or its results."""
    home, upload = home_of(request), find(request)
    activity, orders = home.activity(upload), progress_of(home, upload)
    if activity:
        return page(request, "progress.html.j2", upload=upload, activity=activity, orders=orders)
    if orders.orders and "check" not in request.query_params:
        return _results(request, upload, orders)
    return check_page(request, upload)


def go_on(request: Request) -> Response:
    """Place the rest of a sheet whose run ended early, as it was approved."""
    home, upload = home_of(request), find(request)
    if fingerprint := home.uploads.approved(upload, home.approvals_needed):
        home.start(upload, Job.PLACE, fingerprint, user_of(request))
    return redirect(request, "sheet", id=upload.id)


def stop(request: Request) -> Response:
    """Ask the job of a sheet to stop."""
    upload = find(request)
    home_of(request).stop(upload, user_of(request))
    return redirect(request, "sheet", id=upload.id)


def ask_for_statuses(request: Request) -> Response:
    """Ask for the statuses of the orders, and write them into the sheet."""
    upload = find(request)
    home_of(request).start(upload, Job.FOLLOW, "", user_of(request))
    return redirect(request, "sheet", id=upload.id)


def _results(request: Request, upload: Upload, orders: views.Progress) -> Response:
    home, words = home_of(request), _("The server ended before all was placed.")
    outcome, given = home.uploads.outcome(upload), request.query_params.get("from", "0")
    first = int(given) if given.isdecimal() and len(given) < 10 else 0
    with home.journal(upload.account) as journal:
        batch_id = batch_of(home, journal, upload)
        with journal.reading() as connection:
            entries = [] if batch_id is None else page_of_batch(connection, batch_id, first, views.MOST_ROWS)
    return page(
        request,
        "results.html.j2",
        upload=upload,
        outcome=outcome or Outcome("", int(ExitStatus.UNFINISHED), [words] if orders.waiting else []),
        results=views.ResultsView(orders, entries, first),
        can_continue=bool(home.uploads.approved(upload, home.approvals_needed)),
        approvals=home.uploads.approvals(upload),
    )


def download(request: Request) -> Response:
    """Give the sheet back with its results, or the file next to it that has them because the sheet cannot take them."""
    upload = find(request)
    with home_of(request).file_of(upload) as path:
        latest = max([path, *companions(path)], key=lambda each: each.stat().st_mtime_ns)
        name = Path(upload.name)
        is_other = latest != path
        return download_of(latest.read_bytes(), f"{name.stem}.results{latest.suffix}" if is_other else upload.name)
