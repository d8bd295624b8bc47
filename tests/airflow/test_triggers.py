"""Triggers, run as the triggerer runs them, against the simulated panel."""

import asyncio
import json
import subprocess
import sys
import time

import pytest
from airflow.sdk.serde import deserialize, serialize

from airflow_provider_smmplus.operators._deferral import must_survive
from airflow_provider_smmplus.triggers import smmplus as triggers
from airflow_provider_smmplus.triggers.smmplus import (
    SmmPlusBalanceTrigger,
    SmmPlusOrdersTrigger,
    SmmPlusRefillsTrigger,
    SmmPlusServiceTrigger,
)
from airflow_provider_smmplus.utils.pollers import UNKNOWN_ROUNDS
from smmplus import OrderRequest

COMMON = {"smmplus_conn_id": "smmplus_default", "poll_interval": 0.01, "deadline": None}
HERE = "airflow_provider_smmplus.triggers.smmplus"


def orders(*ids, **more):
    return SmmPlusOrdersTrigger(order_ids=ids, **(COMMON | more))


def refills(*ids, **more):
    return SmmPlusRefillsTrigger(refill_ids=ids, **(COMMON | more))


def balance(at_least, **more):
    return SmmPlusBalanceTrigger(at_least=at_least, **(COMMON | more))


def service(number, max_rate=None, **more):
    return SmmPlusServiceTrigger(service=number, max_rate=max_rate, **(COMMON | more))


async def first(trigger):
    """Give what the trigger's first event says; there is only one."""
    found = [event.payload async for event in trigger.run()]
    assert len(found) == 1
    assert json.loads(json.dumps(found[0])) == found[0]
    return found[0]


async def rounds(sandbox, action, count):
    """Wait until the panel was asked so many times more."""
    before = await asyncio.to_thread(sandbox.calls, action)
    while await asyncio.to_thread(sandbox.calls, action) < before + count:
        pass


@pytest.fixture(autouse=True)
def connected(connect, impatient):
    connect()


@pytest.mark.parametrize(
    ("trigger", "name", "arguments"),
    [
        (
            orders("501", "502", statuses=["Completed"], cancel_on_kill=True),
            "SmmPlusOrdersTrigger",
            {"order_ids": ["501", "502"], "statuses": ["Completed"], "cancel_on_kill": True},
        ),
        (orders("501"), "SmmPlusOrdersTrigger", {"order_ids": ["501"], "statuses": [], "cancel_on_kill": False}),
        (refills("7"), "SmmPlusRefillsTrigger", {"refill_ids": ["7"]}),
        (balance("12.50"), "SmmPlusBalanceTrigger", {"at_least": "12.50"}),
        (service("1", "0.90"), "SmmPlusServiceTrigger", {"service": "1", "max_rate": "0.90"}),
        (service("1"), "SmmPlusServiceTrigger", {"service": "1", "max_rate": None}),
    ],
)
def test_what_a_trigger_is_made_of_anew(trigger, name, arguments):
    assert trigger.serialize() == (f"{HERE}.{name}", arguments | COMMON)


@pytest.mark.parametrize(
    "trigger",
    [
        orders(*map(str, range(10_000)), statuses=["Completed"], deadline=1790000000.25, poll_interval=60),
        refills("7", deadline=1790000000.25),
        balance("0.000000000000000001"),
        service("1", "0.90"),
    ],
    ids=lambda trigger: type(trigger).__name__,
)
def test_the_arguments_survive_the_way_to_the_triggerer(trigger):
    _, arguments = trigger.serialize()
    back = deserialize(json.loads(json.dumps(serialize(arguments))))
    assert back == arguments
    assert type(trigger)(**back).serialize() == trigger.serialize()
    must_survive(trigger)


@pytest.mark.parametrize("make", [lambda **more: orders("501", **more), lambda **more: balance("1", **more)])
def test_the_deadline_is_a_moment_that_another_triggerer_keeps(make):
    assert make(deadline=1790000000.25).serialize()[1]["deadline"] == 1790000000.25


def test_the_key_is_in_no_argument(sandbox):
    assert sandbox.key not in str(orders("501").serialize())


