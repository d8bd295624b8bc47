"""The way from a task to the panel's page."""

import pytest

from airflow_provider_smmplus.links.smmplus import SmmPlusOrdersLink, orders_page
from airflow_provider_smmplus.operators.orders import SmmPlusAddOrderOperator


@pytest.mark.parametrize(
    ("url", "order_id", "page"),
    [
        ("https://smm.plus/api/v2", "501", "https://smm.plus/orders?search=501"),
        ("https://smm.plus/api/v2", None, "https://smm.plus/orders"),
        ("http://127.0.0.1:8080/custom/api", "a&b", "http://127.0.0.1:8080/orders?search=a%26b"),
    ],
)
def test_the_page_is_the_panels_own(url, order_id, page):
    assert orders_page(url, order_id) == page


def shown(ran):
    """Give what Airflow's page reads: it asks the link at the end of a try, and keeps the answer under this key."""
    return ran.xcoms[SmmPlusOrdersLink().xcom_key]


def test_a_placed_order_has_its_page(airflow, sandbox, link):
    ran = airflow.run(SmmPlusAddOrderOperator, service=1, link=link, quantity=100)
    assert shown(ran) == orders_page(sandbox.address, ran.result["order_id"])


def test_an_order_that_was_not_placed_has_no_page(airflow, link):
    assert shown(airflow.run(SmmPlusAddOrderOperator, service=77777, link=link, quantity=100)) == ""
