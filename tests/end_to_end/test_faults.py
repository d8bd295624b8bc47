"""Every fault of the panel during placing: ledger, journal and sheet agree, and nothing is sent twice."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.command import Finished, Ledger, Order, Workplace, orders, read_rows, wait_until
from tests.panel import SandboxProcess

pytestmark = pytest.mark.e2e

DOUBT, ACCEPTED, REFUSED = "in_doubt", "placed", "rejected"

FAULTS: dict[str, tuple[dict[str, object], str, bool]] = {
    "drop-before": ({"fault": "drop_before_accept"}, DOUBT, False),
    "drop-after": ({"fault": "drop_after_accept"}, DOUBT, True),
    "reset-before": ({"fault": "drop_before_accept", "reset": True}, DOUBT, False),
    "reset-after": ({"fault": "drop_after_accept", "reset": True}, DOUBT, True),
    "hang-before": ({"fault": "hang_before_accept", "seconds": 0.2}, DOUBT, False),
    "hang-after": ({"fault": "hang_after_accept", "seconds": 0.2}, DOUBT, True),
    "502-before": ({"fault": "http_502"}, DOUBT, False),
    "502-after": ({"fault": "http_502", "after_accept": True}, DOUBT, True),
    "html-before": ({"fault": "html"}, DOUBT, False),
    "html-after": ({"fault": "html", "after_accept": True}, DOUBT, True),
    "empty-before": ({"fault": "empty"}, DOUBT, False),
    "empty-after": ({"fault": "empty", "after_accept": True}, DOUBT, True),
    "half-an-answer": ({"fault": "truncated_json"}, DOUBT, True),
    "null-before": ({"fault": "order_null", "after_accept": False}, DOUBT, False),
    "null-after": ({"fault": "order_null"}, DOUBT, True),
    "no-order-before": ({"fault": "success_without_order", "after_accept": False}, DOUBT, False),
    "no-order-after": ({"fault": "success_without_order"}, DOUBT, True),
    "could-not-be-created": ({"fault": "refuse"}, DOUBT, False),
    "doubt-in-an-object": (
        {"fault": "answer", "body": '{"error": {"text": "ORDER could not be created!"}}'},
        DOUBT,
        False,
    ),
    "doubt-by-code": ({"fault": "answer", "body": '{"error": {"code": "failed_to_create_order"}}'}, DOUBT, False),
    "true-without-words": ({"fault": "answer", "body": '{"error": true}', "after_accept": True}, DOUBT, True),
    "remark-beside-success": (
        {"fault": "answer", "body": '{"status": "success", "error": "Замечание"}', "after_accept": True},
        DOUBT,
        True,
    ),
    "order-as-object": ({"fault": "answer", "body": '{"order": {"id": 5}}', "after_accept": True}, DOUBT, True),
    "bare-number": ({"fault": "answer", "body": "23501", "status": 403, "after_accept": True}, DOUBT, True),
    "conflict": ({"fault": "answer", "body": "", "status": 409}, DOUBT, False),
    "refused-with-500": ({"fault": "refuse", "text": "Bad link", "status": 500}, DOUBT, False),
    "maintenance": ({"fault": "maintenance"}, DOUBT, False),
    "bad-row": ({"fault": "refuse", "text": "Bad link"}, REFUSED, False),
    "bad-row-with-422": ({"fault": "refuse", "text": "Bad link", "status": 422}, REFUSED, False),
    "translated": ({"fault": "translated"}, REFUSED, False),
    "echo-of-the-key": ({"fault": "echo_key"}, REFUSED, False),
    "byte-order-mark": ({"fault": "bom"}, ACCEPTED, True),
    "php-notice": ({"fault": "php_notice"}, ACCEPTED, True),
    "id-as-text": ({"fault": "id_as_string"}, ACCEPTED, True),
    "id-as-hex": ({"fault": "id_as_hex"}, ACCEPTED, True),
    "late": ({"fault": "latency", "seconds": 0.2}, ACCEPTED, True),
    "not-now": ({"fault": "429", "retry_after": 1, "calls": [1]}, ACCEPTED, True),
}
"""Name -> the fault, what the journal must make of the order, and whether the panel took it."""


@dataclass(frozen=True)
class Aftermath:
    """What a run left behind in which every other order met another fault."""

    workplace: Workplace
    sheet: Path
    done: Finished
    entries: dict[str, dict[str, Any]]
    """The journal's entries, by fault."""
    placed: set[str]
    """Links in the ledger."""
    rows: dict[str, Order]
    """The sheet's rows, by fault."""


