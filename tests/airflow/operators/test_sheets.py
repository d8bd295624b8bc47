"""The operators for sheets, run by Airflow's task runner; the simulated panel's ledger is the judge."""

import json

import pytest
from airflow.sdk.exceptions import AirflowException, AirflowFailException

from airflow_provider_smmplus.links.smmplus import SmmPlusOrdersLink
from airflow_provider_smmplus.operators.sheets import (
    SmmPlusCheckSheetOperator,
    SmmPlusPlaceSheetOperator,
    SmmPlusSheetOperator,
    SmmPlusSplitSheetOperator,
    SmmPlusTrackSheetOperator,
    SmmPlusWriteBackOperator,
)
from tests.airflow.sheets import ids, read, write
from tests.bulk import workbooks as wb

pytestmark = pytest.mark.e2e

CHECK, PLACE, SPLIT = SmmPlusCheckSheetOperator, SmmPlusPlaceSheetOperator, SmmPlusSplitSheetOperator
TRACK, BACK, ALL = SmmPlusTrackSheetOperator, SmmPlusWriteBackOperator, SmmPlusSheetOperator


@pytest.fixture(autouse=True)
def fast(impatient):
    pass


@pytest.fixture
def path(tmp_path, link):
    """Give a sheet of three orders, of which the last two are equal."""
    return write(tmp_path / "week.csv", (1, link, 100), (2, link, 200), (2, link, 200))


@pytest.fixture
def sheet(path):
    """Give the arguments of an operator on it."""
    return {"path": str(path), "campaign": "week {{ ds }}", "allow_duplicates": True}


def failed_for_good(ran):
    assert isinstance(ran.error, AirflowFailException), ran
    return str(ran.error)


def test_a_check_prices_and_sends_nothing(airflow, sandbox, ordered, sheet, path):
    before = path.read_bytes()
    ran = airflow.run(CHECK, **sheet)
    assert ran.state == "success"
    by_service = ran.result.pop("by_service")
    assert ran.result == {
        "campaign": "week 2026-02-03",
        "rows": 3,
        "to_send": 3,
        "total": "0.23",
        "currency": "USD",
        "balance": sandbox.ledger()["balances"]["test"],
        "fingerprint": ran.result["fingerprint"],
        "problems": 0,
        "repeats": "",
        "rejected": [],
        "warned": 1,
        "warnings": ran.result["warnings"],
    }
    assert "First run for account" in ran.result["warnings"][0]
    told = {each["service"]: (each["rows"], each["cost"]) for each in by_service}
    assert told == {"1": (1, "0.09"), "2": (2, "0.14")}
    assert json.loads(json.dumps(by_service)) == by_service
    assert (ordered(), path.read_bytes()) == ([], before)


@pytest.mark.parametrize("operator", [CHECK, PLACE, SPLIT, ALL])
def test_a_sheet_with_problems_is_not_sent(airflow, ordered, tmp_path, link, operator):
    path = write(tmp_path / "bad.csv", (77777, link, 100), (1, link, "many"), (1, link, 100))
    ran = airflow.run(operator, path=str(path), campaign="bad")
    assert "2 rows have problems" in failed_for_good(ran)
    assert ordered() == []


@pytest.mark.parametrize("operator", [CHECK, PLACE, SPLIT, BACK, ALL])
def test_a_sheet_that_is_not_there_is_named(airflow, tmp_path, operator, sheet):
    airflow.run(CHECK, **sheet | {"campaign": "x"})
    assert "nowhere.csv" in failed_for_good(airflow.run(operator, path=str(tmp_path / "nowhere.csv"), campaign="x"))


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"max_spend": "lots"}, "max_spend is 'lots'"),
        ({"expect_rows": "three"}, "expect_rows is 'three': pass a whole number"),
        ({"expect_total": "0,23"}, "expect_total is '0,23'"),
        ({"expect_rows": "2"}, "2"),
        ({"expect_total": "0.20"}, "0.20"),
    ],
)
@pytest.mark.parametrize("operator", [CHECK, PLACE, ALL])
def test_what_was_expected_and_is_not_so_stops_it(airflow, ordered, sheet, operator, wrong, words):
    assert words in failed_for_good(airflow.run(operator, **sheet, **wrong))
    assert ordered() == []


