"""The operators for single orders, run by Airflow's task runner; the simulated panel's ledger is the judge."""

import json
import os
import signal
import threading
import time
from datetime import timedelta
from decimal import Decimal

import pytest
from airflow.sdk.exceptions import AirflowException, AirflowFailException

from airflow_provider_smmplus.hooks.smmplus import SmmPlusHook
from airflow_provider_smmplus.operators.orders import (
    SmmPlusAddOrderOperator,
    SmmPlusCancelOperator,
    SmmPlusOrderStatusOperator,
)
from airflow_provider_smmplus.utils.connection import REMEMBERED
from smmplus import OrderRequest
from smmplus.journal.entry import Planned
from smmplus.journal.group_commit import Intent
from smmplus.journal.journal import Journal
from smmplus.placing.place_order import find_order

pytestmark = pytest.mark.e2e

ADD = SmmPlusAddOrderOperator
KEY = "campaign/campaign|manual__2026-02-03|task|-1"


@pytest.fixture(autouse=True)
def fast(impatient):
    pass


@pytest.fixture
def order(link):
    """Give the arguments of an order of the test's own."""
    return {"service": 1, "link": link, "quantity": "100"}


def failed_for_good(ran):
    assert ran.state == "failed", ran
    assert isinstance(ran.error, AirflowFailException)
    return str(ran.error)


def failed_for_now(ran):
    assert ran.state == "up_for_retry", ran
    assert isinstance(ran.error, AirflowException)
    assert not isinstance(ran.error, AirflowFailException)
    return str(ran.error)


def test_an_order_is_placed_and_told(airflow, ordered, order, link):
    ran = airflow.run(ADD, **order)
    assert ran.state == "success"
    (placed,) = ordered()
    sent_at = ran.result.pop("sent_at")
    assert ran.result == {
        "order_id": str(placed["order"]),
        "key": KEY,
        "state": "placed",
        "service": "1",
        "link": link,
        "quantity": "100",
        "expected_charge": "0.09",
    }
    assert sent_at.endswith("+00:00")
    assert json.loads(json.dumps(ran.result)) == ran.result


def test_templates_are_rendered_before_anything_is_made_of_them(airflow, link):
    given = {"service": "{{ 1 }}", "link": link + "?{{ run_id }}", "quantity": "{{ 5 * 20 }}", "order_key": "{{ ds }}"}
    result = airflow.run(ADD, **given).result
    assert (result["quantity"], result["key"]) == ("100", "campaign/campaign|task|2026-02-03")
    assert result["link"] == f"{link}?manual__2026-02-03"


@pytest.mark.parametrize("tries", [1, 3])
def test_a_retry_or_a_clear_is_the_same_order(airflow, ordered, order, tries):
    results = [airflow.run(ADD, **order).result for _ in range(1 + tries)]
    assert all(result == results[0] for result in results)
    assert len(ordered()) == 1


def test_another_run_is_another_order(airflow, ordered, order):
    runs = [airflow.run(ADD, **order), airflow.run(ADD, **order, run_id="later")]
    assert len({ran.result["order_id"] for ran in runs}) == len(ordered()) == 2


def test_a_key_of_ones_own_is_one_order_in_every_run(airflow, ordered, order):
    for run_id in ("one", "other"):
        assert airflow.run(ADD, **order, run_id=run_id, order_key="spring").state == "success"
    assert len(ordered()) == 1


@pytest.mark.parametrize("name", ["order_key", "campaign", "max_spend"])
@pytest.mark.parametrize("nothing", ["{{ '' }}", "{{ none }}"])
def test_a_template_that_came_to_nothing_places_nothing(airflow, ordered, order, name, nothing):
    """All runs would be one order; the order would count against another budget, or none."""
    assert " is '" in failed_for_good(airflow.run(ADD, **order, **{name: nothing}))
    assert ordered() == []