def link(name: str) -> str:
    return f"https://instagram.com/p/{name}-x"


@pytest.fixture(scope="module")
def aftermath(tmp_path_factory: pytest.TempPathFactory):
    """Run a sheet once in which good rows stand between the faults: three doubts in a row would stop it."""
    names = [name for fault in FAULTS for name in (fault, f"good-after-{fault}")]
    rows = [{"service": "2", "link": link(name), "quantity": "100"} for name in names]
    rules = [{**rule, "action": "add", "link_contains": link(name)} for name, (rule, _, _) in FAULTS.items()]
    with SandboxProcess("--speed", "0") as panel:
        workplace = Workplace(tmp_path_factory.mktemp("faults"), panel, Ledger(panel))
        sheet = workplace.sheet("faults.xlsx", rows)
        panel.faults(*rules)
        done = workplace.run(sheet, "--in-flight", "1")
        panel.faults()
        entries = {name: entry for name in names for entry in workplace.entries() if f"/{name}-x" in entry["content"]}
        placed = {order["link"] for order in workplace.ledger.orders()}
        found = {name: row for name in names for row in read_rows(sheet) if row["link"] == link(name)}
        yield Aftermath(workplace, sheet, done, entries, placed, found)


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_what_it_is_in_journal_ledger_and_sheet(aftermath: Aftermath, name: str):
    _, state, was_placed = FAULTS[name]
    assert aftermath.entries[name]["state"] == state
    assert (link(name) in aftermath.placed) == was_placed
    row = aftermath.rows[name]
    assert row["order_status"] == {DOUBT: "In doubt", REFUSED: "Rejected", ACCEPTED: "Placed"}[state]
    assert (row["order_id"] != "", row["error"] != "") == (state == ACCEPTED, state != ACCEPTED)


def test_every_good_row_between_the_faults_is_placed(aftermath: Aftermath):
    good = [name for name in aftermath.rows if name.startswith("good-after-")]
    assert {aftermath.rows[name]["order_status"] for name in good} == {"Placed"}
    assert {link(name) for name in good} <= aftermath.placed


def test_a_refusal_is_told_word_for_word(aftermath: Aftermath):
    assert aftermath.rows["bad-row"]["error"] == "Bad link"
    assert aftermath.rows["echo-of-the-key"]["error"].count("[API key]") == 1


def test_after_all_faults_a_person_settles_the_doubts_and_every_row_is_placed_once(aftermath: Aftermath):
    workplace, sheet = aftermath.workplace, aftermath.sheet
    doubts = sum(state == DOUBT for _, state, _ in FAULTS.values())
    assert aftermath.done.status == 4
    assert aftermath.done.json["states"] == {
        "placed": 2 * len(FAULTS) - doubts - 4,
        "rejected": 4,
        "in_doubt": doubts,
    }
    workplace.assert_books_agree()
    # A known refusal of a row is tried again by each later run; an unknown text only when told.
    again = workplace.run(sheet)
    assert (again.status, again.json["sent"], again.json["states"]["in_doubt"]) == (4, 2, doubts)
    assert workplace.settle_doubts() == doubts
    assert workplace.run(sheet, "--retry-refused").status == 0
    workplace.assert_each_row_once(sheet)


def run_into(workplace: Workplace, sheet: Path, *rules: dict[str, object]) -> Finished:
    """Run a sheet one order at a time into these faults of `add`, and then take them away."""
    workplace.panel.faults(*({"action": "add", **rule} for rule in rules))
    done = workplace.run(sheet, "--in-flight", "1")
    workplace.panel.faults()
    return done


def assert_goes_on(workplace: Workplace, sheet: Path, sent: int) -> None:
    done = workplace.run(sheet)
    assert (done.status, done.json["sent"]) == (0, sent)
    workplace.assert_each_row_once(sheet)


@pytest.mark.parametrize(
    ("rule", "status"),
    [
        ({"fault": "refuse", "text": "Not enough funds on balance"}, 5),
        ({"fault": "refuse", "text": "Invalid API key", "status": 401}, 5),
        ({"fault": "refuse", "text": "Incorrect request"}, 7),
        ({"fault": "429", "retry_after": 300}, 7),
    ],
    ids=["no-funds", "bad-key", "not-understood", "not-now-for-long"],
)
def test_what_concerns_every_order_stops_the_run_and_the_next_run_goes_on(
    workplace: Workplace, rule: dict[str, object], status: int
):
    sheet = workplace.sheet("stopped.csv", orders(5))
    done = run_into(workplace, sheet, {**rule, "calls": [3]})
    assert done.status == status
    assert (workplace.ledger.count(), workplace.ledger.calls("add")) == (2, 3)
    assert done.json["states"] == {"not_sent": 3, "placed": 2}
    assert_goes_on(workplace, sheet, 3)


