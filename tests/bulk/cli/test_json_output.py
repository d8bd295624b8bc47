"""What commands say to programs."""

import json
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

from bulk.cli.json_output import (
    balance_object,
    entry_object,
    journal_object,
    outcome_object,
    plan_object,
    service_object,
    states_object,
)
from bulk.running.result import RunResult
from bulk.writing import Written
from smmplus.journal.entry import key_of
from smmplus.journal.state_machine import State
from smmplus.orders.models import Balance
from smmplus.placing.placer import Stop
from smmplus.reconciliation.balance_drops import Fall
from tests.bulk.plans import LINK, Ledger, entry_of, request, row, service, sheet_of


def test_a_plan(week):
    week.accepted("501", request(LINK + "/0"))
    sheet = sheet_of(row(LINK + "/0"), row(), row(quantity="x"), ignored=["note"])
    told = plan_object(week.plan(sheet))
    sending = {"row": 3, "key": f"week/{key_of(request(), 1)}", "service": "2", "link": LINK, "quantity": "100"}
    assert told == {
        "file": "week.csv",
        "campaign": "week",
        "rows": 3,
        "to_send": 1,
        "later": 0,
        "left_out": [],
        "total": "0.15",
        "currency": "USD",
        "balance": "1000",
        "without_bound": 0,
        "upper_bounds": 0,
        "spent_before": "0.15",
        "max_spend": None,
        "by_service": [{"service": "2", "name": "Likes", "rows": 1, "units": 100, "cost": "0.15"}],
        "planned": [sending | {"units": 100, "cost": "0.15"}],
        "already": {"placed": 1},
        "problems": told["problems"],
        "warnings": [],
        "repeats": "",
        "ordered_anew": [],
        "questions": [],
        "missing": [],
        "fingerprint": "",
        "differences": [],
        "ignored_columns": ["note"],
        "headers": {},
        "journal": told["journal"],
    }
    assert [(problem["row"], problem["field"], problem["value"]) for problem in told["problems"]] == [
        (4, "quantity", "x")
    ]
    json.dumps(told)


def test_what_to_think_of_twice(week):
    (told,) = plan_object(week.plan(sheet_of(row(), row(LINK + "/"))))["warnings"]
    assert told == {
        "where": "line 3, link",
        "field": "link",
        "value": LINK + "/",
        "message": f"differs only in form from line 2, link, for the same service: {LINK}",
        "remedy": "continue if both are intended; otherwise delete one",
        "row": 3,
    }


def test_a_journal_and_what_speaks_for_its_being_the_wrong_one(week):
    fall = Fall("2026-01-01T12:00", "2026-01-02T12:00", Decimal("3.50"), Decimal("1.00"), "USD")
    warnings = replace(week.plan(sheet_of(row())).journal_warnings, fall=fall, unknown_ids=2)
    assert journal_object(warnings) == {
        "where": week.journal.where,
        "uuid": week.journal.uuid,
        "new_to_account": True,
        "unknown_order_ids": 2,
        "fall": {
            "unexplained": "2.5",
            "fell": "3.5",
            "known": "1",
            "currency": "USD",
            "since": "2026-01-01T12:00",
            "at": "2026-01-02T12:00",
        },
        "warnings": list(warnings.warnings),
    }
    assert journal_object(replace(warnings, fall=None))["fall"] is None


def test_a_row_without_bound_has_no_cost(week):
    cells = {"service": "7", "username": "anna", "min": "100", "max": "200", "delay": "0"}
    told = plan_object(week.plan(sheet_of(cells), service("7", kind="Subscriptions")))
    assert (told["planned"][0]["cost"], told["planned"][0]["units"], told["without_bound"]) == (None, None, 1)


def test_questions_and_orders_without_a_row(week):
    asked = Ledger.of(week.journal, "last", "last.csv").accepted("501")
    missing = week.accepted("502", request(LINK + "/gone"))
    told = plan_object(week.plan(sheet_of(row())))
    assert told["questions"] == [{"row": 2, **entry_object(asked)}]
    assert told["missing"] == [entry_object(missing)]


def test_an_outcome(week):
    plan = week.plan(sheet_of(row(), row(LINK + "/2")))
    orders = {3: entry_of(number=2, state=State.IN_DOUBT), 2: entry_of(order_id="501")}
    outcome = RunResult(
        plan,
        orders,
        stop=Stop.DOUBT,
        reason="no answer",
        sent=2,
        written=Written(Path("week.results.csv"), "digest", in_place=False, reason="Excel has it open"),
        unrecorded={3: "777"},
        rescued={3: Path("journal.sqlite3.rescue/1")},
        alarms=("two orders",),
    )
    told = outcome_object(outcome)
    assert told.items() >= plan_object(plan).items()
    assert {name: told[name] for name in told.keys() - plan_object(plan).keys()} == {
        "sent": 2,
        "states": {"placed": 1, "in_doubt": 1},
        "unsent": 0,
        "blocked": "",
        "stopped": "three in a row are in doubt: no answer",
        "unfollowed": "",
        "unwritten": "",
        "written": "week.results.csv",
        "in_place": False,
        "unrecorded": {3: "777"},
        "rescued": {3: "journal.sqlite3.rescue/1"},
        "alarms": ["two orders"],
        "held": {},
        "orders": [{"row": 2, **entry_object(orders[2])}, {"row": 3, **entry_object(orders[3])}],
        "exit_status": 4,
    }
    json.dumps(told)


def test_an_outcome_that_wrote_nothing_left_the_sheet_as_it_should_be(week):
    told = outcome_object(RunResult(week.plan(sheet_of(row())), {}, blocked="mend them"))
    assert (told["written"], told["in_place"], told["stopped"], told["blocked"]) == (None, True, "", "mend them")


def test_an_order():
    told = entry_object(entry_of(order_id="501", charge=Decimal("0.1500")))
    assert told == {
        "key": f"week/{key_of(request(), 1)}",
        "state": "placed",
        "service": "2",
        "link": LINK,
        "quantity": "100",
        "expected_charge": "0.15",
        "sent_at": "2026-02-03T04:05:06.789+00:00",
        "source": "week.csv",
        "order_id": "501",
        "order_status": "Placed",
        "charge": "0.15",
        "start_count": "",
        "remains": "",
        "currency": "",
        "error": "",
        "updated_at": "",
    }
    assert entry_object(entry_of(cost=None))["expected_charge"] is None


def test_states_are_counted_in_the_order_of_an_orders_life():
    some = [State.IN_DOUBT, State.PLACED, State.NOT_SENT, State.PLACED]
    told = states_object({number: entry_of(state=state) for number, state in enumerate(some)})
    assert list(told.items()) == [("not_sent", 1), ("placed", 2), ("in_doubt", 1)]


def test_a_service_and_a_balance():
    told = service_object(service("2", "0.50"))
    assert (told["id"], told["rate"], told["min"], told["dripfeed"]) == ("2", "0.5", 10, None)
    assert balance_object(Balance(Decimal("12.50"), "USD")) == {"balance": "12.5", "currency": "USD"}
