"""Sensors for orders, refills, the balance and services. They poke, reschedule, or defer to the triggerer."""

import logging
from abc import abstractmethod
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseSensorOperator, Context, conf
from airflow.sdk.exceptions import AirflowFailException, AirflowSensorTimeout

from airflow_provider_smmplus.hooks.smmplus import SmmPlusHook
from airflow_provider_smmplus.operators._base import airflow_errors
from airflow_provider_smmplus.operators._deferral import airflow_timeout, checked, deadline_after, look_once
from airflow_provider_smmplus.utils.arguments import amount, ids_of, name_of, texts_of
from airflow_provider_smmplus.utils.connection import DEFAULT_CONN_ID
from airflow_provider_smmplus.utils.pollers import Watch
from smmplus.errors import ConfigurationError

if TYPE_CHECKING:
    from airflow_provider_smmplus.triggers.smmplus import WatchTrigger


class _WatchSensor(BaseSensorOperator):
    """The base of the sensors: it waits for what its trigger watches.

    If the panel does not answer, it is asked again in the next round. If it refuses the account, the sensor fails.

    :param smmplus_conn_id: the id of the connection
    :param deferrable: wait in the triggerer
    """

    template_fields: Sequence[str] = ("smmplus_conn_id",)

    def __init__(
        self,
        *,
        smmplus_conn_id: str = DEFAULT_CONN_ID,
        deferrable: bool = conf.getboolean("operators", "default_deferrable", fallback=False),
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.smmplus_conn_id = smmplus_conn_id
        self.deferrable = deferrable
        self._last_words = ""

    @abstractmethod
    def trigger(self, **common: Any) -> "WatchTrigger":
        """Return the trigger that waits for the same."""

    def execute(self, context: Context) -> None:
        """Wait in the worker, or defer to the triggerer."""
        if not self.deferrable:
            super().execute(context)
            return
        with airflow_errors():
            trigger = self._trigger(deadline_after(self.timeout))
        self.defer(trigger=trigger, method_name="execute_complete", timeout=airflow_timeout(self.timeout))

    def execute_complete(self, context: Context, event: Any) -> None:  # noqa: ANN401, ARG002 (a trigger's; Airflow's)
        """End as the trigger did. A time-out is that of any sensor, after which no retry waits again."""
        checked(event, out_of_time=AirflowSensorTimeout)

    def poke(self, context: Context) -> bool:  # noqa: ARG002 (Airflow's)
        """Ask once."""
        from smmplus.errors import AccountError, AddressError, CallError  # noqa: PLC0415 (not while a DAG file is parsed)

        with airflow_errors():
            try:
                # With reschedule, the next round is in another process, which does not know this one's result.
                seen = look_once(SmmPlusHook(self.smmplus_conn_id), self._watch, until_sure=self.reschedule)
            except (AccountError, AddressError):
                raise
            except CallError as error:
                self.log.warning("%s; asking again later", error)
                return False
        level = logging.WARNING if seen.strange and seen.words != self._last_words else logging.INFO
        self._last_words = seen.words
        self.log.log(level, seen.words)
        if seen.failed:
            raise AirflowFailException(seen.failed)
        return seen.done

    @cached_property
    def _watch(self) -> Watch:
        return self._trigger(None).watch()

    def _trigger(self, deadline: float | None) -> "WatchTrigger":
        return self.trigger(smmplus_conn_id=self.smmplus_conn_id, poll_interval=self.poke_interval, deadline=deadline)


class SmmPlusOrderSensor(_WatchSensor):
    """Waits until orders have reached a status, or are final.

    An order that ends with another status fails the sensor, because it can never reach one of them.

    :param order_ids: the orders: one ID, a list, or a string of IDs with commas
    :param statuses: the status words to wait for, in any case; without any, every final status
    """

    template_fields: Sequence[str] = (*_WatchSensor.template_fields, "order_ids", "statuses")

    def __init__(
        self, *, order_ids: str | Sequence[str | int], statuses: str | Sequence[str] = (), **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.order_ids = order_ids
        self.statuses = statuses

    def trigger(self, **common: Any) -> "WatchTrigger":
        """Return the trigger for the orders."""
        from airflow_provider_smmplus.triggers.smmplus import SmmPlusOrdersTrigger  # noqa: PLC0415

        ids, statuses = ids_of(self.order_ids, "order_ids"), texts_of(self.statuses, "statuses")
        return SmmPlusOrdersTrigger(order_ids=ids, statuses=statuses, **common)


class SmmPlusRefillSensor(_WatchSensor):
    """Waits until refills are completed. One that is rejected fails the sensor.

    :param refill_ids: the refills: one ID, a list, or a string of IDs with commas
    """

    template_fields: Sequence[str] = (*_WatchSensor.template_fields, "refill_ids")

    def __init__(self, *, refill_ids: str | Sequence[str | int], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.refill_ids = refill_ids

    def trigger(self, **common: Any) -> "WatchTrigger":
        """Return the trigger for the refills."""
        from airflow_provider_smmplus.triggers.smmplus import SmmPlusRefillsTrigger  # noqa: PLC0415

        return SmmPlusRefillsTrigger(refill_ids=ids_of(self.refill_ids, "refill_ids"), **common)


class SmmPlusBalanceSensor(_WatchSensor):
    """Waits until the balance is at least an amount.

    :param at_least: the amount, as a string, in the account's own currency
    """

    template_fields: Sequence[str] = (*_WatchSensor.template_fields, "at_least")

    def __init__(self, *, at_least: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.at_least = at_least

    def trigger(self, **common: Any) -> "WatchTrigger":
        """Return the trigger for the balance."""
        from airflow_provider_smmplus.triggers.smmplus import SmmPlusBalanceTrigger  # noqa: PLC0415

        least = amount(self.at_least, "at_least")
        # A sensor whose template rendered nothing must not let everything pass.
        if least is None:
            raise ConfigurationError(f'at_least is {self.at_least!r}: pass an amount as a string, for example "12.50"')
        return SmmPlusBalanceTrigger(at_least=str(least), **common)


class SmmPlusServiceSensor(_WatchSensor):
    """Waits until a service is available, at most at a maximum rate if there is one.

    :param service: ID of the service
    :param max_rate: the highest price of 1000 units, as a string; None for any rate
    """

    template_fields: Sequence[str] = (*_WatchSensor.template_fields, "service", "max_rate")

    def __init__(self, *, service: str | int, max_rate: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.service = service
        self.max_rate = max_rate

    def trigger(self, **common: Any) -> "WatchTrigger":
        """Return the trigger for the service."""
        from airflow_provider_smmplus.triggers.smmplus import SmmPlusServiceTrigger  # noqa: PLC0415

        rate = amount(self.max_rate, "max_rate")
        service = name_of(self.service, "service")
        return SmmPlusServiceTrigger(service=service, max_rate=None if rate is None else str(rate), **common)
