"""The page in Airflow: its connections are the accounts, its auth manager decides who may what, and a DAG places.

This module is imported in the API server only.
"""

import hmac
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from airflow.api.common.trigger_dag import trigger_dag
from airflow.api_fastapi.app import get_auth_manager
from airflow.api_fastapi.auth.managers.base_auth_manager import COOKIE_NAME_JWT_TOKEN
from airflow.api_fastapi.auth.managers.models.base_user import BaseUser
from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity, DagDetails
from airflow.api_fastapi.core_api.security import bearer_scheme, get_user
from airflow.configuration import conf
from airflow.exceptions import DagNotFound, DagRunAlreadyExists
from airflow.models.connection import Connection
from airflow.models.dag import DagModel
from airflow.models.dagrun import DagRun
from airflow.models.taskinstance import TaskInstance
from airflow.sdk.exceptions import AirflowNotFoundException
from airflow.utils.session import create_session
from airflow.utils.state import State
from airflow.utils.types import DagRunTriggeredByType
from fastapi import HTTPException
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from airflow_provider_smmplus.hooks.smmplus import SmmPlusHook
from airflow_provider_smmplus.utils.connection import CONN_TYPE, DEFAULT_CONN_ID
from airflow_provider_smmplus.utils.settings import (
    DAG_ID,
    RESULTS_TASK,
    SECTION,
    approvals_needed,
    job_of,
    run_prefix,
    uploads,
)
from airflow_provider_smmplus.utils.sheet_files import default_results
from bulk.web.app import create_app
from bulk.web.home import Activity, Job, User
from bulk.web.rendering import language_of
from bulk.web.uploads import Upload, Uploads
from smmplus.api.panel import Panel
from smmplus.errors import ConfigurationError, SmmPlusError
from smmplus.journal.journal import Journal
from smmplus.journal.normal_forms import normal_name, normal_url
from smmplus.texts import LANGUAGE, _

_VISITOR = "smmplus_visitor"
"""The key of the scope of a request for its User."""

_LINK = "dags/{dag}/runs/{run}"


def make_page() -> ASGIApp:
    """Make the application."""
    return Guard(create_app(AirflowHome()))


class Guard:
    """Lets in who may read the DAG that places sheets; whoever may trigger it may change something.

    It stands before every route, those of static files included.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            return
        request = Request(scope)
        LANGUAGE.set(language_of(request))
        visitor = await _visitor_of(request)
        if isinstance(visitor, User):
            await self._app({**scope, _VISITOR: visitor}, receive, send)
        else:
            await visitor(scope, receive, send)


async def _visitor_of(request: Request) -> User | Response:
    """Return who a visitor is, as Airflow's own API does it, or the answer to a stranger."""
    bearer = await bearer_scheme(request)
    try:
        user = await get_user(request, None, bearer)
    except HTTPException as error:
        return _refusal(error.status_code)
    may_read, may_change = await run_in_threadpool(_rights_of, user)
    if not may_read:
        return _refusal(403)
    credential = bearer.credentials if bearer else request.cookies.get(COOKIE_NAME_JWT_TOKEN, "")
    return User(user.get_name(), _token_of(f"{user.get_id()} {credential}"), may_change)


def _rights_of(user: BaseUser) -> tuple[bool, bool]:
    """Return whether a user may read the DAG, and whether they may also trigger it."""
    manager, details = get_auth_manager(), DagDetails(id=DAG_ID, team_name=DagModel.get_team_name(DAG_ID))
    may_read = manager.is_authorized_dag(method="GET", details=details, user=user)
    may_run = manager.is_authorized_dag(method="POST", access_entity=DagAccessEntity.RUN, details=details, user=user)
    return may_read, may_read and may_run


def _token_of(session: str) -> str:
    """Return what changes of a session carry. Without Airflow's secret key nobody can make it."""
    return hmac.new(conf.get_mandatory_value("api", "secret_key").encode(), session.encode(), "sha256").hexdigest()


