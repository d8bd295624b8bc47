"""Links from a task to the panel's own pages."""

from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from airflow.sdk import BaseOperatorLink, Context

if TYPE_CHECKING:
    from airflow.sdk import BaseOperator
    from airflow.sdk.types import TaskInstanceKey

LINK_KEY = "smmplus_orders_page"


class SmmPlusOrdersLink(BaseOperatorLink):
    """The panel's page of the account's orders, searched for the task's order where it has one."""

    name = "Orders on the panel"

    @property
    def xcom_key(self) -> str:
        """The XCom that holds the whole address."""
        return LINK_KEY

    def get_link(self, operator: "BaseOperator", *, ti_key: "TaskInstanceKey") -> str:  # noqa: ARG002 (Airflow's)
        """Give nothing until the task has said which page it is."""
        return ""

    @staticmethod
    def persist(context: Context, api_url: str, order_id: str | None = None) -> None:
        """Keep the address of the page for the task's link."""
        context["ti"].xcom_push(key=LINK_KEY, value=orders_page(api_url, order_id))


def orders_page(api_url: str, order_id: str | None = None) -> str:
    """PURE: give the panel's page of orders; panels of this family have it at /orders, with a search."""
    parts = urlsplit(api_url)
    search = f"?search={quote(order_id)}" if order_id else ""
    return f"{parts.scheme}://{parts.netloc}/orders{search}"