async def test_orders_that_are_over_end_the_wait(place, done):
    numbers = [place(number) for number in (1, 22, 23, 24)]
    done()
    assert await first(orders(*numbers)) == {
        "status": "done",
        "message": "",
        "counts": {"Completed": 2, "Partial": 1, "Canceled": 1},
    }


async def test_an_order_that_ended_otherwise_can_never_get_there(place, done):
    number = place(22)
    done()
    event = await first(orders(number, statuses=["Completed"]))
    assert event == {"status": "failed", "message": f"order {number}: ended as Partial", "counts": {"Partial": 1}}


async def test_the_wait_goes_on_until_the_last_is_over(place, sandbox, done):
    """Of two orders one is over from the first look on."""
    over = place(23)
    done()
    waiting = asyncio.create_task(first(orders(over, place(1))))
    await rounds(sandbox, "status", 3)
    assert not waiting.done()
    await asyncio.to_thread(done)
    assert (await waiting)["counts"] == {"Canceled": 1, "Completed": 1}


async def test_a_status_on_the_way_can_be_waited_for(place, sandbox):
    number = place(1)
    sandbox.advance(200)
    event = await first(orders(number, statuses=["In progress"]))
    assert (event["status"], event["counts"]) == ("done", {"In progress": 1})


@pytest.mark.parametrize(
    "fault",
    [
        {"fault": "drop_before_accept"},
        {"fault": "drop_after_accept", "reset": True},
        {"fault": "html"},
        {"fault": "http_502"},
        {"fault": "empty"},
        {"fault": "truncated_json"},
        {"fault": "maintenance"},
        {"fault": "429", "retry_after": 0},
        {"fault": "refuse", "text": "Something that is in no list"},
    ],
    ids=lambda fault: fault["fault"],
)
async def test_a_panel_that_fails_for_a_while_is_asked_again(place, sandbox, done, fault):
    number = place()
    done()
    sandbox.faults({**fault, "action": "status", "calls": [1, 2, 3]})
    event = await first(orders(number))
    assert (event["status"], event["counts"]) == ("done", {"Completed": 1})
    assert sandbox.faults_applied() == [3]


async def test_a_panel_that_is_gone_is_asked_until_the_time_is_over(connect):
    connect(host="http://127.0.0.1:9/api/v2")
    event = await first(orders("501", deadline=time.time() + 0.1))
    assert (event["status"], event["message"]) == ("timeout", "timed out; ")


async def test_a_look_that_hangs_does_not_outlast_the_deadline(place, sandbox, monkeypatch):
    monkeypatch.setattr(triggers, "LAST_LOOK", 0.1)
    number = place()
    sandbox.faults({"fault": "hang_before_accept", "action": "status", "seconds": 30})
    began = time.monotonic()
    event = await first(orders(number, deadline=time.time() + 0.2))
    assert event["status"] == "timeout"
    assert time.monotonic() - began < 4, "the read time-out is 5 seconds"


async def test_when_the_time_is_over_it_says_where_things_stand(place):
    number = place()
    event = await first(orders(number, deadline=time.time() - 1))
    assert event == {
        "status": "timeout",
        "message": "timed out; orders: 1 Pending; 1 open",
        "counts": {"Pending": 1},
    }


async def test_a_restarted_trigger_keeps_its_deadline_and_looks_once_more(place, done):
    _, arguments = orders(place(), deadline=time.time() - 100).serialize()
    done()
    assert (await first(SmmPlusOrdersTrigger(**deserialize(serialize(arguments)))))["status"] == "done"


async def test_pauses_grow_while_the_panel_does_not_answer_and_never_pass_the_deadline():
    trigger = orders("501", poll_interval=100, deadline=time.time() + 5)
    assert 0 < trigger._until_next(100) <= 5
    assert orders("501")._until_next(100) == 100
    assert orders("501", deadline=0.0)._until_next(100) == 0


async def test_an_account_that_is_refused_ends_the_wait(connect, sandbox):
    connect(password="not-the-key-0123456789")
    event = await first(orders("501"))
    assert event["status"] == "failed"
    assert "key" in event["message"].casefold()
    assert "not-the-key" not in event["message"]
    assert sandbox.key not in event["message"]