def test_what_was_expected_and_is_so_lets_it_pass(airflow, ordered, sheet):
    ran = airflow.run(PLACE, **sheet, expect_rows="{{ 3 }}", expect_total="0.23", max_spend="0.23")
    assert ran.state == "success"
    assert len(ordered()) == 3


def test_what_was_approved_is_placed_and_nothing_else(airflow, ordered, sheet, path, link):
    approved = airflow.run(CHECK, **sheet).result["fingerprint"]
    write(path, (1, link, 100), (2, f"{link}/other", 200), (2, link, 200))
    for operator in (PLACE, SPLIT, ALL):
        words = failed_for_good(airflow.run(operator, **sheet, expect_fingerprint=approved))
        assert f"row 3: link was '{link}', and is '{link}/other'" in words
    assert ordered() == []
    write(path, (2, link, 200), (1, link, 100), (2, link, 200))
    template = "{{ '" + approved + "' }}"
    for _ in range(2):
        assert airflow.run(PLACE, **sheet, expect_fingerprint=template).state == "success"
    assert len(ordered()) == 3


@pytest.mark.parametrize("nothing", ["", "None", "{{ none }}"])
def test_a_fingerprint_that_came_to_nothing_is_no_approval(airflow, ordered, sheet, nothing):
    assert "the fingerprint of a check" in failed_for_good(airflow.run(PLACE, **sheet, expect_fingerprint=nothing))
    assert ordered() == []


def test_parts_are_held_to_an_approval_where_they_are_split(airflow, ordered, sheet):
    approved = airflow.run(CHECK, **sheet).result["fingerprint"]
    (keys,) = airflow.run(SPLIT, **sheet, expect_fingerprint=approved).result
    held = airflow.run(PLACE, **sheet, keys=keys, expect_fingerprint=approved)
    assert "pass it to the split" in failed_for_good(held)
    assert airflow.run(PLACE, **sheet, keys=keys).state == "success"
    assert len(ordered()) == 3


def test_an_approver_sees_what_is_left_out_and_what_to_think_of_twice(airflow, tmp_path, link):
    rows = [(77777, f"{link}/{number}", 100) for number in range(60)]
    path = write(tmp_path / "odd.csv", (1, link, 100), (1, f"{link}/", 100), *rows, (1, f"{link}\nx" * 200, 100))
    result = airflow.run(CHECK, path=str(path), campaign="odd", skip_bad=True).result
    assert (result["problems"], len(result["rejected"])) == (61, 50)
    assert result["rejected"][0].startswith("line 4, service (77777): ")
    assert any("differs only in form" in line for line in result["warnings"])
    assert all(len(line) <= 300 and "\n" not in line for line in result["rejected"] + result["warnings"])


def test_headers_and_numbers_may_be_the_sheet_s_own(airflow, ordered, link, tmp_path):
    path = tmp_path / "week.csv"
    path.write_text(f"kode;alamat;pcs;lewati\n2;{link};1.000;\n2;{link}/2;5;ya\n", "utf-8")
    said = {"path": str(path), "campaign": "theirs", "locale": "{{ 'id' }}"}
    headers = {"Kode": "service", "Alamat": "link", "Pcs": "{{ 'quantity' }}"}
    assert "'Wrong' is mapped to runs" in failed_for_good(
        airflow.run(PLACE, **said, headers=headers | {"Wrong": "runs"})
    )
    told = failed_for_good(airflow.run(PLACE, **said, headers={"Kode": "code"}))
    assert "headers={'Their header': 'link'}" in told
    assert airflow.run(PLACE, **said, headers=headers).state == "success"
    assert [(order["link"], str(order["quantity"])) for order in ordered()] == [(link, "1000")]


def test_hidden_rows_are_what_the_author_says(airflow, ordered, link, tmp_path):
    hidden = wb.order(3, "2", f"{link}/2", "5", attributes=' hidden="1"')
    path = wb.book(tmp_path / "week.xlsx", wb.header() + wb.order(2, "2", link, "1000") + hidden)
    said = {"path": str(path), "campaign": "theirs"}
    assert "1 row has problems" in failed_for_good(airflow.run(PLACE, **said))
    assert "hidden is 'hide': it must be one of refuse, include, skip" in failed_for_good(
        airflow.run(PLACE, **said, hidden="hide")
    )
    assert airflow.run(PLACE, **said, hidden="skip").state == "success"
    assert [order["link"] for order in ordered()] == [link]


