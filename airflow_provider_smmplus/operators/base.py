"""What the operators share: the connection, who the task is, and errors in Airflow's terms."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any

from airflow.sdk import NEVER_EXPIRE, BaseOperator, Context  # type: ignore[attr-defined]  # its stub lacks the name
from airflow.sdk.exceptions import AirflowException, AirflowFailException

from airflow_provider_smmplus.connection import DEFAULT_CONN_ID
from airflow_provider_smmplus.given import name_of
from airflow_provider_smmplus.hooks.smmplus import SmmPlusHook
from airflow_provider_smmplus.journals import remember
from airflow_provider_smmplus.keys import TaskName
from smmplus.errors import ConfigurationError

if TYPE_CHECKING:
    from smmplus import Journal


class SmmPlusOperator(BaseOperator):
    """An operator that works through a connection of the type `smmplus`.

    :param smmplus_conn_id: the id of the connection
    """

    template_fields: Sequence[str] = ("smmplus_conn_id",)
    ui_color = "#e8f3ec"

    def __init__(self, *, smmplus_conn_id: str = DEFAULT_CONN_ID, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.smmplus_conn_id = smmplus_conn_id

    @cached_property
    def hook(self) -> SmmPlusHook:
        """The hook of the task's connection."""
        return SmmPlusHook(self.smmplus_conn_id)

    @contextmanager
    def journal(self, context: Context) -> "Iterator[Journal]":
        """Open the journal, and see to it that every try of this task has the same."""
        with self.hook.journal() as journal:
            self.log.info("the journal is %s", journal.where)
            remember(journal.uuid, journal.where, context["task_state_store"], for_ever=NEVER_EXPIRE)
            yield journal

    def known_campaign(self, journal: "Journal", campaign: str) -> int:
        """Give a campaign's number. ConfigurationError where the journal does not know it: it is misspelt."""
        from smmplus.journal.budgets import find_campaign  # noqa: PLC0415 (not while a DAG file is parsed)

        panel, account = self.hook.settings.panel, self.hook.settings.account
        found = find_campaign(journal, journal.ensure_account(panel.url, account), name_of(campaign, "campaign"))
        if found is None:
            raise ConfigurationError(
                f"the journal knows no campaign {campaign!r} of account {account!r}: give the one that was placed"
            )
        return found


def task_name(context: Context) -> TaskName:
    """Say who the task instance is, without the try."""
    instance = context["ti"]
    map_index = -1 if instance.map_index is None else instance.map_index
    return TaskName(instance.dag_id, instance.run_id, instance.task_id, map_index)


@contextmanager
def airflow_errors() -> Iterator[None]:
    """Turn this project's errors into Airflow's: a retry only where one may help.

    A doubt, a refusal, a wrong setting or another journal fails without retries: a retry could change nothing, and a
    person must look. What the panel may take later (out of reach, busy, no funds) fails so that Airflow tries again.
    """
    from bulk.errors import SheetError  # noqa: PLC0415
    from smmplus.errors import (  # noqa: PLC0415
        AddressError,
        BadRowError,
        ConfigurationError,
        JournalConflictError,
        MalformedCallError,
        OrderInDoubtError,
        OrderRefusedError,
        SmmPlusError,
    )

    for_good = (
        AddressError, BadRowError, ConfigurationError, JournalConflictError, MalformedCallError, OrderRefusedError,
        SheetError,
    )  # fmt: skip
    try:
        yield
    except OrderInDoubtError as error:
        raise AirflowFailException(f"{error}; then clear the task: it goes on") from error
    except for_good as error:
        raise AirflowFailException(str(error)) from error
    except SmmPlusError as error:
        raise AirflowException(str(error)) from error