def _refusal(status: int) -> Response:
    words = {
        401: _("Log in to Airflow first."),
        403: _("You may not see this page: it needs the right to read the DAG {dag}.", dag=DAG_ID),
    }
    return PlainTextResponse(words.get(status, words[403]), status, {"cache-control": "no-store"})


class _Hook(SmmPlusHook):
    """The hook in the API server, which reads connections itself."""

    @classmethod
    def get_connection(cls, conn_id: str) -> Connection:
        """Return a connection. Raise ConfigurationError if there is none."""
        try:
            return Connection.get_connection_from_secrets(conn_id)
        except AirflowNotFoundException:
            raise ConfigurationError(_("Airflow has no connection {conn_id!r}", conn_id=conn_id)) from None


class AirflowHome:
    """The page in Airflow. An account to choose is a connection of the type `smmplus`."""

    @property
    def uploads(self) -> Uploads:
        """The uploaded sheets."""
        return uploads()

    @property
    def approvals_needed(self) -> int:
        """How many persons approve a sheet."""
        return approvals_needed()

    def user_of(self, request: Request) -> User | None:
        """Return who a visitor is: `Guard` found out."""
        user: User | None = request.scope.get(_VISITOR)
        return user

    def refuse(self, request: Request) -> Response:  # noqa: ARG002 (all strangers are told the same)
        """Answer a stranger."""
        return _refusal(401)

    def accounts(self) -> list[str]:
        """Return the connections to choose from, the usual one first."""
        chosen = [name.strip() for name in conf.get(SECTION, "accounts", fallback="").split(",") if name.strip()]
        return chosen or sorted(_connections(), key=lambda name: (name != DEFAULT_CONN_ID, name))

    def panel(self, account: str) -> Panel:
        """Return the panel of an account, with its key."""
        return _Hook(account).settings.panel

    def name_of(self, account: str) -> str:
        """Return the name that an account to choose has in its journal."""
        return _Hook(account).settings.account

    def account_of(self, journal: str, url: str, name: str) -> str:
        """Return the connection of an account of a journal; its name if there is none any more."""
        wanted = (_Hook(journal).settings.journal_conn_id, normal_url(url), normal_name(name))
        return next((account for account, about in _known(self.accounts()) if about == wanted), name)

    def rate_of(self, account: str) -> float:
        """Return the API calls per second of a run."""
        return _Hook(account).settings.rate

    def journals(self) -> Sequence[str]:
        """Return an account of each journal."""
        return list({about[0]: account for account, about in reversed(_known(self.accounts()))}.values())

    def journal(self, account: str) -> Journal:
        """Open the journal of an account."""
        return _Hook(account).journal()

    @contextmanager
    def file_of(self, upload: Upload) -> Iterator[Path]:
        """Give the file of a sheet on this computer, with the results that it has."""
        kept = self.uploads.file_of(upload)
        if isinstance(kept, Path):
            yield kept
            return
        results = type(kept)(default_results(str(kept)))
        with tempfile.TemporaryDirectory(prefix="smmplus-") as folder:
            path = Path(folder) / kept.name
            with (results if results.exists() else kept).open("rb") as remote, path.open("wb") as copy:
                shutil.copyfileobj(remote, copy)
            yield path

    def start(self, upload: Upload, job: Job, fingerprint: str, by: User) -> None:
        """Trigger the DAG, unless a run is under way with the sheet. Of several at the same time, Airflow makes one."""
        if self.activity(upload):
            return
        prefix = run_prefix(upload.id, job, fingerprint)
        run_id = f"{prefix}{_last_number(prefix) + 1}"
        self.uploads.end(upload, None)
        try:
            trigger_dag(
                DAG_ID,
                triggered_by=DagRunTriggeredByType.UI,
                triggering_user_name=by.name,
                run_id=run_id,
                conf={"upload": upload.id, "job": str(job), "fingerprint": fingerprint},
            )
        except (DagRunAlreadyExists, IntegrityError):
            return
        except DagNotFound:
            raise ConfigurationError(_no_dag()) from None

    def activity(self, upload: Upload) -> Activity | None:
        """Return what is under way with a sheet; None for nothing. Orders that are only tracked are not under way."""
        for run_id in _runs_under_way(upload.id):
            link = f"{_base_path()}{_LINK.format(dag=DAG_ID, run=run_id)}"
            is_stopping = bool(self.uploads.asked_to_stop(upload, run_id))
            return Activity(Job(job_of(run_id)), _notes(), is_stopping, link)
        return None

    def stop(self, upload: Upload, by: User) -> None:
        """Ask the runs of a sheet to stop. The task that places looks for it, and waits for what was sent."""
        for run_id in _runs_under_way(upload.id):
            self.uploads.ask_to_stop(upload, run_id, by.name)


