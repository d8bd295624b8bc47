"""What the operators for sheets share: which sheet, what is asked of `bulk`, and the steps that they are made of."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from airflow.sdk import Context
from airflow.sdk.exceptions import AirflowException, AirflowFailException

from airflow_provider_smmplus.amounts import amount
from airflow_provider_smmplus.given import name_of, whole_of
from airflow_provider_smmplus.links.smmplus import SmmPlusOrdersLink
from airflow_provider_smmplus.operators.base import SmmPlusOperator, task_name
from airflow_provider_smmplus.results import Json, outcome_object, plan_object, states_object
from airflow_provider_smmplus.wording import in_arguments

if TYPE_CHECKING:
    from airflow_provider_smmplus.files import LocalSheet
    from bulk.options import Options
    from bulk.reading.how import Hidden
    from smmplus.journal.store import Journal


class SheetOperator(SmmPlusOperator):
    """What the operators for sheets share: which sheet, which campaign, and how its rows are taken.

    :param path: the sheet: a path, or anything that Airflow's object storage opens (`s3://`, `gs://`, `file://`)
    :param campaign: the name under which it is ordered; a template that differs from one campaign to the next
    :param object_conn_id: the connection of the object storage
    :param results: where the results go; by default into the file itself, and beside an object
    :param worksheet: which worksheet
    :param encoding: of a CSV that is not UTF-8
    :param hidden: hidden and filtered rows are problems ("refuse"), rows like others ("include") or left out ("skip")
    :param locale: how the sheet's text writes whole numbers: with "id", 1.000 is one thousand
    :param headers: what headers of the sheet stand for, such as {"Alamat pos": "link"}
    :param skip_bad: leave rows with problems out, and send the rest
    :param allow_duplicates: equal rows are meant
    :param adopt: equal orders placed before are the same
    :param ignore_missing: rows that are gone since the last try are meant to be gone
    :param not_placed_since_backup: rows that a restored journal does not know were not placed since its backup
    :param retry_refused: send rows again that were refused with a text that is in no list
    :param max_spend: what the campaign may spend over all its runs, as a string
    :param expect_rows: how many rows the sheet must hold
    :param expect_total: what the whole sheet must cost, as a string
    :param expect_fingerprint: the `fingerprint` of a check that was approved: exactly what that check would send is
        sent, or nothing
    """

    template_fields: Sequence[str] = (
        *SmmPlusOperator.template_fields,
        "path", "campaign", "object_conn_id", "results", "worksheet", "encoding", "locale", "headers", "max_spend",
        "expect_rows", "expect_total", "expect_fingerprint",
    )  # fmt: skip

    def __init__(
        self,
        *,
        path: str,
        campaign: str,
        object_conn_id: str | None = None,
        results: str | None = None,
        worksheet: str | None = None,
        encoding: str | None = None,
        hidden: "Hidden" = "refuse",
        locale: str | None = None,
        headers: Mapping[str, str] | None = None,
        skip_bad: bool = False,
        allow_duplicates: bool = False,
        adopt: bool = False,
        ignore_missing: bool = False,
        not_placed_since_backup: bool = False,
        retry_refused: bool = False,
        max_spend: str | None = None,
        expect_rows: int | str | None = None,
        expect_total: str | None = None,
        expect_fingerprint: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.path = path
        self.campaign = campaign
        self.object_conn_id = object_conn_id
        self.results = results
        self.worksheet = worksheet
        self.encoding = encoding
        self.hidden = hidden
        self.locale = locale
        self.headers = headers
        self.skip_bad = skip_bad
        self.allow_duplicates = allow_duplicates
        self.adopt = adopt
        self.ignore_missing = ignore_missing
        self.not_placed_since_backup = not_placed_since_backup
        self.retry_refused = retry_refused
        self.max_spend = max_spend
        self.expect_rows = expect_rows
        self.expect_total = expect_total
        self.expect_fingerprint = expect_fingerprint

    @contextmanager
    def sheet(self) -> "Iterator[LocalSheet]":
        """Give the sheet as a file of this machine."""
        from airflow_provider_smmplus.files import local  # noqa: PLC0415

        with local(self.path, conn_id=self.object_conn_id, results=self.results) as sheet:
            yield sheet

    def options(self, context: Context, sheet: "LocalSheet") -> "Options":
        """Say what is asked of `bulk`. A sheet's batch is one for all tasks of a DAG run, and all their tries."""
        from bulk.approval import fingerprint_of  # noqa: PLC0415
        from bulk.options import Options  # noqa: PLC0415
        from bulk.reading.header_map import parse_headers  # noqa: PLC0415

        settings = self.hook.settings
        return Options(
            sheet.path,
            account=settings.account,
            campaign=name_of(self.campaign, "campaign"),
            batch=task_name(context).batch(self.path),
            sheet=self.worksheet,
            encoding=self.encoding,
            hidden=self.hidden,
            locale=self.locale or None,
            headers=parse_headers(f"{header}={field}" for header, field in (self.headers or {}).items()),
            skip_bad=self.skip_bad,
            allow_duplicates=self.allow_duplicates,
            adopt=self.adopt,
            ignore_missing=self.ignore_missing,
            not_placed_since_backup=self.not_placed_since_backup,
            retry_refused=self.retry_refused,
            max_spend=amount(self.max_spend, "max_spend"),
            expect_rows=whole_of(self.expect_rows, "expect_rows"),
            expect_total=amount(self.expect_total, "expect_total"),
            # A template that came to nothing is no approval: it is refused.
            expect_fingerprint=None
            if self.expect_fingerprint is None
            else fingerprint_of(str(self.expect_fingerprint), "expect_fingerprint"),
            rate=settings.rate,
            wait=0,
        )

    def check(self, context: Context, journal: "Journal") -> Json:
        """Check and price the sheet; fails with all problems in the log. Sends nothing."""
        from airflow_provider_smmplus.telling import log_plan  # noqa: PLC0415
        from bulk import runner  # noqa: PLC0415
        from bulk.obstacles import obstacle  # noqa: PLC0415

        with self.sheet() as sheet:
            options = self.options(context, sheet)
            plan = runner.check(options, self.hook.settings.panel, journal)
            log_plan(self.log, plan)
            if blocked := obstacle(plan, options):
                raise AirflowFailException(in_arguments(blocked))
        if plan.short_by:
            raise AirflowException(f"the balance is short by {plan.short_by} {plan.prices.balance.currency}")
        return plan_object(plan)

    def place(self, context: Context, journal: "Journal") -> Json:
        """Place every row once, and write the order ids into the results; fails where a person must look."""
        from airflow_provider_smmplus.endings import must_be_well  # noqa: PLC0415
        from airflow_provider_smmplus.files import store  # noqa: PLC0415
        from airflow_provider_smmplus.telling import LogWatcher, log_rows  # noqa: PLC0415
        from bulk import runner  # noqa: PLC0415

        with self.sheet() as sheet:
            options = self.options(context, sheet)
            outcome = runner.run(options, self.hook.settings.panel, journal, LogWatcher(self.log))
            where = "" if outcome.blocked else store(sheet, outcome.written.path if outcome.written else None)
        SmmPlusOrdersLink.persist(context, self.hook.settings.panel.url)
        result = outcome_object(outcome, where)
        self.log.info("%s", result)
        log_rows(self.log, outcome)
        must_be_well(outcome)
        return result

    def write_back(self, context: Context, journal: "Journal") -> Json:
        """Write what the journal knows into the results. Asks the panel nothing."""
        from airflow_provider_smmplus.files import store  # noqa: PLC0415
        from bulk.results_only import write_results_of  # noqa: PLC0415

        with self.sheet() as sheet:
            self.known_campaign(journal, self.campaign)
            entries, written = write_results_of(self.options(context, sheet), self.hook.settings.panel.url, journal)
            where = store(sheet, written.path if written else None)
        self.log.info("written to %s", where)
        return {"written": where, **states_object(entries.values())}
