"""DataFrames: checked, placed once, given back with their results; against a simulated panel in another process."""

import asyncio
import logging
import os
import signal
import threading
from decimal import Decimal

import pandas as pd
import pytest

import bulk
from bulk.files import account_settings
from bulk.model.errors import ExitStatus
from bulk.running.events import RunListener
from bulk.running.interrupts import STOP_REQUEST
from smmplus.api.panel import Panel
from smmplus.errors import ConfigurationError
from smmplus.journal.journal import Journal
from tests.end_to_end.command import wait_until
from tests.panel import SandboxProcess

pytestmark = [pytest.mark.e2e, pytest.mark.covers]

LINK = "https://example.com/post"


@pytest.fixture(scope="module")
def sandbox():
    with SandboxProcess("--speed", "0") as process:
        yield process


@pytest.fixture(autouse=True)
def panel(sandbox, tmp_path, monkeypatch):
    """Set the environment as for the command; give the panel with what this test orders."""
    sandbox.faults()
    sandbox.balance("1000")
    for name, value in (
        ("SMMPLUS_API_KEY", sandbox.key),
        ("SMMPLUS_API_URL", sandbox.address),
        ("SMMPLUS_JOURNAL", f"sqlite:///{tmp_path / 'journal.sqlite3'}"),
    ):
        monkeypatch.setenv(name, value)
    return sandbox


@pytest.fixture
def ordered(sandbox):
    before = sandbox.ledger()["count"]
    return lambda: sandbox.ledger()["count"] - before


@pytest.fixture
def df():
    return pd.DataFrame(
        {"service": [2, 2, 2], "link": [f"{LINK}/{name}" for name in "abc"], "quantity": [100, 200, 300]},
        index=["a", "b", "c"],
    )


def run(df, campaign="week", **more):
    return bulk.run(df, campaign=campaign, rate=0, **more)


def check(df, **more):
    return bulk.check(df, rate=0, **more)


# Checking.


def test_a_check_gives_problems_and_prices(df, ordered):
    df = df.astype({"quantity": object})
    df.loc["b", "quantity"] = 10.5
    found = check(df, campaign="week")
    assert found.problems.tolist() == [
        "",
        "row b, quantity: is not a whole number (make it a whole number, or text)",
        "",
    ]
    assert [str(price) for price in found.price] == ["0.035", "None", "0.105"]
    assert found.attrs == {
        "campaign": "week",
        "rows": 3,
        "to_send": 2,
        "total": "0.14",
        "balance": "1000",
        "currency": "USD",
        "fingerprint": found.attrs["fingerprint"],
        "blocked": "1 row has problems. Fix it, or pass skip_bad=True to place the other 2",
        "repeats": "",
    }
    assert ordered() == 0


def test_a_check_leaves_the_frame_as_it_is_and_keeps_its_other_columns(df):
    df["note"] = ["x", None, 1]
    before = df.copy(deep=True)
    found = check(df)
    pd.testing.assert_frame_equal(df, before)
    pd.testing.assert_frame_equal(found[list(df.columns)], before)
    assert list(found.columns) == [*df.columns, "problems", "warnings", "price"]


def test_what_a_check_gives_back_can_be_checked_and_run(df, ordered):
    again = check(check(df, campaign="week"), campaign="week")
    assert list(again.columns) == [*df.columns, "problems", "warnings", "price"]
    run(again)
    assert ordered() == 3


def test_every_problem_of_a_row_is_told_in_words_of_python(df):
    df = pd.concat([df, df.loc[["a"]].rename({"a": "d"})])
    found = check(df)
    assert found.problems["d"] == (
        "row d: duplicate of row a (delete the row, or pass allow_duplicates=True if both are meant)"
    )
    assert check(df, allow_duplicates=True).problems["d"] == ""


def test_a_problem_of_all_rows_stands_at_each(df):
    df["charge"] = "mine"
    assert [text.partition(":")[0] for text in check(df).problems] == ["column D"] * 3


def test_second_thoughts_are_a_column(df):
    run(df)
    df.loc["c", "quantity"] = 301
    df.loc["b", "link"] = "http://www.example.com/post/b/"
    warnings = check(df, campaign="week").warnings
    assert warnings["a"] == ""
    assert f"as {LINK}/b, which differs only in form" in warnings["b"]
    assert "with quantity 300: order " in warnings["c"]
    assert check(df).warnings.tolist() == ["", "", ""]  # nothing was ordered in no campaign


def test_what_is_placed_has_no_price(df):
    run(df.head(1))
    found = check(df, campaign="week")
    assert found.price.tolist() == [None, Decimal("0.07"), Decimal("0.105")]
    assert (found.problems == "").all()


