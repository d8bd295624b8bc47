"""The operator for reports: what became of the orders of a campaign or of a period."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from airflow.sdk import Asset, Context

from airflow_provider_smmplus.operators._base import SmmPlusOperator, airflow_errors
from airflow_provider_smmplus.utils.arguments import day_of, name_of
from airflow_provider_smmplus.utils.xcom import Json, report_event, report_object
from smmplus.errors import ConfigurationError

if TYPE_CHECKING:
    from bulk.report.contents import Report
    from smmplus.journal.journal import Journal


class SmmPlusReportOperator(SmmPlusOperator):
    """Write the report of a campaign, of a period, or of all orders of the account, as `smmplus report` does.

    The result is `written` (the path), `orders` (their number) and the figures, with amounts as text. Events of the
    task's outlet assets have `path`, `orders`, and by currency what was `spent` and is `in_doubt`. It shows what the
    journal knows, and does not ask the panel.

    :param path: where the report goes: a path, or a URL that Airflow's object storage opens. A name that ends in .html
        is a page, and one that ends in .xlsx a workbook. What is there is replaced.
    :param campaign: only the orders of this campaign
    :param since: only orders sent on this day or later, in the worker's time zone: "2026-11-30", or a date
    :param until: only orders sent on this day or earlier
    :param object_conn_id: the connection of the object storage
    """

    template_fields: Sequence[str] = (
        *SmmPlusOperator.template_fields, "path", "campaign", "since", "until", "object_conn_id",
    )  # fmt: skip

    def __init__(
        self,
        *,
        path: str,
        campaign: str | None = None,
        since: str | date | None = None,
        until: str | date | None = None,
        object_conn_id: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.path = path
        self.campaign = campaign
        self.since = since
        self.until = until
        self.object_conn_id = object_conn_id

    def execute(self, context: Context) -> Json:
        """Read the journal, write the report, and return its figures."""
        with airflow_errors():
            path = name_of(self.path, "path")
            if not path.casefold().endswith((".html", ".xlsx")):
                raise ConfigurationError(f"path is {path!r}: its name must end in .html or .xlsx")
            with self.journal(context) as journal:
                report = self._read(journal)
            self._write(report, path)
        for outlet in self.outlets:
            if isinstance(outlet, Asset):
                context["outlet_events"][outlet].extra = report_event(report, path)
        result = report_object(report, path)
        self.log.info("%s: %s", path, result["money"])
        return result

    def _read(self, journal: "Journal") -> "Report":
        from bulk.report.contents import make_report  # noqa: PLC0415
        from bulk.report.orders import Scope, read_orders  # noqa: PLC0415

        panel, account = self.hook.settings.panel, self.hook.settings.account
        since, until = day_of(self.since, "since"), day_of(self.until, "until")
        names = () if self.campaign is None else (name_of(self.campaign, "campaign"),)
        campaigns = [self.known_campaign(journal, name) for name in names] or None
        scope = Scope(account, names, "", since, until)
        journal.recover_crashed_runs()
        orders = read_orders(journal, scope, journal.ensure_account(panel.url, account), campaigns)
        return make_report(orders, scope, datetime.now(UTC))

    def _write(self, report: "Report", path: str) -> None:
        from airflow_provider_smmplus.utils.sheet_files import new_file  # noqa: PLC0415
        from bulk.report.page import write_page  # noqa: PLC0415
        from bulk.report.workbook import write_workbook  # noqa: PLC0415

        write = write_workbook if path.casefold().endswith(".xlsx") else write_page
        with new_file(path, conn_id=self.object_conn_id) as here:
            write(report, here, force=True)
