"""The DAG that places a sheet which was uploaded and approved on the page: check, place, write the IDs, track, write.

The page triggers it, at most once for an approval. A DAG file in the DAGs folder brings it into Airflow:

::

    from airflow_provider_smmplus.dags.smmplus_sheet import dag

The run places what was approved, or nothing. Its orders are those of the page: they have the batch of the upload.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow.sdk import DAG, Context, Param
from airflow.sdk.exceptions import AirflowException, AirflowFailException, AirflowSkipException

from airflow_provider_smmplus.operators._base import airflow_errors
from airflow_provider_smmplus.operators.sheets import (
    SmmPlusPlaceSheetOperator,
    SmmPlusSplitSheetOperator,
    SmmPlusTrackSheetOperator,
    SmmPlusWriteBackOperator,
)
from airflow_provider_smmplus.utils.settings import DAG_ID, RESULTS_TASK, approvals_needed, parts_at_once, uploads
from airflow_provider_smmplus.utils.xcom import Json, outcome_object
from smmplus.journal.state_machine import State
from smmplus.texts import _

if TYPE_CHECKING:
    from airflow_provider_smmplus.operators._base import SmmPlusOperator
    from airflow_provider_smmplus.utils.sheet_files import LocalSheet
    from bulk.model.options import Options
    from bulk.web.uploads import Outcome, Upload, Uploads
    from smmplus.journal.entry import Entry
    from smmplus.journal.journal import Journal

    _Base = SmmPlusOperator
else:
    _Base = object

FAILURE = "failure"
"""The XCom with the reason why a task failed."""

LOOK_SECONDS = 1.0
"""How often a task that places looks whether a person asked to stop."""

TRACK_TIMEOUT = timedelta(days=30)

MOST_RUNS = 1000
"""Runs that track their orders are active for days, and keep none from being placed."""


class _OfUpload(_Base):
    """A task of an upload: the connection, the sheet, the campaign and the answers are the upload's."""

    uploads: "Uploads"
    upload: "Upload"
    path: str
    campaign: str

    def execute(self, context: Context) -> Any:  # noqa: ANN401 (an operator's)
        """Work. The reason of a failure is kept for the page."""
        with _kept_failure(context):
            self._load(context)
            self.begin(context)
            return super().execute(context)

    def begin(self, context: Context) -> None:
        """Decide whether there is something to do, before the work."""

    def options(self, context: Context, sheet: "LocalSheet") -> "Options":
        """Return the options that the page checked the sheet with."""
        settings, approved = self.hook.settings, _param(context, "fingerprint")
        more: dict[str, Any] = {"expect_fingerprint": approved} if approved else {}
        return self.upload.options(sheet.path, settings.account, rate=settings.rate, wait=0, **more)

    def must_go_on(self, context: Context) -> None:
        """Fail for good if a person asked to stop."""
        if by := self.uploads.asked_to_stop(self.upload, context["ti"].run_id):
            raise AirflowFailException(_("{name} stopped it. What was not sent can be placed later.", name=by))

    def entries(self, journal: "Journal") -> "list[Entry]":
        """Return the orders of the sheet."""
        from smmplus.journal.budgets import find_campaign  # noqa: PLC0415 (not while a DAG file is parsed)

        settings = self.hook.settings
        account_id = journal.ensure_account(settings.panel.url, settings.account)
        campaign_id = find_campaign(journal, account_id, self.upload.campaign)
        if campaign_id is None:
            return []
        batch_id = journal.latest_batch(campaign_id, self.upload.source, finished=True)
        return [] if batch_id is None else journal.of_batch(batch_id)

    def _load(self, context: Context) -> None:
        self.uploads, upload_id = uploads(), _param(context, "upload")
        found = self.uploads.find(upload_id)
        if found is None:
            raise AirflowFailException(_("there is no uploaded sheet {upload!r}", upload=upload_id))
        self.upload, self.path = found, str(self.uploads.file_of(found))
        self.smmplus_conn_id, self.campaign = found.account, found.campaign


class CheckUpload(_OfUpload, SmmPlusSplitSheetOperator):
    """Check that the sheet is what enough persons approved, and split it into parts."""

    def begin(self, context: Context) -> None:
        """Fail for good unless it was approved."""
        if _param(context, "job") != "place":
            raise AirflowSkipException("nothing is to be placed")
        self.must_go_on(context)
        fingerprint = _param(context, "fingerprint")
        if not fingerprint or fingerprint != self.uploads.approved(self.upload, approvals_needed()):
            raise AirflowFailException(_("This was not approved, so nothing is placed."))


class PlaceUpload(_OfUpload, SmmPlusPlaceSheetOperator):
    """Place a part of the sheet. If a person asks to stop, wait for what was sent."""

    def begin(self, context: Context) -> None:
        """Fail for good if a person asked to stop."""
        self.must_go_on(context)

    def _place_part(self, context: Context, journal: "Journal") -> Json:
        with self._stoppable(context["ti"].run_id):
            try:
                return super()._place_part(context, journal)
            except AirflowException:
                self.must_go_on(context)  # a retry would send the rest
                raise

    @contextmanager
    def _stoppable(self, run_id: str) -> Iterator[None]:
        """Pass on the request of a person to stop."""
        from bulk.running.interrupts import STOP_REQUEST, StopRequest  # noqa: PLC0415

        request, done = StopRequest(), threading.Event()

        def look() -> None:
            while not done.wait(LOOK_SECONDS):
                if self.uploads.asked_to_stop(self.upload, run_id):
                    request.ask()
                    return

        looking = threading.Thread(target=look, name="smmplus stop", daemon=True)
        looking.start()
        before = STOP_REQUEST.set(request)
        try:
            yield
        finally:
            STOP_REQUEST.reset(before)
            done.set()