def test_fields_that_are_text_place_nothing(airflow, ordered, order):
    assert "fields is" in failed_for_good(airflow.run(ADD, **order, fields="{{ {'runs': 2} }}"))
    assert ordered() == []


def test_the_journals_uuid_is_kept_before_anything_is_sent(airflow, ordered, order, journal):
    airflow.on_store = lambda: sent.append(len(ordered()))
    sent = []
    airflow.run(ADD, **order)
    assert (airflow.stored[0], sent[0]) == (REMEMBERED, 0)
    assert set(airflow.states.values()) == {journal.uuid}


def test_where_the_uuid_cannot_be_kept_nothing_is_sent(airflow, ordered, order):
    def fail():
        raise RuntimeError("the server is down")

    airflow.on_store = fail
    assert airflow.run(ADD, **order).state == "up_for_retry"
    assert ordered() == []


def test_a_try_that_meets_another_journal_stops(airflow, ordered, order, home):
    airflow.run(ADD, **order)
    (home / "smmplus").rename(home / "gone")
    assert "began with another journal" in failed_for_good(airflow.run(ADD, **order))
    assert len(ordered()) == 1


@pytest.mark.parametrize("fault", ["drop_after_accept", "http_502", "html", "order_null", "truncated_json"])
def test_an_answer_that_is_lost_is_a_doubt_and_never_sent_again(airflow, sandbox, ordered, order, fault):
    after = {} if fault in {"drop_after_accept", "truncated_json"} else {"after_accept": True}
    sandbox.faults({"fault": fault, "action": "add", **after})
    words = failed_for_good(airflow.run(ADD, **order))
    sandbox.faults()
    assert KEY in words
    assert "If it was placed: `smmplus resolve " in words
    assert failed_for_good(airflow.run(ADD, **order)) == words
    assert len(ordered()) == 1


def test_a_doubt_that_was_settled_lets_the_task_go_on(airflow, sandbox, ordered, order, journal):
    sandbox.faults({"fault": "drop_after_accept", "action": "add"})
    airflow.run(ADD, **order)
    sandbox.faults()
    (placed,), (doubt,) = ordered(), journal.in_doubt()
    account = journal.ensure_account(sandbox.address, "main")
    journal.resolve_as_placed(account, doubt, str(placed["order"]), why="seen on the panel's page")
    assert airflow.run(ADD, **order).result["order_id"] == str(placed["order"])


def test_what_never_reached_the_panel_is_tried_again(airflow, connect, sandbox, ordered, order):
    connect(host="http://127.0.0.1:9/api/v2")
    failed_for_now(airflow.run(ADD, **order))
    assert ordered() == []


@pytest.mark.parametrize("fault", [{"fault": "429"}, {"fault": "refuse", "text": "Not enough funds on balance"}])
def test_what_may_pass_is_tried_again_and_then_placed_once(airflow, sandbox, ordered, order, fault):
    sandbox.faults({**fault, "action": "add"})
    assert "was not sent" in failed_for_now(airflow.run(ADD, **order))
    sandbox.faults()
    assert airflow.run(ADD, **order).state == "success"
    assert len(ordered()) == 1


def test_a_refusal_fails_without_retries_in_the_panels_words(airflow, sandbox, ordered, order):
    sandbox.faults({"fault": "refuse", "action": "add", "text": "Incorrect link"})
    assert "was rejected by the panel: Incorrect link" in failed_for_good(airflow.run(ADD, **order))
    sandbox.faults()
    assert airflow.run(ADD, **order).state == "success", "somebody asks anew"