def test_every_row_is_placed_once_and_written_back(airflow, sandbox, ordered, sheet, path):
    runs = [airflow.run(PLACE, **sheet) for _ in range(3)]
    assert [ran.state for ran in runs] == ["success"] * 3
    assert runs[0].result == {
        "campaign": "week 2026-02-03",
        "sent": 3,
        "unsent": 0,
        "total": "0.23",
        "currency": "USD",
        "written": str(path),
        "states": {"placed": 3},
    }
    assert [ran.result["sent"] for ran in runs] == [3, 0, 0]
    assert sorted(ids(path)) == sorted(str(order["order"]) for order in ordered())
    assert len(ordered()) == 3
    assert runs[0].xcoms[SmmPlusOrdersLink().xcom_key] == sandbox.url("/orders")


def test_the_tasks_of_a_run_share_one_batch(airflow, ordered, sheet):
    """The whole sheet in one operator, after its parts were placed by others."""
    for operator in (PLACE, PLACE, CHECK):
        assert airflow.run(operator, **sheet, task_id=operator.__name__).state == "success"
    assert airflow.run(ALL, **sheet, wait_for_completion=False, task_id="all").state == "success"
    assert len(ordered()) == 3


def test_another_run_on_the_same_campaign_asks_a_person(airflow, ordered, sheet):
    airflow.run(PLACE, **sheet | {"campaign": "week"})
    again = airflow.run(PLACE, **sheet | {"campaign": "week"}, run_id="later")
    assert again.state == "success", "its rows carry the ids of the first run"
    assert len(ordered()) == 3


def test_a_copy_of_the_sheet_in_another_run_asks_a_person(airflow, ordered, sheet, path, link):
    airflow.run(PLACE, **sheet | {"campaign": "week"})
    write(path, (1, link, 100))
    words = failed_for_good(airflow.run(PLACE, **sheet | {"campaign": "week"}, run_id="later"))
    assert "equals an order placed before" in words
    assert airflow.run(PLACE, **sheet | {"campaign": "week"}, run_id="later", adopt=True).state == "success"
    assert len(ordered()) == 3


@pytest.mark.parametrize("operator", [PLACE, ALL])
@pytest.mark.parametrize("given", [True, "{{ 'True' }}", "yes"])
def test_a_dry_run_places_nothing(airflow, ordered, sheet, operator, given):
    ran = airflow.run(operator, **sheet, dry_run=given)
    assert (ran.state, ran.result["to_send"]) == ("success", 3)
    assert ordered() == []


@pytest.mark.parametrize("operator", [PLACE, ALL])
def test_a_dry_run_that_nobody_can_read_places_nothing(airflow, ordered, sheet, operator):
    assert "dry_run is 'maybe'" in failed_for_good(airflow.run(operator, **sheet, dry_run="maybe"))
    assert ordered() == []


def test_too_little_money_is_tried_again_and_then_placed(airflow, sandbox, ordered, sheet):
    sandbox.balance("0.10")
    for operator in (CHECK, PLACE):
        ran = airflow.run(operator, **sheet)
        assert (ran.state, ordered()) == ("up_for_retry", [])
        assert "short by 0.13" in str(ran.error)
    sandbox.balance("1")
    assert airflow.run(PLACE, **sheet).state == "success"


def test_a_doubt_fails_without_retries_and_the_rest_is_placed_once(airflow, sandbox, ordered, sheet, path, journal):
    sandbox.faults({"fault": "drop_after_accept", "action": "add", "calls": [2]})
    words = failed_for_good(airflow.run(PLACE, **sheet))
    sandbox.faults()
    assert words.startswith("1 in doubt, and not sent again: ")
    assert "week 2026-02-03/" in words
    assert "`smmplus resolve" in words
    again = failed_for_good(airflow.run(PLACE, **sheet))
    assert again == words
    assert len(ordered()) == 3
    (doubt,) = journal.in_doubt()
    known = set(ids(path))
    (lost,) = [str(order["order"]) for order in ordered() if str(order["order"]) not in known]
    journal.resolve_as_placed(
        journal.ensure_account(sandbox.address, "main"), doubt, lost, why="seen on the panel's page"
    )
    assert airflow.run(PLACE, **sheet).state == "success"
    assert sorted(ids(path)) == sorted(str(order["order"]) for order in ordered())