def _connections() -> set[str]:
    """Return the connections of our type: those in the database, and those in the environment."""
    with create_session() as session:
        found = set(session.scalars(select(Connection.conn_id).where(Connection.conn_type == CONN_TYPE)))
    begin = "AIRFLOW_CONN_"
    named = {name.removeprefix(begin).lower() for name in os.environ if name.startswith(begin)}
    return found | {name for name in named if _is_ours(name)}


def _is_ours(conn_id: str) -> bool:
    try:
        return _Hook.get_connection(conn_id).conn_type == CONN_TYPE
    except (ConfigurationError, ValueError):  # it is not JSON, nor a URI
        return False


def _known(accounts: Sequence[str]) -> list[tuple[str, tuple[str | None, str, str]]]:
    """Return the journal, the panel and the name of each account whose connection is complete."""
    found = []
    for account in accounts:
        try:
            settings = _Hook(account).settings
        except SmmPlusError:
            continue
        about = (settings.journal_conn_id, normal_url(settings.panel.url), normal_name(settings.account))
        found.append((account, about))
    return found


def _runs_under_way(upload_id: str) -> list[str]:
    """Return the runs of a sheet whose results are not there yet, the first one first."""
    done = (
        select(TaskInstance.run_id)
        .where(TaskInstance.dag_id == DAG_ID, TaskInstance.task_id == RESULTS_TASK)
        .where(TaskInstance.state.in_(State.finished))
    )
    with create_session() as session:
        found = select(DagRun.run_id).where(DagRun.dag_id == DAG_ID, DagRun.run_id.startswith(f"{upload_id}-"))
        open_runs = found.where(DagRun.state.in_(State.unfinished_dr_states), DagRun.run_id.not_in(done))
        return list(session.scalars(open_runs.order_by(DagRun.id)))


def _last_number(prefix: str) -> int:
    """Return the number of the last run whose results are there; 0 if there is none."""
    with create_session() as session:
        found = session.scalars(select(DagRun.run_id).where(DagRun.dag_id == DAG_ID, DagRun.run_id.startswith(prefix)))
        numbers = {run_id: int(run_id.removeprefix(prefix)) for run_id in found}
    under_way = _runs_under_way(prefix.partition("-")[0])
    return max((number for run_id, number in numbers.items() if run_id not in under_way), default=0)


def _notes() -> tuple[str, ...]:
    with create_session() as session:
        is_paused = session.scalar(select(DagModel.is_paused).where(DagModel.dag_id == DAG_ID))
    words = _("The DAG {dag} is paused in Airflow: nothing happens until it is turned on.", dag=DAG_ID)
    return (words,) if is_paused else ()


def _no_dag() -> str:
    return _(
        "Airflow does not know the DAG {dag}. Put a file into its DAGs folder with the line: {line}",
        dag=DAG_ID,
        line="from airflow_provider_smmplus.dags.smmplus_sheet import dag",
    )


def _base_path() -> str:
    return urlsplit(conf.get("api", "base_url", fallback="")).path.rstrip("/") + "/"