def test_a_refusal_that_nobody_knows_is_sent_again_only_when_told(airflow, sandbox, ordered, order):
    sandbox.faults({"fault": "translated", "action": "add"})
    failed_for_good(airflow.run(ADD, **order))
    sandbox.faults()
    failed_for_good(airflow.run(ADD, **order))
    assert ordered() == []
    assert airflow.run(ADD, **order, retry_refused=True).state == "success"


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"service": 77777}, "service 77777"),
        ({"quantity": "1"}, "quantity"),
        ({"quantity": "many"}, "quantity"),
        ({"link": None}, "link"),
        ({"fields": {"colour": "red"}}, "colour"),
        ({"service": "{{ none }}"}, "service None"),
    ],
)
def test_an_order_that_cannot_be_right_is_not_sent(airflow, sandbox, ordered, order, wrong, words):
    before = sandbox.calls("add")
    assert words in failed_for_good(airflow.run(ADD, **order | wrong))
    assert sandbox.calls("add") == before


def test_another_process_that_is_sending_it_is_waited_for(airflow, ordered, order, journal, sandbox):
    """The first try's process is still alive, though Airflow thinks that it is gone."""
    request = OrderRequest.of(1, {"link": order["link"], "quantity": "100"})
    campaign = journal.ensure_campaign(journal.ensure_account(sandbox.address, "main"), "campaign")
    key = KEY.partition("/")[2]
    journal.plan(campaign, journal.open_batch(campaign, "x"), [Planned(key, request, Decimal("0.09"))], {})
    journal.commit([Intent(journal.with_keys(campaign, [key])[key].id)])
    assert "is being sent by another process" in failed_for_now(airflow.run(ADD, **order))
    assert ordered() == []


def test_a_process_that_died_while_sending_leaves_a_doubt(airflow, ordered, order, journal_url, sandbox):
    request = OrderRequest.of(1, {"link": order["link"], "quantity": "100"})
    with Journal(journal_url) as dying:
        campaign = dying.ensure_campaign(dying.ensure_account(sandbox.address, "main"), "campaign")
        key = KEY.partition("/")[2]
        dying.plan(campaign, dying.open_batch(campaign, "x"), [Planned(key, request, Decimal("0.09"))], {})
        dying.commit([Intent(dying.with_keys(campaign, [key])[key].id)])
    assert "is in doubt" in failed_for_good(airflow.run(ADD, **order))
    assert ordered() == []


def test_a_budget_holds_for_all_orders_of_the_campaign(airflow, ordered, order):
    assert airflow.run(ADD, **order, max_spend="0.10").state == "success"
    assert airflow.run(ADD, **order, max_spend="0.10", run_id="later").state != "success"
    assert len(ordered()) == 1


@pytest.mark.parametrize("wrong", ["lots", "1,50", "-1"])
def test_a_budget_that_is_no_amount_places_nothing(airflow, ordered, order, wrong):
    assert "max_spend is" in failed_for_good(airflow.run(ADD, **order, max_spend=wrong))
    assert ordered() == []


def test_waiting_in_the_worker_gives_how_the_order_ended(airflow, sandbox, order, done):
    airflow.run(ADD, **order)
    done()
    ran = airflow.run(ADD, **order, wait_for_completion=True, poll_interval=0.01)
    assert ran.state == "success"
    told = {name: ran.result[name] for name in ("status", "final", "charge", "currency", "remains")}
    assert told == {"status": "Completed", "final": True, "charge": "0.09", "currency": "USD", "remains": 0}


def test_a_deferred_order_is_followed_by_its_trigger(airflow, ordered, order, done):
    waiting = {**order, "wait_for_completion": True, "deferrable": True, "timeout": 3600, "poll_interval": 0.01}
    ran = airflow.run(ADD, **waiting)
    (placed,) = ordered()
    assert ran.state == "deferred"
    classpath, arguments = ran.trigger
    assert classpath == "airflow_provider_smmplus.triggers.smmplus.SmmPlusOrdersTrigger"
    assert arguments.pop("deadline") > 3600
    assert arguments == {
        "smmplus_conn_id": "smmplus_default",
        "order_ids": [str(placed["order"])],
        "statuses": ["Completed", "Success", "Partial"],
        "poll_interval": 0.01,
        "cancel_on_kill": False,
    }
    assert ran.message.trigger_timeout.total_seconds() == 3600 + 300
    done()
    resumed = airflow.resume(ran, ADD, **waiting)
    assert (resumed.state, resumed.result["status"]) == ("success", "Completed")
    assert len(ordered()) == 1


