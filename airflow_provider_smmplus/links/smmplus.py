"""The link from a task to the panel's page of orders."""

from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from airflow.sdk import BaseOperatorLink, Context

if TYPE_CHECKING:
    from airflow.sdk import BaseOperator
    from airflow.sdk.types import TaskInstanceKey

PAGE = "smmplus_orders_page"
"""The XCom with the URL."""


class SmmPlusOrdersLink(BaseOperatorLink):
    """A link to the panel's page of the account's orders, filtered by the task's order if it has one."""

    name = "Orders on the panel"

    def get_link(self, operator: "BaseOperator", *, ti_key: "TaskInstanceKey") -> str:  # noqa: ARG002 (Airflow's)
        """Return the URL that the task has stored, "" until then.

        Airflow calls this when a try ends, and stores the result in an XCom of its own, which must not be the task's.
        """
        from airflow.sdk.execution_time.xcom import XCom  # noqa: PLC0415 (not while a DAG file is parsed)

        return str(XCom.get_value(ti_key=ti_key, key=PAGE) or "")

    @staticmethod
    def persist(context: Context, api_url: str, order_id: str | None = None) -> None:
        """Store the URL of the page for the task's link."""
        context["ti"].xcom_push(key=PAGE, value=orders_page(api_url, order_id))


def orders_page(api_url: str, order_id: str | None = None) -> str:
    """Return the URL of the panel's page of orders. Panels of this family have it at /orders, with a search."""
    parts = urlsplit(api_url)
    search = f"?search={quote(order_id)}" if order_id else ""
    return f"{parts.scheme}://{parts.netloc}/orders{search}"