def test_three_unknown_refusals_in_a_row_stop_the_run(workplace: Workplace):
    sheet = workplace.sheet("unknown.csv", orders(8))
    done = run_into(workplace, sheet, {"fault": "translated", "calls": [1, 2, 4, 5, 6]})
    assert done.status == 7
    assert "three in a row" in done.json["stopped"]
    assert done.json["states"] == {"not_sent": 2, "placed": 1, "rejected": 5}
    again = workplace.run(sheet)
    assert (again.status, again.json["sent"]) == (3, 2)
    assert workplace.run(sheet, "--retry-refused").json["sent"] == 5
    workplace.assert_each_row_once(sheet)


def test_three_doubts_in_a_row_stop_the_run(workplace: Workplace):
    sheet = workplace.sheet("doubts.csv", orders(9))
    done = run_into(
        workplace,
        sheet,
        {"fault": "drop_after_accept", "calls": [1, 5]},
        {"fault": "drop_before_accept", "calls": [2, 4]},
        {"fault": "http_502", "after_accept": True, "calls": [6]},
    )
    assert done.status == 4
    assert "three in a row" in done.json["stopped"]
    assert done.json["states"] == {"not_sent": 3, "placed": 1, "in_doubt": 5}
    assert workplace.ledger.count() == 4
    workplace.assert_books_agree()
    again = workplace.run(sheet)
    assert (again.status, again.json["sent"]) == (4, 3)
    assert workplace.settle_doubts() == 5
    assert_goes_on(workplace, sheet, 2)


def test_the_duplicate_guard_holds_a_row_back_and_proves_nothing(tmp_path: Path):
    rows = [*orders(2), {**orders(1)[0], "quantity": "200"}]
    with SandboxProcess("--speed", "0", "--duplicate-guard") as panel:
        workplace = Workplace(tmp_path, panel, Ledger(panel))
        sheet = workplace.sheet("guarded.csv", rows)
        held = workplace.run(sheet, "--in-flight", "1")
        assert held.status == 7
        assert held.json["states"] == {"not_sent": 1, "placed": 2}
        panel.advance(2000)
        assert_goes_on(workplace, sheet, 1)


def test_orders_lost_at_random_among_many_under_way(workplace: Workplace):
    sheet = workplace.sheet("random.csv", orders(80))
    workplace.panel.faults(
        {"fault": "drop_after_accept", "action": "add", "rate": 0.05},
        {"fault": "drop_before_accept", "action": "add", "rate": 0.05},
        {"fault": "latency", "action": "add", "seconds": 0.02},
    )
    for _ in range(2):
        assert workplace.run(sheet, "--in-flight", "8").status in {0, 4}
        workplace.assert_books_agree()
    workplace.panel.faults()
    workplace.run(sheet)
    workplace.settle_doubts()
    assert workplace.run(sheet).status == 0
    workplace.assert_each_row_once(sheet)


def test_a_panel_that_cannot_be_reached_costs_nothing_and_is_waited_for(workplace: Workplace):
    sheet = workplace.sheet("unreachable.csv", orders(2))
    with SandboxProcess() as other:
        gone = other.address
    with workplace.start("run", sheet, "--yes", "--wait", "0", SMMPLUS_API_URL=gone) as running:
        assert running.finish().status == 7
    assert not any(entry["state"] != "not_sent" for entry in workplace.entries())


def test_statuses_that_cannot_be_had_do_not_end_a_run(workplace: Workplace):
    sheet = workplace.sheet("followed.csv", orders(2))
    workplace.panel.faults({"fault": "maintenance", "retry_after": 0, "action": "status", "calls": [1]})
    with workplace.start_run(sheet, "--poll", "0.1", wait="100000") as running:
        wait_until(lambda: workplace.ledger.calls("status") > 1, "a second question")
        workplace.panel.advance(5000)
        assert running.finish().status == 0
    assert {row["order_status"] for row in read_rows(sheet)} == {"Completed"}