def test_a_panel_that_goes_away_meanwhile_is_tried_again(airflow, sandbox, ordered, sheet):
    sandbox.faults({"fault": "429", "action": "add"})
    ran = airflow.run(PLACE, **sheet)
    assert ran.state == "up_for_retry"
    assert not isinstance(ran.error, AirflowFailException)
    sandbox.faults()
    assert airflow.run(PLACE, **sheet).state == "success"
    assert len(ordered()) == 3


def test_results_go_elsewhere_where_that_is_asked_for(airflow, ordered, sheet, path, tmp_path):
    before, results = path.read_bytes(), tmp_path / "results.csv"
    ran = airflow.run(PLACE, **sheet, results=str(results))
    assert (ran.state, ran.result["written"]) == ("success", str(results))
    assert path.read_bytes() == before
    assert sorted(ids(results)) == sorted(str(order["order"]) for order in ordered())
    assert airflow.run(PLACE, **sheet, results=str(results)).state == "success"
    assert len(ordered()) == 3


def test_a_sheet_under_an_address_of_the_file_system(airflow, ordered, sheet, path):
    assert airflow.run(PLACE, **sheet | {"path": path.as_uri()}).result["written"] == str(path)
    assert len(ordered()) == 3


def test_parts_are_the_same_in_every_try_and_hold_every_order_once(airflow, sheet, ordered):
    splits = [airflow.run(SPLIT, **sheet, part_size=2).result for _ in range(2)]
    assert splits[0] == splits[1]
    assert [len(part) for part in splits[0]] == [2, 1]
    assert len({key for part in splits[0] for key in part}) == 3
    assert ordered() == []


def test_mapped_parts_are_placed_once_and_written_by_one(airflow, ordered, sheet, path, done):
    parts = airflow.run(SPLIT, **sheet, part_size=2, task_id="split").result
    for _ in range(2):
        for index, part in enumerate(parts):
            ran = airflow.run(PLACE, **sheet, keys=part, map_index=index, task_id="place")
            assert (ran.state, ran.result["states"]) == ("success", {"placed": len(part)})
    assert len(ordered()) == 3
    assert "order_id" not in read(path)[0]
    done()
    assert airflow.run(TRACK, campaign=sheet["campaign"], task_id="track").result["statuses"] == {"Completed": 3}
    back = airflow.run(BACK, **sheet, task_id="back")
    assert back.result == {"written": str(path), "states": {"placed": 3}}
    assert sorted(ids(path)) == sorted(str(order["order"]) for order in ordered())
    assert [row["order_status"] for row in read(path)] == ["Completed"] * 3


def test_a_part_of_another_split_is_refused(airflow, ordered, sheet):
    airflow.run(SPLIT, **sheet)
    assert "does not have 1 of the part's orders, for example unknown" in failed_for_good(
        airflow.run(PLACE, **sheet, keys=["unknown"])
    )
    assert ordered() == []


@pytest.mark.parametrize("size", [0, -1])
def test_a_part_of_no_orders_is_refused(airflow, sheet, size):
    assert "a part must have at least 1 order" in failed_for_good(airflow.run(SPLIT, **sheet, part_size=size))


def test_all_of_it_in_one(airflow, ordered, sheet, path, done):
    waiting = {**sheet, "deferrable": True, "poll_interval": 0.01}
    ran = airflow.run(ALL, **waiting)
    assert ran.state == "deferred"
    assert sorted(ran.trigger[1]["order_ids"]) == sorted(str(order["order"]) for order in ordered())
    done()
    resumed = airflow.resume(ran, ALL, **waiting)
    assert resumed.state == "success"
    assert resumed.result == {
        "written": str(path),
        "states": {"placed": 3},
        "campaign": "week 2026-02-03",
        "statuses": {"Completed": 3},
    }
    assert [row["order_status"] for row in read(path)] == ["Completed"] * 3
    assert len(ordered()) == 3


def test_all_of_it_waiting_in_the_worker(airflow, sheet, done, path):
    airflow.run(PLACE, **sheet)
    done()
    ran = airflow.run(ALL, **sheet, poll_interval=0.01)
    assert (ran.state, ran.result["statuses"]) == ("success", {"Completed": 3})
    assert [row["order_status"] for row in read(path)] == ["Completed"] * 3


