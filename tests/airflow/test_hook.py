"""The hook: every action, synchronous and asynchronous, against the simulated panel."""

import logging

import pytest
from airflow.sdk.exceptions import AirflowNotFoundException

from airflow_provider_smmplus.hooks.smmplus import SmmPlusHook
from smmplus.errors import (
    ConfigurationError,
    FollowUpError,
    JournalConflictError,
    OrderInDoubtError,
    OrderRefusedError,
)
from smmplus.journal.state_machine import State


@pytest.fixture(autouse=True)
def fast(impatient):
    pass


@pytest.fixture
def hook(home, connect):
    connect()
    return SmmPlusHook()


@pytest.fixture
def order(link):
    return {"service": 1, "link": link, "quantity": 100}


def test_what_airflow_asks_of_a_hook():
    assert (SmmPlusHook.conn_name_attr, SmmPlusHook.default_conn_name) == ("smmplus_conn_id", "smmplus_default")
    assert SmmPlusHook().smmplus_conn_id == "smmplus_default"
    assert SmmPlusHook("shop").smmplus_conn_id == "shop"


def test_testing_the_connection_asks_for_the_balance(hook, sandbox):
    sandbox.balance("100.84")
    assert hook.test_connection() == (True, "connected: the balance is 100.84 USD")


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"password": "not-the-key-0123456789"}, "key"),
        ({"password": ""}, "has no API key"),
        ({"host": "http://127.0.0.1:9/api/v2"}, "the panel could not be reached"),
        ({"extra": {"rate": "fast"}}, "rate is 'fast'"),
    ],
)
def test_testing_a_wrong_connection_says_what_is_wrong(hook, connect, sandbox, wrong, words):
    connect(**wrong)
    is_well, said = hook.test_connection()
    assert not is_well
    assert words in said
    assert "not-the-key" not in said
    assert sandbox.key not in said


def test_a_connection_that_is_not_there_is_named(home):
    with pytest.raises(AirflowNotFoundException, match="nowhere"):
        SmmPlusHook("nowhere").balance()


async def test_each_action_is_the_same_both_ways(hook, place, done):
    numbers = [place(number) for number in (1, 22)]
    done()
    assert hook.services() == await hook.aservices()
    assert hook.balance() == await hook.abalance()
    assert hook.order_status(numbers[0]) == await hook.aorder_status(numbers[0])
    statuses = hook.order_statuses([*numbers, "999999"])
    assert [statuses[number].status for number in numbers] == ["Completed", "Partial"]
    assert isinstance(statuses["999999"], FollowUpError)
    again = await hook.aorder_statuses([*numbers, "999999"])
    assert [again[number] for number in numbers] == [statuses[number] for number in numbers]


async def test_refills_both_ways_are_one(hook, place, done):
    numbers = [place(1)]
    done()
    asked = await hook.arefills(numbers, key="spring")
    assert await hook.arefills(numbers, key="spring") == asked
    refill = asked[numbers[0]].answer
    assert hook.refill_status(refill) == await hook.arefill_status(refill) == "Pending"
    assert hook.refill_statuses([refill]) == await hook.arefill_statuses([refill]) == {refill: "Pending"}


def test_refills_and_cancels_are_asked_for_once(hook, place, sandbox, done):
    number = place(1)
    before = sandbox.calls("cancel")
    assert hook.cancel([number], key="spring") == hook.cancel([number], key="spring")
    assert sandbox.calls("cancel") == before + 1
    other = place(1)
    done()
    assert hook.refills([other], key="spring") == hook.refills([other], key="spring")


async def test_an_order_is_placed_once_under_its_key_both_ways(hook, order, ordered):
    placed = await hook.aplace_order(key="spring/1", campaign="own", **order)
    assert placed.state is State.PLACED
    assert (await hook.aplace_order(key="spring/1", campaign="own", **order)).order_id == placed.order_id
    assert len(ordered()) == 1


def test_the_same_key_in_a_plain_function(hook, order, ordered):
    ids = {hook.place_order(key="spring", campaign="own", **order).order_id for _ in range(2)}
    assert len(ids) == len(ordered()) == 1


def test_the_same_key_for_something_else_is_an_error(hook, order, ordered):
    hook.place_order(key="spring", campaign="own", **order)
    with pytest.raises(JournalConflictError, match="belongs to another order"):
        hook.place_order(key="spring", campaign="own", **order | {"quantity": 200})
    assert len(ordered()) == 1


def test_a_refusal_and_a_doubt_are_told_apart(hook, order, sandbox, ordered):
    sandbox.faults({"fault": "refuse", "action": "add", "text": "Incorrect link", "calls": [1]})
    with pytest.raises(OrderRefusedError):
        hook.place_order(key="one", campaign="own", **order)
    sandbox.faults({"fault": "drop_after_accept", "action": "add"})
    with pytest.raises(OrderInDoubtError):
        hook.place_order(key="two", campaign="own", **order)
    assert len(ordered()) == 1


def test_the_journal_is_under_airflow_home(hook, home):
    with hook.journal() as journal:
        assert journal.path == home / "smmplus" / "journal.sqlite3"


def test_a_file_is_refused_where_workers_do_not_share_a_disk(hook, monkeypatch):
    monkeypatch.setenv("AIRFLOW__CORE__EXECUTOR", "CeleryExecutor")
    with pytest.raises(ConfigurationError, match="the workers do not share a disk"):
        hook.journal()


def test_a_session_of_ones_own_reaches_the_panel(hook, sandbox):
    with hook.get_conn() as session:
        form = {"key": sandbox.key, "action": "balance"}
        answer = session.post(sandbox.address, data=form, timeout=10)
    assert answer.json()["currency"] == "USD"


def test_the_key_is_in_no_repr_and_no_log(hook, sandbox, caplog, order):
    caplog.set_level(logging.DEBUG)
    hook.place_order(key="spring", campaign="own", **order)
    assert sandbox.key not in f"{hook!r} {hook.settings!r} {caplog.text}"


@pytest.mark.parametrize("nothing", [{"key": ""}, {"key": "None"}, {"campaign": " "}])
def test_a_key_or_campaign_that_came_to_nothing_places_nothing(hook, order, ordered, nothing):
    """An empty key would make all orders one."""
    with pytest.raises(ConfigurationError, match="its template rendered no value"):
        hook.place_order(**{"key": "one", "campaign": "spring", **order, **nothing})
    assert ordered() == []