def test_a_row_that_equals_an_order_of_the_campaign_is_a_question(df):
    run(df.head(1), name="first")
    text = check(df, campaign="week").problems["a"]
    assert text.startswith("equals an order placed before: order ")
    assert "adopt=True" in text
    assert "campaign='week 2'" in text
    assert (check(df, campaign="week", adopt=True).problems == "").all()


def test_labels_may_be_doubled(df):
    df.index = [7, 7, 8]
    found = check(df)
    assert (found.index.tolist(), len(found)) == ([7, 7, 8], 3)
    assert run(df).order_id.nunique() == 3


# Running.


def test_every_row_is_placed_once_and_given_back_with_its_results(df, panel, ordered):
    before = df.copy(deep=True)
    placed = run(df)
    pd.testing.assert_frame_equal(df, before)
    pd.testing.assert_frame_equal(placed[list(df.columns)], before)
    assert list(placed.columns) == [
        *df.columns, "order_id", "order_status", "charge", "start_count", "remains", "currency", "error", "updated_at",
    ]  # fmt: skip
    orders = {str(order["order"]): order["link"] for order in panel.orders()[-3:]}
    assert dict(zip(placed.order_id, placed.link, strict=True)) == orders
    assert ordered() == 3


def test_results_are_of_types_to_count_with(df, panel):
    placed = run(df)
    assert placed.order_status.tolist() == ["Placed"] * 3
    assert placed.charge.tolist() == [None] * 3
    now = bulk.status(df, campaign="week", rate=0)
    assert now.order_id.tolist() == placed.order_id.tolist()
    assert sum(now.charge) == Decimal("0.21")
    assert (str(now.start_count.dtype), str(now.remains.dtype)) == ("Int64", "Int64")
    assert now.remains.sum() == 600
    assert isinstance(now.updated_at.dtype, pd.DatetimeTZDtype)
    assert now.error.tolist() == [""] * 3


def test_called_again_nothing_is_placed_again(df, ordered):
    first = run(df)
    assert run(df).order_id.tolist() == first.order_id.tolist()
    assert run(first).order_id.tolist() == first.order_id.tolist()
    assert run(first.iloc[::-1]).order_id.tolist() == first.order_id.tolist()[::-1]
    assert ordered() == 3


def test_what_is_given_back_can_be_run_by_itself(df, ordered):
    now = bulk.status(run(df), campaign="week", rate=0)
    assert run(now, name="another").order_id.tolist() == now.order_id.tolist()
    assert ordered() == 3


def test_another_campaign_is_ordered_anew(df, ordered):
    assert set(run(df).order_id).isdisjoint(run(df, "next").order_id)
    assert ordered() == 6


def test_a_further_frame_of_the_campaign_has_its_own_name(df, ordered):
    run(df.head(2))
    with pytest.raises(bulk.RunError, match=r"have no row any more.*ignore_missing=True"):
        run(df.tail(1))
    run(df.tail(1), name="the rest")
    assert ordered() == 3


def test_results_go_into_the_columns_that_are_there(df):
    df.insert(0, "Order ID", "")
    placed = run(df)
    assert "order_id" not in placed.columns
    assert placed.columns[0] == "Order ID"
    assert (placed["Order ID"] != "").all()


def test_with_problems_nothing_is_sent_and_the_error_says_where(df, ordered):
    df.loc["b", "quantity"] = 1
    with pytest.raises(bulk.RunError) as caught:
        run(df)
    assert str(caught.value) == (
        "Nothing was placed. 1 row has problems. Fix it, or pass skip_bad=True to place the other 2; "
        "row b, quantity: 1 is less than the service's minimum (at least 10)"
    )
    assert caught.value.exit_status is ExitStatus.PROBLEMS
    assert [problem.where for problem in caught.value.problems] == ["row b, quantity"]
    assert caught.value.results.error.tolist() == [
        "",
        "row b, quantity: 1 is less than the service's minimum (at least 10)",
        "",
    ]
    assert ordered() == 0


def test_rows_with_problems_are_left_out_when_told(df, ordered):
    df.loc["b", "quantity"] = 1
    placed = run(df, skip_bad=True)
    assert (placed.order_id != "").tolist() == [True, False, True]
    assert placed.error["b"].startswith("row b, quantity: 1 is less")
    assert ordered() == 2


def test_rows_that_the_panel_refuses_say_why(df, panel, caplog):
    panel.faults({"fault": "refuse", "action": "add", "calls": [2], "text": "Bad link"})
    placed = run(df, in_flight=1)
    assert "rejected by the panel (1):" in caplog.text
    assert "row b https://" in caplog.text
    assert placed.order_status.tolist() == ["Placed", "Rejected", "Placed"]
    assert placed.error["b"] == "Bad link"