def test_cleared_while_deferred_it_waits_for_the_same_order(airflow, ordered, order):
    waiting = {**order, "wait_for_completion": True, "deferrable": True}
    runs = [airflow.run(ADD, **waiting) for _ in range(2)]
    assert runs[0].trigger == runs[1].trigger
    assert len(ordered()) == 1


@pytest.mark.parametrize(
    ("service", "expected", "state"),
    [
        (1, None, "success"),
        (22, None, "success"),
        (22, ["Completed"], "failed"),
        (22, "Completed, Partial", "success"),
        (22, "Completed", "failed"),
        (23, None, "failed"),
        (23, [], "success"),
    ],
)
def test_how_an_order_may_end(airflow, order, done, service, expected, state):
    named = {} if expected is None else {"expected_statuses": expected}
    airflow.run(ADD, **order | {"service": service})
    done()
    ran = airflow.run(ADD, **order | {"service": service}, wait_for_completion=True, **named)
    assert ran.state == state
    if state == "failed":
        assert "ended as" in failed_for_good(ran)


def test_out_of_time_it_fails_and_a_retry_goes_on_waiting(airflow, order, ordered, done):
    waiting = {**order, "wait_for_completion": True, "timeout": 0.0}
    assert "timed out" in failed_for_now(airflow.run(ADD, **waiting))
    done()
    assert airflow.run(ADD, **waiting).state == "success"
    assert len(ordered()) == 1


@pytest.fixture
def killed(ordered):
    """Give a function that ends this process's task as a supervisor does, once the panel has the order."""

    def kill(then):
        while not ordered():
            time.sleep(0.02)
        time.sleep(0.3)  # the answer is on its way to the task
        os.kill(os.getpid(), signal.SIGTERM)
        then()

    before = signal.getsignal(signal.SIGTERM)
    threads = []

    def start(then=lambda: None):
        threads.append(threading.Thread(target=kill, args=(then,)))
        threads[0].start()

    yield start
    for thread in threads:
        thread.join()
    signal.signal(signal.SIGTERM, before)


WAITING = {"wait_for_completion": True, "deferrable": False, "poll_interval": 0.05}


def test_who_ends_a_task_that_waits_in_the_worker_ends_the_order(airflow, order, killed, done, sandbox, journal):
    before = sandbox.calls("cancel")

    def let_time_pass_after_the_cancel():
        give_up = time.monotonic() + 20
        while sandbox.calls("cancel") == before and time.monotonic() < give_up:
            time.sleep(0.02)
        done()

    killed(let_time_pass_after_the_cancel)
    assert "ended as Canceled" in failed_for_good(airflow.run(ADD, **order, **WAITING, cancel_on_kill=True))
    with journal.reading() as connection:
        asked = connection.exec_driver_sql("SELECT kind, state, attempt FROM follow_ups").all()
    assert asked == [("cancel", "accepted", 1)]


def test_who_ends_a_task_that_waits_in_the_worker_does_not_end_the_order(airflow, order, killed, done, sandbox):
    before = sandbox.calls("cancel")
    killed(done)
    assert airflow.run(ADD, **order, **WAITING).result["status"] == "Completed"
    assert sandbox.calls("cancel") == before


@pytest.mark.parametrize("deferrable", [True, False])
def test_an_order_that_is_being_sent_when_its_task_is_ended_is_cancelled_when_its_id_is_known(
    airflow, order, ordered, killed, sandbox, deferrable
):
    sandbox.faults({"fault": "latency", "action": "add", "seconds": 1.5})
    before = sandbox.calls("cancel")
    killed()
    airflow.run(ADD, **order, deferrable=deferrable, cancel_on_kill=True)
    assert sandbox.calls("cancel") == before + 1