class WriteResults(_OfUpload, SmmPlusWriteBackOperator):
    """Write what the journal knows into the sheet, and for the page how the run ended.

    A run that only asks for statuses does so here.
    """

    def write_back(self, context: Context, journal: "Journal") -> Json:
        """Write, with new statuses if they are asked for."""
        is_asking = _param(context, "job") == "follow"
        result = self._ask(context, journal) if is_asking else self._write(context, journal)
        failures = self.failures(context, journal)
        self.uploads.end(self.upload, _outcome(self.entries(journal), failures))
        return result

    def failures(self, context: Context, journal: "Journal") -> list[str]:
        """Return why tasks before this one failed."""
        found = context["ti"].xcom_pull(task_ids=["check", "place"], key=FAILURE) or []
        failures = [self.upload.named(text, Path(self.path)) for text in dict.fromkeys(filter(None, found))]
        if failures or _param(context, "job") != "place":
            return failures
        entries = self.entries(journal)
        is_done = entries and not any(entry.state in {State.NOT_SENT, State.SENDING} for entry in entries)
        return [] if is_done else [_("The run ended early. Its log in Airflow has the reason.")]

    def _write(self, context: Context, journal: "Journal") -> Json:
        return super().write_back(context, journal) if self.entries(journal) else {}

    def _ask(self, context: Context, journal: "Journal") -> Json:
        from airflow_provider_smmplus.utils.log_listener import LogWatcher  # noqa: PLC0415
        from airflow_provider_smmplus.utils.sheet_files import store  # noqa: PLC0415
        from bulk.running import run  # noqa: PLC0415

        with self.sheet() as sheet:
            options = self.options(context, sheet)
            outcome = run.status(options, self.hook.settings.panel, journal, LogWatcher(self.log))
            where = store(sheet, outcome.written.path if outcome.written else None)
        return outcome_object(outcome, where)


class TrackUpload(_OfUpload, SmmPlusTrackSheetOperator):
    """Wait until every order of the campaign is final."""

    def begin(self, context: Context) -> None:
        """Leave it out if there is nothing to wait for."""
        with self.journal(context) as journal:
            if _param(context, "job") != "place" or not self.entries(journal):
                raise AirflowSkipException("there is nothing to track")

    def execute_complete(self, context: Context, event: Any) -> Json:  # noqa: ANN401 (a trigger's)
        """Return the final statuses of the orders."""
        self._load(context)
        return super().execute_complete(context, event)


class WriteFinalResults(WriteResults):
    """Write the final statuses into the sheet. Fail if a task failed, so that the run does."""

    def begin(self, context: Context) -> None:
        """Leave it out if the statuses were only asked for."""
        if _param(context, "job") != "place":
            raise AirflowSkipException("the results are written")

    def write_back(self, context: Context, journal: "Journal") -> Json:
        """Write."""
        result = self._write(context, journal)
        if failures := self.failures(context, journal):
            raise AirflowFailException("\n".join(failures))
        return result


@contextmanager
def _kept_failure(context: Context) -> Iterator[None]:
    """Keep the reason why a task fails, for the page."""
    try:
        with airflow_errors():
            yield
    except AirflowSkipException:
        raise
    except AirflowException as error:
        context["ti"].xcom_push(key=FAILURE, value=str(error))
        raise


def _outcome(entries: "list[Entry]", failures: list[str]) -> "Outcome":
    from bulk.model.errors import ExitStatus  # noqa: PLC0415
    from bulk.web.uploads import Outcome, now  # noqa: PLC0415

    states = {entry.state for entry in entries}
    statuses = {
        ExitStatus.IN_DOUBT: State.IN_DOUBT in states,
        ExitStatus.UNFINISHED: bool(failures),
        ExitStatus.PROBLEMS: State.REJECTED in states,
    }
    status = next((status for status, is_so in statuses.items() if is_so), ExitStatus.DONE)
    return Outcome(now(), int(status), tuple(failures))


def _param(context: Context, name: str) -> str:
    return str(context["params"][name])


with DAG(
    DAG_ID,
    description="Places a sheet that was uploaded and approved on the page “SMM campaigns”",
    schedule=None,
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    is_paused_upon_creation=False,
    max_active_runs=MOST_RUNS,
    tags=["smmplus"],
    params={
        "upload": Param("", type="string", description="ID of the uploaded sheet"),
        "job": Param("place", enum=["place", "follow"], description="follow asks for statuses"),
        "fingerprint": Param("", type="string", description="Fingerprint of the check that was approved"),
    },
) as dag:
    # Each task reads path and campaign from its upload.
    check = CheckUpload(task_id="check", path="", campaign="")
    place = PlaceUpload.partial(
        task_id="place",
        max_active_tis_per_dagrun=parts_at_once(),
        retries=3,
        retry_delay=timedelta(seconds=30),
        path="",
        campaign="",
    ).expand(keys=check.output)
    results = WriteResults(task_id=RESULTS_TASK, trigger_rule="all_done", retries=2, path="", campaign="")
    track = TrackUpload(
        task_id="track", campaign="", trigger_rule="all_done", deferrable=True, timeout=TRACK_TIMEOUT, retries=2
    )
    write_back = WriteFinalResults(task_id="write_back", trigger_rule="all_done", path="", campaign="")

    place >> results >> track >> write_back