def test_an_order_in_doubt_is_an_error_that_carries_the_results(df, panel, ordered):
    panel.faults({"fault": "drop_after_accept", "action": "add", "calls": [1]})
    with pytest.raises(
        bulk.RunError, match=r"1 in doubt, and not sent again; .*`smmplus resolve \S+ --order-id NUMBER`"
    ) as caught:
        run(df, in_flight=1)
    assert caught.value.exit_status is ExitStatus.IN_DOUBT
    assert caught.value.results.order_status.tolist() == ["In doubt", "Placed", "Placed"]
    assert bulk.status(df, campaign="week", rate=0).order_status["a"] == "In doubt"
    with pytest.raises(bulk.RunError, match="1 in doubt"):
        run(df)
    assert ordered() == 3


def test_a_balance_that_is_too_small_is_an_error_before_anything_is_sent(df, panel, ordered):
    panel.balance("0.1")
    with pytest.raises(
        bulk.RunError, match=r"stopped: the balance is too small \(short by 0.11\); 3 not sent"
    ) as caught:
        run(df)
    assert caught.value.exit_status is ExitStatus.ACCOUNT
    assert ordered() == 0
    panel.balance("1000")
    assert (run(df).order_id != "").all()


@pytest.mark.parametrize("budget", ["0.11", Decimal("0.11")])
def test_a_budget_holds(df, ordered, budget):
    with pytest.raises(bulk.RunError, match="budget") as caught:
        run(df, max_spend=budget, in_flight=1)
    assert caught.value.results.order_status.tolist() == ["Placed", "Placed", "Not sent"]
    assert ordered() == 2


@pytest.mark.parametrize(
    "wrong",
    [
        {"max_spend": 0.11},
        {"max_spend": "1,000"},
        {"expect_total": True},
        {"first": -1},
        {"campaign": ""},
        {"campaign": None},
        {"name": " "},
    ],
)
def test_amounts_are_exact_and_names_are_names(df, ordered, wrong):
    with pytest.raises(ConfigurationError, match=next(iter(wrong))):
        run(df, **wrong)
    assert ordered() == 0


def test_what_is_expected_must_come_true(df, ordered):
    with pytest.raises(bulk.RunError, match="Expected 4 rows with orders, found 3"):
        run(df, expect_rows=4)
    assert ordered() == 0
    assert len(run(df, expect_rows=3, expect_total="0.21")) == 3


def test_what_was_approved_is_placed_and_nothing_else(df, ordered):
    found = check(df, campaign="week").attrs["fingerprint"]
    changed = df.assign(link=[f"{link}?x=1" for link in df["link"]])
    with pytest.raises(bulk.RunError, match="not what was approved") as raised:
        run(changed, expect_fingerprint=found)
    assert "--" not in str(raised.value)
    assert ordered() == 0
    for _ in range(2):
        assert len(run(df, expect_fingerprint=found)) == 3
    assert ordered() == 3
    with pytest.raises(ConfigurationError, match="expect_fingerprint is ''"):
        run(df, expect_fingerprint="")


def test_rows_that_a_column_leaves_out_are_not_ordered(df, ordered):
    df["skip"] = [False, True, False]
    assert (run(df).order_id != "").tolist() == [True, False, True]
    assert ordered() == 2


def test_the_first_rows_alone(df, ordered):
    assert (run(df, first=1).order_id != "").tolist() == [True, False, False]
    assert ordered() == 1


def test_a_frame_without_orders_is_given_back(df, ordered):
    assert run(df.head(0)).empty
    assert ordered() == 0


# Where it runs.


def test_panel_and_journal_may_be_given(df, panel, tmp_path, monkeypatch, ordered):
    for name in ("SMMPLUS_API_KEY", "SMMPLUS_API_URL", "SMMPLUS_JOURNAL"):
        monkeypatch.delenv(name)
    given = Panel(key=panel.key, url=panel.address)
    url = f"sqlite:///{tmp_path / 'given.sqlite3'}"
    placed = run(df, panel=given, journal=url)
    with Journal(url) as journal:
        assert run(df, panel=given, journal=journal).order_id.tolist() == placed.order_id.tolist()
        assert (check(df, campaign="week", panel=given, journal=journal).problems == "").all()
    assert ordered() == 3