def test_an_execution_timeout_ends_the_order_too(airflow, order, sandbox, done, client, ordered):
    ran = airflow.run(ADD, **order, **WAITING, cancel_on_kill=True, execution_timeout=timedelta(seconds=2))
    done()
    assert ran.state != "success"
    assert client.order_status(str(ordered()[0]["order"])).status == "Canceled"


def test_a_panel_that_refuses_the_cancel_does_not_keep_the_task_from_its_end(airflow, order, killed, sandbox, done):
    sandbox.faults({"fault": "refuse", "action": "cancel", "text": "Invalid API key"})
    killed(done)
    assert airflow.run(ADD, **order, **WAITING, cancel_on_kill=True).result["status"] == "Completed"


def test_a_cancel_without_an_answer_does_not_hold_the_task_up(airflow, order, killed, sandbox, done, monkeypatch):
    monkeypatch.setattr("airflow_provider_smmplus.operators.orders.CANCEL_SECONDS", 0.5)
    sandbox.faults({"fault": "hang_before_accept", "action": "cancel", "seconds": 5})
    killed(done)
    assert airflow.run(ADD, **order, **WAITING, cancel_on_kill=True).result["status"] == "Completed"


@pytest.mark.parametrize("event", [None, {}, {"status": "success"}])
def test_an_event_that_is_none_of_ours_fails_the_task(airflow, order, event):
    task = ADD(task_id="task", **order)
    with pytest.raises(AirflowException, match="the trigger sent"):
        task.execute_complete({}, event)


def test_arguments_that_do_not_reach_the_triggerer_stop_the_task_before_money_is_spent(airflow, ordered, order):
    ran = airflow.run(ADD, **order, wait_for_completion=True, deferrable=True, poll_interval=object())
    assert ran.state != "success"
    assert ordered() == []


@pytest.mark.parametrize("wrong", [{"poll_interval": "5"}, {"poll_interval": -1}, {"timeout": "1 h"}])
def test_a_wait_that_cannot_be_is_found_before_money_is_spent(airflow, ordered, order, wrong):
    ran = airflow.run(ADD, **order, wait_for_completion=True, deferrable=True, **wrong)
    assert "pass seconds, for example 60" in failed_for_good(ran)
    assert ordered() == []


def test_a_wait_may_be_given_as_timedeltas(airflow, order):
    wait = {"poll_interval": timedelta(minutes=1), "timeout": timedelta(hours=1)}
    _, arguments = airflow.run(ADD, **order, wait_for_completion=True, deferrable=True, **wait).trigger
    assert arguments["poll_interval"] == 60
    assert 3500 < arguments["deadline"] - time.time() <= 3600


def test_without_a_connection_it_is_named(airflow, ordered, order):
    ran = airflow.run(ADD, **order, smmplus_conn_id="nowhere")
    assert ran.state != "success"
    assert "nowhere" in str(ran.error)


def test_the_key_is_in_no_error_and_no_result(airflow, connect, order, sandbox):
    sandbox.faults({"fault": "echo_key", "action": "add"})
    ran = airflow.run(ADD, **order)
    assert ran.state != "success"
    assert sandbox.key not in f"{ran.error!r} {ran.xcoms}"


@pytest.mark.parametrize("executor", ["CeleryExecutor", "LocalExecutor,KubernetesExecutor"])
def test_where_workers_do_not_share_a_disk_nothing_is_placed(airflow, monkeypatch, ordered, order, executor):
    monkeypatch.setenv("AIRFLOW__CORE__EXECUTOR", executor)
    assert "the workers do not share a disk" in failed_for_good(airflow.run(ADD, **order))
    assert ordered() == []


def test_a_journal_connection_of_another_type_places_nothing(airflow, connect, monkeypatch, ordered, order):
    connect(extra={"journal_conn_id": "journal"})
    monkeypatch.setenv("AIRFLOW_CONN_JOURNAL", "mysql://me:secret@db/x")
    words = failed_for_good(airflow.run(ADD, **order))
    assert "connection 'journal' is of the type 'mysql': the journal needs PostgreSQL" in words
    assert "secret" not in words
    assert ordered() == []


