"""What every route asks for: where the page runs, who visits it, and which sheet and orders an address means."""

from starlette.exceptions import HTTPException
from starlette.requests import Request

from bulk.web import views
from bulk.web.home import Home, User
from bulk.web.uploads import Upload
from smmplus.journal import budgets
from smmplus.journal.journal import Journal
from smmplus.journal.queries import count


def home_of(request: Request) -> Home:
    """Return where the page runs."""
    home: Home = request.app.state.home
    return home


def user_of(request: Request) -> User:
    """Return the visitor."""
    user: User = request.scope["user"]
    return user


def find(request: Request) -> Upload:
    """Return the upload that an address names."""
    found = home_of(request).uploads.find(request.path_params["id"])
    if found is None:
        raise HTTPException(404)
    return found


def progress_of(home: Home, upload: Upload, journal: Journal | None = None) -> views.Progress:
    """Count the orders of a sheet."""
    if journal is None:
        with home.journal(upload.account) as opened:
            return progress_of(home, upload, opened)
    batch_id = batch_of(home, journal, upload)
    if batch_id is None:
        return views.progress_of(())
    with journal.reading() as connection:
        return views.progress_of(count(connection, batch_id))


def account_id_of(home: Home, journal: Journal, account: str) -> int:
    """Return the number of an account in its journal."""
    return journal.ensure_account(home.panel(account).url, home.name_of(account))


def batch_of(home: Home, journal: Journal, upload: Upload) -> int | None:
    """Return the number of the batch of a sheet's orders; None if none was planned."""
    account_id = account_id_of(home, journal, upload.account)
    campaign_id = budgets.find_campaign(journal, account_id, upload.campaign)
    return None if campaign_id is None else journal.latest_batch(campaign_id, upload.source, finished=True)