@pytest.mark.parametrize("wrong", [{"password": ""}, {"extra": {"read_timeout": "soon"}}])
async def test_a_connection_that_is_wrong_ends_the_wait_in_words(connect, wrong):
    connect(**wrong)
    event = await first(orders("501"))
    assert event["status"] == "failed"
    assert event["message"].startswith("connection 'smmplus_default'")


async def test_an_unknown_order_is_believed_to_be_unknown_after_some_rounds(place, sandbox, done):
    number = place()
    done()
    before = sandbox.calls("status")
    event = await first(orders(number, "999999"))
    assert event["status"] == "failed"
    assert event["message"] == "order 999999: the panel does not know"
    assert sandbox.calls("status") == before + UNKNOWN_ROUNDS


async def test_who_ends_the_task_does_not_end_the_order(place, sandbox):
    before = sandbox.calls("cancel")
    await orders(place()).on_kill()
    assert sandbox.calls("cancel") == before


async def test_who_ends_the_task_ends_the_order_if_the_author_wanted_that(place, client, done):
    number = place()
    await orders(number, cancel_on_kill=True).on_kill()
    done()
    assert client.order_status(number).status == "Canceled"


async def test_refills_that_are_over_end_the_wait(place, client, done):
    number = place(1)
    done()
    refill = client.refill(number)
    done()
    assert await first(refills(refill)) == {"status": "done", "message": "", "counts": {"Completed": 1}}


async def test_a_rejected_refill_fails_the_wait(client, link, done):
    number = client.add_order(OrderRequest.of(26, {"link": link, "quantity": 100}))
    done()
    refill = client.refill(number)
    done()
    event = await first(refills(refill))
    assert (event["status"], event["message"]) == ("failed", f"refill {refill}: ended as Rejected")


async def test_a_refill_under_way_is_waited_for(place, client, done):
    number = place(1)
    done()
    event = await first(refills(client.refill(number), deadline=0.0))
    assert (event["status"], event["counts"]) == ("timeout", {"Pending": 1})


@pytest.mark.parametrize(("held", "ends"), [("100", "done"), ("99.99", "timeout")])
async def test_the_balance_is_compared_exactly(sandbox, held, ends):
    sandbox.balance(held)
    assert (await first(balance("100", deadline=0.0)))["status"] == ends


async def test_a_balance_that_is_topped_up_ends_the_wait(sandbox):
    sandbox.balance("1")
    waiting = asyncio.create_task(first(balance("50")))
    await rounds(sandbox, "balance", 2)
    assert not waiting.done()
    sandbox.balance("50")
    assert (await waiting)["status"] == "done"


@pytest.mark.parametrize(
    ("number", "max_rate", "ends", "words"),
    [
        ("1", None, "done", ""),
        ("1", "0.9", "done", ""),
        ("1", "0.89", "timeout", "timed out; service 1 is offered at 0.90, waited for: at most 0.89"),
        ("77777", None, "timeout", "timed out; service 77777 is not offered"),
    ],
)
async def test_a_service_is_waited_for_at_its_rate(number, max_rate, ends, words):
    event = await first(service(number, max_rate, deadline=0.0))
    assert (event["status"], event["message"]) == (ends, words)


_LOOK = """
import asyncio, sys, threading
from airflow_provider_smmplus.triggers.smmplus import SmmPlusOrdersTrigger

class Seen:
    def find_spec(self, name, *_):
        if threading.current_thread() is threading.main_thread():
            print("imported", name)

async def look():
    trigger = SmmPlusOrdersTrigger(smmplus_conn_id="smmplus_default", order_ids=["1"], poll_interval=0.01, deadline=0.0)
    sys.meta_path.insert(0, Seen())
    print((await trigger.wait()).status)

asyncio.run(look())
"""


@pytest.mark.slow
def test_nothing_heavy_is_imported_in_the_event_loop(connect):
    """SQLAlchemy would hold up every other trigger for a tenth of a second."""
    connect()
    done = subprocess.run([sys.executable, "-c", _LOOK], capture_output=True, text=True, check=True)
    assert "timeout" in done.stdout
    imported = {line.split()[1].split(".")[0] for line in done.stdout.splitlines() if line.startswith("imported")}
    assert imported.isdisjoint({"sqlalchemy", "aiohttp", "pandas", "requests", "certifi", "filelock"}), imported