def test_an_account_whose_panel_is_given_is_the_one_that_the_journal_knows(df, panel, tmp_path, ordered):
    given = Panel(key=panel.key, url=panel.address)
    with Journal(f"sqlite:///{tmp_path / 'given.sqlite3'}") as journal:
        run(df, account="Shop", panel=given, journal=journal)
        account = journal.ensure_account(panel.address, "Shop")
        assert len(journal.of_campaign(journal.ensure_campaign(account, "week"))) == 3


def test_a_key_that_is_missing_is_told_as_by_the_command(df, monkeypatch):
    monkeypatch.delenv("SMMPLUS_API_KEY")
    with pytest.raises(ConfigurationError, match="set SMMPLUS_API_KEY"):
        run(df)
    with pytest.raises(ConfigurationError, match="set SMMPLUS_API_KEY_SHOP"):
        run(df, account="Shop")


def test_a_kept_key_and_the_default_account_are_those_of_the_commands(df, sandbox, monkeypatch, tmp_path, ordered):
    monkeypatch.delenv("SMMPLUS_API_KEY")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    account_settings.keep("shop", default=True)
    account_settings.keep_key("shop", sandbox.key)
    run(df)
    with Journal(os.environ["SMMPLUS_JOURNAL"]) as journal:
        account = journal.ensure_account(sandbox.address, "shop")
        assert len(journal.of_campaign(journal.ensure_campaign(account, "week"))) == ordered() == 3
    with pytest.raises(ConfigurationError, match="no API key for account 'default'"):
        run(df, account="default")


def test_it_runs_inside_an_event_loop_as_in_a_notebook(df, ordered):
    async def cell():
        return run(df), bulk.status(df, campaign="week", rate=0)

    placed, now = asyncio.run(cell())
    assert placed.order_id.tolist() == now.order_id.tolist()
    assert ordered() == 3


def test_errors_leave_an_event_loop_as_they_are(df):
    async def cell():
        run(df, expect_rows=4)

    with pytest.raises(bulk.RunError):
        asyncio.run(cell())


class Interrupting(RunListener):
    """Presses Ctrl-C in the main thread at some moment, and goes on when it was heard."""

    def __init__(self, moment, times=1):
        super().__init__(agreed=True)
        self._moment = moment
        self._times = times

    def planned(self, _plan):
        self._press("planned")

    def placed(self, _row, _placed):
        self._press("placed")

    def _press(self, moment):
        if moment == self._moment:
            self._moment = ""
            for _ in range(self._times):
                signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
                wait_until(lambda: STOP_REQUEST.get()._asked, "the main thread hears Ctrl-C")


@pytest.mark.parametrize(("moment", "most"), [("planned", 0), ("placed", 2)])
def test_an_interrupt_in_a_notebook_stops_placing_in_good_order(df, ordered, moment, most):
    async def cell():
        return run(df, listener=Interrupting(moment), in_flight=1)

    loop = asyncio.new_event_loop()  # asyncio.run would turn the signal into a cancellation; a notebook does not
    try:
        with pytest.raises(bulk.RunError, match=r"it was asked to stop \(interrupted\)") as caught:
            loop.run_until_complete(cell())
    finally:
        loop.close()
    placed = (caught.value.results.order_id != "").sum()
    assert placed <= most
    assert ordered() == placed
    assert (run(df).order_id != "").all()
    assert ordered() == 3


def test_a_second_interrupt_waits_no_longer_and_the_run_ends_in_good_order(df, ordered):
    async def cell():
        return run(df, listener=Interrupting("placed", times=2), in_flight=1)

    loop = asyncio.new_event_loop()
    try:
        with pytest.raises(KeyboardInterrupt):
            loop.run_until_complete(cell())
    finally:
        loop.close()
    for thread in threading.enumerate():
        if thread.name == "smmplus run":
            thread.join()
    assert ordered() in {1, 2}
    assert (run(df).order_id != "").all()
    assert ordered() == 3


def test_what_a_person_should_know_goes_to_the_log(df, caplog):
    df.loc["b", "link"] = f"{LINK}/a/"
    with caplog.at_level(logging.WARNING, "bulk"):
        run(df)
    said = [record.getMessage() for record in caplog.records if record.name == "bulk"]
    assert said[0] == f"row b, link: differs only in form from row a, link, for the same service: {LINK}/a"
    assert "First run for account 'default'" in said[1]


def test_of_thousands_of_second_thoughts_the_first_are_logged(caplog):
    links = [f"{LINK}{'/' * number}" for number in range(25)]
    df = pd.DataFrame({"service": 2, "link": links, "quantity": 100})
    with caplog.at_level(logging.WARNING, "bulk"), pytest.raises(bulk.RunError):
        run(df, expect_rows=1)
    assert "and 4 more warnings" in [record.getMessage() for record in caplog.records]
