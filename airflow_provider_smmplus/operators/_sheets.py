"""The base of the operators for sheets: parameters as options of `bulk`, and the steps check, place and write back."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from airflow.sdk import Context
from airflow.sdk.exceptions import AirflowException, AirflowFailException

from airflow_provider_smmplus.links.smmplus import SmmPlusOrdersLink
from airflow_provider_smmplus.operators._base import SmmPlusOperator, task_name
from airflow_provider_smmplus.utils.arguments import AIRFLOW, amount, name_of, whole_of
from airflow_provider_smmplus.utils.xcom import Json, outcome_object, plan_object, states_object

if TYPE_CHECKING:
    from airflow_provider_smmplus.utils.sheet_files import LocalSheet
    from bulk.model.options import Hidden, Options
    from smmplus.journal.journal import Journal


OF_OPERATORS = (
    "campaign", "sheet", "encoding", "hidden", "locale", "headers", "use_hyperlinks", "skip_bad", "allow_duplicates",
    "adopt", "ignore_missing", "not_placed_since_backup", "retry_refused", "max_spend", "expect_rows", "expect_total",
    "expect_fingerprint",
)  # fmt: skip
"""The options that operators for sheets have; `bulk.model.options` describes them."""


class SheetOperator(SmmPlusOperator):
    """The base of the operators for sheets.

    :param path: the sheet: a path, or a URL that Airflow's object storage opens (`s3://`, `gs://`, `file://`)
    :param campaign: the campaign of the orders; use a template that differs from one campaign to the next
    :param object_conn_id: the connection of the object storage
    :param results: where the results go; by default into the file itself, and next to an object
    :param worksheet: Worksheet to read. Required if several contain orders.
    :param encoding: Encoding of a CSV file that is not UTF-8, such as cp1252.
    :param hidden: Refuse hidden and filtered rows, include them like any other, or skip them.
    :param locale: Number format of text cells, such as "id" (1.000 is one thousand) or "en" (1,000).
    :param headers: Map headers of the sheet to fields, once for each header.
    :param use_hyperlinks: Order the addresses that cells of links lead to, not their text.
    :param skip_bad: Leave out rows with problems, and place the others.
    :param allow_duplicates: Place identical rows as separate orders.
    :param adopt: Link rows to identical orders placed earlier instead of placing them again.
    :param ignore_missing: Continue although rows of the unfinished run were deleted.
    :param not_placed_since_backup: After a restore, or a lost end of the journal: confirm that new rows were not
        already placed.
    :param retry_refused: Retry rows that the panel refused for an unrecognized reason.
    :param max_spend: Set the campaign's total budget, over all its runs; later runs remember it.
    :param expect_rows: Stop unless the sheet has exactly N rows with orders.
    :param expect_total: Stop unless the sheet's total cost equals AMOUNT, to the digits written.
    :param expect_fingerprint: Place exactly what the check with this fingerprint showed, or nothing.
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
        use_hyperlinks: bool = False,
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
        self.path, self.campaign, self.object_conn_id, self.results = path, campaign, object_conn_id, results
        self.worksheet, self.encoding, self.hidden, self.locale = worksheet, encoding, hidden, locale
        self.use_hyperlinks = use_hyperlinks
        self.headers, self.skip_bad, self.allow_duplicates, self.adopt = headers, skip_bad, allow_duplicates, adopt
        self.ignore_missing, self.not_placed_since_backup = ignore_missing, not_placed_since_backup
        self.retry_refused, self.max_spend, self.expect_rows = retry_refused, max_spend, expect_rows
        self.expect_total, self.expect_fingerprint = expect_total, expect_fingerprint

    @contextmanager
    def sheet(self) -> "Iterator[LocalSheet]":
        """Yield the sheet as a local file."""
        from airflow_provider_smmplus.utils.sheet_files import local  # noqa: PLC0415

        with local(self.path, conn_id=self.object_conn_id, results=self.results) as sheet:
            yield sheet

    def options(self, context: Context, sheet: "LocalSheet") -> "Options":
        """Return the options of the run. All tasks of a DAG run, and all their tries, have the same batch."""
        from bulk.model.options import Options  # noqa: PLC0415
        from bulk.planning.approval import parse_fingerprint  # noqa: PLC0415
        from bulk.reading.saved_headers import parse_headers  # noqa: PLC0415

        given = {option: getattr(self, AIRFLOW.name(option)) for option in OF_OPERATORS} | {
            "campaign": name_of(self.campaign, "campaign"),
            "locale": self.locale or None,
            "headers": parse_headers((f"{header}={field}" for header, field in (self.headers or {}).items()), AIRFLOW),
            "max_spend": amount(self.max_spend, "max_spend"),
            "expect_rows": whole_of(self.expect_rows, "expect_rows"),
            "expect_total": amount(self.expect_total, "expect_total"),
        }
        # "", which an empty template renders, is not an approval: it is refused.
        if self.expect_fingerprint is not None:
            given["expect_fingerprint"] = parse_fingerprint(str(self.expect_fingerprint), "expect_fingerprint")
        batch, settings = task_name(context).batch(self.path), self.hook.settings
        return Options(
            sheet.path, account=settings.account, batch=batch, rate=settings.rate, wait=0, surface=AIRFLOW, **given
        )

    def check(self, context: Context, journal: "Journal") -> Json:
        """Check and price the sheet. Fail with all problems in the log. Send nothing."""
        from airflow_provider_smmplus.utils.log_listener import log_plan  # noqa: PLC0415
        from bulk.running import run  # noqa: PLC0415

        with self.sheet() as sheet:
            plan = run.check(self.options(context, sheet), self.hook.settings.panel, journal)
            log_plan(self.log, plan)
            if plan.blocker:
                raise AirflowFailException(plan.blocker.message)
        if plan.short_by:
            raise AirflowException(f"the balance is short by {plan.short_by} {plan.prices.balance.currency}")
        return plan_object(plan)

    def place(self, context: Context, journal: "Journal") -> Json:
        """Place every row once, and write the order IDs into the results. Fail if a person must look."""
        from airflow_provider_smmplus.utils.failures import must_be_well  # noqa: PLC0415
        from airflow_provider_smmplus.utils.log_listener import LogWatcher, log_rows  # noqa: PLC0415
        from airflow_provider_smmplus.utils.sheet_files import store  # noqa: PLC0415
        from bulk.running import run  # noqa: PLC0415

        with self.sheet() as sheet:
            options = self.options(context, sheet)
            outcome = run.run(options, self.hook.settings.panel, journal, LogWatcher(self.log))
            where = "" if outcome.blocked else store(sheet, outcome.written.path if outcome.written else None)
        SmmPlusOrdersLink.persist(context, self.hook.settings.panel.url)
        result = outcome_object(outcome, where)
        self.log.info("%s", result)
        log_rows(self.log, outcome)
        must_be_well(outcome)
        return result

    def write_back(self, context: Context, journal: "Journal") -> Json:
        """Write what the journal knows into the results, without a call to the panel."""
        from airflow_provider_smmplus.utils.sheet_files import store  # noqa: PLC0415
        from bulk.running.write_from_journal import write_back  # noqa: PLC0415

        with self.sheet() as sheet:
            self.known_campaign(journal, self.campaign)
            entries, written = write_back(self.options(context, sheet), self.hook.settings.panel.url, journal)
            where = store(sheet, written.path if written else None)
        self.log.info("written to %s", where)
        return {"written": where, **states_object(entries.values())}