def test_out_of_time_what_is_known_is_written_and_a_retry_goes_on(airflow, sheet, path, ordered, done):
    ran = airflow.run(ALL, **sheet, timeout=0.0)
    assert ran.state == "up_for_retry"
    assert isinstance(ran.error, AirflowException)
    assert [row["order_status"] for row in read(path)] == ["Pending"] * 3
    done()
    assert airflow.run(ALL, **sheet, timeout=0.0).state == "success"
    assert len(ordered()) == 3


def test_where_only_the_ids_are_wanted_it_does_not_wait(airflow, sheet, path):
    assert airflow.run(ALL, **sheet, wait_for_completion=False, deferrable=True).state == "success"
    assert all(ids(path))


def test_a_sheet_whose_orders_are_over_is_not_deferred_again(airflow, sheet, done):
    airflow.run(PLACE, **sheet)
    done()
    assert airflow.run(TRACK, campaign=sheet["campaign"]).result["statuses"] == {"Completed": 3}
    assert airflow.run(TRACK, campaign=sheet["campaign"], deferrable=True).state == "success"


def test_nothing_to_follow_is_no_failure(airflow, sheet):
    airflow.run(PLACE, **sheet, dry_run=True)
    assert airflow.run(TRACK, campaign="week 2026-02-03").result == {"campaign": "week 2026-02-03", "statuses": {}}


@pytest.mark.parametrize("operator", [TRACK, BACK])
def test_a_campaign_that_nobody_placed_is_misspelt(airflow, sheet, operator):
    """As often as it is tried: asking does not make it known."""
    airflow.run(PLACE, **sheet)
    given = {"campaign": "weak"} if operator is TRACK else {**sheet, "campaign": "weak"}
    for _ in range(2):
        words = failed_for_good(airflow.run(operator, **given))
        assert words == "the journal has no campaign 'weak' of account 'main'. Check the spelling"


@pytest.mark.parametrize("operator", [CHECK, PLACE, SPLIT, BACK, ALL, TRACK])
@pytest.mark.parametrize("nothing", ["{{ '' }}", "{{ none }}"])
def test_a_campaign_whose_template_came_to_nothing_is_none(airflow, ordered, sheet, operator, nothing):
    """The file's name is no campaign here: it is the same in every run."""
    given = {"campaign": nothing} if operator is TRACK else {**sheet, "campaign": nothing}
    assert "campaign is '" in failed_for_good(airflow.run(operator, **given))
    assert ordered() == []


@pytest.mark.parametrize("guard", ["max_spend", "expect_rows", "expect_total"])
def test_a_guard_whose_template_came_to_nothing_lets_nothing_pass(airflow, ordered, sheet, guard):
    assert f"{guard} is ''" in failed_for_good(airflow.run(PLACE, **sheet, **{guard: "{{ '' }}"}))
    assert ordered() == []


@pytest.mark.parametrize("keys", ["['a', 'b']", "{{ none }}", [["a"], ["b"]]])
def test_what_is_not_one_part_is_refused_in_words(airflow, ordered, sheet, keys):
    assert "keys is not one part" in failed_for_good(airflow.run(PLACE, **sheet, keys=keys))
    assert ordered() == []


@pytest.mark.parametrize("operator", [CHECK, PLACE, SPLIT, ALL])
def test_what_stands_in_the_way_names_the_operators_argument(airflow, tmp_path, link, operator):
    path = write(tmp_path / "week.csv", (1, link, 100), (1, link, 0))
    words = failed_for_good(airflow.run(operator, path=str(path), campaign="week"))
    assert words.endswith("or pass skip_bad=True to place the other row")


def test_a_wait_that_cannot_be_is_found_before_money_is_spent(airflow, ordered, sheet):
    assert "poll_interval is 'x'" in failed_for_good(airflow.run(ALL, **sheet, poll_interval="x"))
    assert ordered() == []


def test_an_operator_without_a_campaign_cannot_be_made():
    """A campaign that a default gave would be one for all runs, or none."""
    for operator in (CHECK, PLACE, SPLIT, BACK, ALL):
        with pytest.raises(TypeError, match="campaign"):
            operator(task_id="task", path="week.csv")
