"""Operators for the account: the price list and the balance."""

from collections.abc import Sequence
from typing import Any

from airflow.sdk import Context

from airflow_provider_smmplus.operators._base import SmmPlusOperator, airflow_errors
from airflow_provider_smmplus.utils.arguments import ids_of
from airflow_provider_smmplus.utils.xcom import balance_object, service_object


class SmmPlusServicesOperator(SmmPlusOperator):
    """Return the services of the panel, as a list of plain objects. Rates are strings.

    :param category: only services whose category contains this word, in any case
    :param service_type: only services of this type, for example `Default`
    :param service_ids: only these services: one ID, a list, or a string of IDs with commas
    """

    template_fields: Sequence[str] = (*SmmPlusOperator.template_fields, "category", "service_type", "service_ids")

    def __init__(
        self,
        *,
        category: str | None = None,
        service_type: str | None = None,
        service_ids: str | Sequence[str | int] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.category = category
        self.service_type = service_type
        self.service_ids = service_ids

    def execute(self, context: Context) -> list[dict[str, Any]]:  # noqa: ARG002 (Airflow's)
        """Ask for the price list."""
        with airflow_errors():
            wanted = None if self.service_ids is None else ids_of(self.service_ids, "service_ids")
            services = self.hook.services()
        found = [
            service_object(service)
            for service in services
            if (self.category or "").casefold() in service.category.casefold()
            and (not self.service_type or service.type.casefold() == self.service_type.casefold())
            and (wanted is None or service.id in wanted)
        ]
        self.log.info("%d of %d services", len(found), len(services))
        return found


class SmmPlusBalanceOperator(SmmPlusOperator):
    """Return the account's balance: `{"balance": "100.84", "currency": "USD"}`."""

    def execute(self, context: Context) -> dict[str, str]:  # noqa: ARG002 (Airflow's)
        """Ask for the balance."""
        with airflow_errors():
            held = self.hook.balance()
        self.log.info("the balance is %s %s", held.amount, held.currency)
        return balance_object(held)
