"""Operators for sheets of orders: check, place, track, write back, or all of it in one."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from airflow.sdk import Context, conf
from airflow.sdk.exceptions import AirflowException, AirflowFailException

from airflow_provider_smmplus.amounts import amount
from airflow_provider_smmplus.links.smmplus import SmmPlusOrdersLink
from airflow_provider_smmplus.operators.base import SmmPlusOperator, airflow_errors, task_name
from airflow_provider_smmplus.results import Json, counted
from airflow_provider_smmplus.waiting import airflow_timeout, checked, deadline_after, must_survive

if TYPE_CHECKING:
    from airflow_provider_smmplus.files import LocalSheet
    from airflow_provider_smmplus.triggers.smmplus import SmmPlusOrdersTrigger
    from bulk.options import Options
    from bulk.outcome import Outcome
    from bulk.plan import Plan
    from smmplus.journal import Entry, Journal


class SheetOperator(SmmPlusOperator):
    """What the operators for sheets share: which sheet, which campaign, and how its rows are taken.

    :param path: the sheet: a path, or anything that Airflow's object storage opens (`s3://`, `gs://`, `file://`)
    :param campaign: the name under which it is ordered; a template that differs from one campaign to the next
    :param object_conn_id: the connection of the object storage
    :param results: where the results go; by default into the file itself, and beside an object
    :param worksheet: which worksheet
    :param encoding: of a CSV that is not UTF-8
    :param skip_bad: leave rows with problems out, and send the rest
    :param allow_duplicates: equal rows are meant
    :param adopt: equal orders placed before are the same
    :param ignore_missing: rows that are gone since the last try are meant to be gone
    :param retry_refused: send rows again that were refused with a text that is in no list
    :param max_spend: what the campaign may spend over all its runs, as a string
    :param expect_rows: how many rows the sheet must hold
    :param expect_total: what the whole sheet must cost, as a string
    """

    template_fields: Sequence[str] = (
        *SmmPlusOperator.template_fields,
        "path", "campaign", "object_conn_id", "results", "worksheet", "max_spend", "expect_rows", "expect_total",
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
        skip_bad: bool = False,
        allow_duplicates: bool = False,
        adopt: bool = False,
        ignore_missing: bool = False,
        retry_refused: bool = False,
        max_spend: str | None = None,
        expect_rows: int | str | None = None,
        expect_total: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.path = path
        self.campaign = campaign
        self.object_conn_id = object_conn_id
        self.results = results
        self.worksheet = worksheet
        self.encoding = encoding
        self.skip_bad = skip_bad
        self.allow_duplicates = allow_duplicates
        self.adopt = adopt
        self.ignore_missing = ignore_missing
        self.retry_refused = retry_refused
        self.max_spend = max_spend
        self.expect_rows = expect_rows
        self.expect_total = expect_total