def test_statuses_of_many_orders(airflow, place, done):
    numbers = [place(number) for number in (1, 22)]
    done()
    ran = airflow.run(SmmPlusOrderStatusOperator, order_ids=[*numbers, "999999"])
    assert ran.state == "success"
    assert {number: each["status"] for number, each in ran.result["orders"].items()} == {
        numbers[0]: "Completed",
        numbers[1]: "Partial",
    }
    assert list(ran.result["unknown"]) == ["999999"]
    assert ran.result["counts"] == {"Completed": 1, "Partial": 1}
    assert json.loads(json.dumps(ran.result)) == ran.result


def test_of_more_orders_than_xcom_is_for_only_the_counts_are_given(airflow, place):
    numbers = [place() for _ in range(3)]
    ran = airflow.run(SmmPlusOrderStatusOperator, order_ids=",".join([*numbers, "999999"]), most=3)
    assert ran.result == {"counts": {"Pending": 3}, "unknown": 1}


def test_the_status_of_an_order_that_the_journal_knows_is_written_there(airflow, order, journal, done, sandbox):
    number = airflow.run(ADD, **order).result["order_id"]
    done()
    airflow.run(SmmPlusOrderStatusOperator, order_ids=number)
    account = journal.ensure_account(sandbox.address, "main")
    entry = journal.with_order_ids(account, [number])[number]
    assert (entry.order_status, entry.final, entry.charge) == ("Completed", True, Decimal("0.09"))


def test_a_cancel_is_asked_for_once(airflow, place, sandbox, done, client):
    number = place(1)
    before = sandbox.calls("cancel")
    results = [airflow.run(SmmPlusCancelOperator, order_ids=number).result for _ in range(3)]
    assert results[0]["refused"] == {}
    assert list(results[0]["asked"]) == [number]
    assert results == results[:1] * 3
    assert sandbox.calls("cancel") == before + 1
    done()
    assert client.order_status(number).status == "Canceled"


def test_what_the_panel_refuses_to_cancel_is_told_with_its_words(airflow, place):
    number = place(2)
    ran = airflow.run(SmmPlusCancelOperator, order_ids=number)
    assert ran.state == "success"
    assert (ran.result["asked"], list(ran.result["refused"])) == ({}, [number])
    assert ran.result["refused"][number]


def test_a_refused_cancel_fails_where_the_author_wants_that(airflow, place):
    words = failed_for_good(airflow.run(SmmPlusCancelOperator, order_ids=place(2), fail_on_refused=True))
    assert "the panel refused the cancel of" in words


def test_a_cancel_whose_answer_is_lost_is_not_asked_for_again(airflow, place, sandbox):
    number = place(1)
    sandbox.faults({"fault": "drop_after_accept", "action": "cancel"})
    words = failed_for_good(airflow.run(SmmPlusCancelOperator, order_ids=number))
    sandbox.faults()
    before = sandbox.calls("cancel")
    assert number in words
    assert failed_for_good(airflow.run(SmmPlusCancelOperator, order_ids=number)) == words
    assert sandbox.calls("cancel") == before
    assert airflow.run(SmmPlusCancelOperator, order_ids=number, key="again").state == "success"


def test_the_order_of_a_task_is_known_to_its_hook_by_its_key_alone(airflow, order, journal, ordered):
    """A task of one's own that orders under the same campaign and another key orders something else."""
    airflow.run(ADD, **order)
    hook = SmmPlusHook()
    own = hook.place_order(key="mine", campaign="campaign", **order)
    request = OrderRequest.of(1, {"link": order["link"], "quantity": "100"})
    campaign = journal.ensure_campaign(journal.ensure_account(hook.settings.panel.url, "main"), "campaign")
    assert find_order(journal, campaign, "mine", request).order_id == own.order_id
    assert len(ordered()) == 2
