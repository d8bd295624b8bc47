"""The whole job, against the simulated panel, and what is decided on the way."""

from dataclasses import replace
from decimal import Decimal

import pytest
from sqlalchemy import select

from bulk.model.options import Options
from bulk.reading import read_sheet
from bulk.running import run
from bulk.running.events import RunListener
from smmplus.api.panel import Panel
from smmplus.errors import JournalInUseError
from smmplus.journal import budgets, schema
from smmplus.journal.journal import Journal
from smmplus.journal.state_machine import State
from smmplus.placing.placer import Stop
from tests.bulk.plans import LINK, Ledger
from tests.panel import SandboxProcess

pytestmark = pytest.mark.usefixtures("read_here")


def test_the_place_of_a_sheet_is_its_account_campaign_and_unfinished_batch(journal, tmp_path):
    panel = Panel("0123456789abcdef", "https://smm.plus/api/v2")
    week = Ledger.of(journal, account="shop")
    week.in_doubt()
    place = run.load_campaign(Options(tmp_path / "week.csv", account="shop"), panel, journal)
    assert place == replace(week.place(), panel=panel.url)
    assert place.spent == Decimal("0.15")
    other = run.load_campaign(Options(tmp_path / "week.xlsx", account="shop"), panel, journal)
    assert (other.campaign_id, other.batch_id) == (week.campaign, None)
    panel = Panel("fedcba9876543210", panel.url)
    assert run.load_campaign(Options(tmp_path / "week.csv"), panel, journal).account_id != week.account


# Against the simulated panel.


@pytest.fixture(scope="module")
def sandbox():
    with SandboxProcess("--speed", "0") as process:
        yield process


@pytest.fixture
def panel(sandbox):
    sandbox.faults()
    sandbox.balance("1000")
    sandbox.service("2", rate="0.9", min=10)
    return Panel(sandbox.key, sandbox.address)


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "week.csv"
    path.write_text(f"service,link,quantity\n2,{LINK},100\n2,{LINK}/2,100\n", "utf-8")
    return path


def options(path, **more):
    return Options(path, rate=0, wait=0, lock_wait=0, **more)


class Person(RunListener):
    """Is asked, looks at the plan, does something, and says yes or no."""

    agreed = False

    def __init__(self, *, agreed=True, meanwhile=lambda: None):
        super().__init__(agreed=agreed)
        self.placed_rows = []
        self._meanwhile = meanwhile

    def confirm(self, _plan):
        self._meanwhile()
        return self._agreed

    def placed(self, _row, placed):
        self.placed_rows.append(placed.order_id)


def count(sandbox):
    return sandbox.ledger()["count"]


@pytest.mark.e2e
def test_a_run_places_every_row_once_and_the_next_one_none(sandbox, panel, journal, path):
    before, listener = count(sandbox), Person()
    outcome = run.run(options(path), panel, journal, listener)
    assert (outcome.exit_status, outcome.sent, count(sandbox) - before) == (0, 2, 2)
    ids = list(read_sheet(path).frame["order_id"])
    assert sorted(ids) == sorted(listener.placed_rows) == sorted(e.order_id for e in outcome.entries.values())
    again = run.run(options(path), panel, journal, Person())
    assert (again.exit_status, again.sent, count(sandbox) - before) == (0, 0, 2)


@pytest.mark.e2e
def test_who_says_no_sends_nothing_and_leaves_no_trace(sandbox, panel, journal, path):
    before, text = count(sandbox), path.read_bytes()
    outcome = run.run(options(path), panel, journal, Person(agreed=False))
    assert (outcome.exit_status, outcome.stop, outcome.reason) == (7, Stop.ASKED, "not confirmed")
    assert (count(sandbox), path.read_bytes()) == (before, text)
    assert run.check(options(path), panel, journal).campaign.batch_id is None


@pytest.mark.e2e
def test_what_stands_in_the_way_sends_nothing(sandbox, panel, journal, path):
    path.write_text(path.read_text("utf-8") + f"2,{LINK}/3,x\n", "utf-8")
    before = count(sandbox)
    outcome = run.run(options(path), panel, journal, Person())
    assert (outcome.exit_status, count(sandbox)) == (3, before)
    assert outcome.blocked.startswith("Nothing was placed. 1 row has problems.")


@pytest.mark.e2e
def test_a_line_that_cannot_be_taken_apart_is_left_out_and_the_rest_is_placed(panel, journal, path):
    path.write_text(path.read_text("utf-8") + "2,one,too,many\n", "utf-8")
    outcome = run.run(options(path, skip_bad=True), panel, journal, Person())
    assert (outcome.exit_status, outcome.sent, outcome.written.in_place) == (3, 2, True)


@pytest.mark.e2e
def test_a_balance_that_is_short_sends_nothing(sandbox, panel, journal, path):
    sandbox.balance("0.1")
    before = count(sandbox)
    outcome = run.run(options(path), panel, journal, Person())
    assert (outcome.exit_status, outcome.stop, count(sandbox)) == (5, Stop.FUNDS, before)
    assert outcome.reason == "short by 0.08"


@pytest.mark.e2e
def test_a_price_that_rose_while_a_person_thought_stops_the_run_however_short_it_was(sandbox, panel, journal, path):
    before, rise = count(sandbox), Person(meanwhile=lambda: sandbox.service("2", rate="1.8"))
    outcome = run.run(options(path), panel, journal, rise, clock=lambda: 0)
    assert (outcome.stop, outcome.exit_status, count(sandbox)) == (Stop.PRICE, 7, before)
    assert outcome.reason == "service 2 went from 0.9 to 1.8"


@pytest.mark.e2e
def test_a_balance_that_fell_while_a_person_thought_stops_the_run(sandbox, panel, journal, path):
    before, fall = count(sandbox), Person(meanwhile=lambda: sandbox.balance("0.17"))
    outcome = run.run(options(path), panel, journal, fall)
    assert (outcome.stop, outcome.exit_status, count(sandbox)) == (Stop.FUNDS, 5, before)
    assert outcome.reason == "short by 0.01"
    sandbox.balance("0.18")
    assert run.run(options(path), panel, journal, Person()).sent == 2


@pytest.mark.e2e
def test_limits_that_changed_while_a_person_thought_stop_the_run(sandbox, panel, journal, path):
    before, change = count(sandbox), Person(meanwhile=lambda: sandbox.service("2", min=101))
    outcome = run.run(options(path), panel, journal, change)
    sandbox.service("2", min=10)
    assert (outcome.stop, outcome.exit_status, count(sandbox)) == (Stop.SERVICE, 7, before)
    assert outcome.reason == "line 2, quantity: 100 is less than the service's minimum"


class Robot(Person):
    """Was told yes beforehand."""

    agreed = True


@pytest.mark.e2e
@pytest.mark.parametrize(("seconds", "looks"), [(5.1, 2), (5.0, 1)])
def test_without_a_person_prices_are_read_again_only_if_they_are_old(sandbox, panel, journal, path, seconds, looks):
    times, before = iter([0, seconds]), sandbox.calls("services")
    assert run.run(options(path), panel, journal, Robot(), clock=lambda: next(times)).sent == 2
    assert sandbox.calls("services") - before == looks


@pytest.mark.e2e
def test_where_nothing_is_to_be_sent_nothing_is_read_again(sandbox, panel, journal, path):
    run.run(options(path), panel, journal, Robot())
    before = sandbox.calls("services")
    run.run(options(path), panel, journal, Person())
    assert sandbox.calls("services") - before == 1


@pytest.mark.e2e
def test_the_balance_is_written_down_before_and_after_placing(sandbox, panel, journal, path):
    run.run(options(path), panel, journal, Robot())
    with journal.reading() as connection:
        seen = connection.execute(select(schema.balances.c.amount).order_by(schema.balances.c.id)).scalars().all()
    assert [Decimal(amount) for amount in seen] == [Decimal(1000), Decimal("999.82")]


@pytest.mark.e2e
def test_a_campaign_that_another_run_is_in_is_left_alone(sandbox, panel, journal, path):
    before = count(sandbox)
    with Journal(f"sqlite:///{journal.path}") as other:
        other.hold_campaign(run.load_campaign(options(path), panel, journal).campaign_id, wait=0)
        for job in (run.run, run.status):
            with pytest.raises(JournalInUseError, match="campaign 'week' is being placed by process"):
                job(options(path), panel, journal, Person())
    assert count(sandbox) == before


@pytest.mark.e2e
def test_a_refused_account_stops_the_run_and_tells_the_balance(sandbox, panel, journal, path):
    sandbox.faults({"fault": "refuse", "text": "Not enough funds on balance", "action": "add", "calls": [1]})
    outcome = run.run(replace(options(path), in_flight=1), panel, journal, Person())
    assert (outcome.exit_status, outcome.stop, outcome.sent, outcome.unsent) == (5, Stop.ACCOUNT, 1, 2)
    assert outcome.reason == "Not enough funds on balance; the balance is 1000 USD"


@pytest.mark.e2e
def test_a_budget_that_a_person_gave_holds_for_later_runs_without_being_told(sandbox, panel, journal, path):
    first = run.run(options(path, max_spend=Decimal("0.17"), in_flight=1), panel, journal, Person())
    assert (first.exit_status, first.stop, first.sent) == (5, Stop.BUDGET, 1)
    again = run.run(options(path), panel, journal, Person())
    assert (again.exit_status, again.stop, again.sent, again.plan.max_spend) == (5, Stop.BUDGET, 0, Decimal("0.17"))
    assert run.run(options(path, max_spend=Decimal("0.18")), panel, journal, Person()).sent == 1


@pytest.mark.e2e
def test_check_only_looks_at_a_budget(panel, journal, path):
    plan = run.check(options(path, max_spend=Decimal("0.1")), panel, journal)
    assert (plan.max_spend, plan.over_budget) == (Decimal("0.1"), Decimal("0.08"))
    assert run.check(options(path), panel, journal).max_spend is None


@pytest.mark.e2e
def test_a_budget_that_is_raised_while_orders_are_placed_takes_effect_at_once(panel, journal, path):
    class Raising(Person):
        def placing(self, orders):  # noqa: ARG002 (as the base has it)
            budgets.set_budget(journal, campaign, Decimal("0.18"))

    campaign = run.load_campaign(options(path), panel, journal).campaign_id
    assert run.run(options(path, max_spend=Decimal("0.09")), panel, journal, Raising()).sent == 2


@pytest.mark.e2e
def test_the_first_rows_are_placed_and_then_the_next(sandbox, panel, journal, path):
    path.write_text("service,link,quantity\n" + "".join(f"2,{LINK}/{n},100\n" for n in range(5)), "utf-8")
    seen = []
    for _ in range(3):
        outcome = run.run(options(path, first=2), panel, journal, Person())
        seen.append((outcome.exit_status, outcome.sent, len(outcome.plan.deferred), outcome.plan.total))
    assert seen == [(0, 2, 3, Decimal("0.18")), (0, 2, 1, Decimal("0.18")), (0, 1, 0, Decimal("0.09"))]
    assert [order["link"] for order in sandbox.orders()[-5:]] == [f"{LINK}/{n}" for n in range(5)]


@pytest.mark.e2e
def test_after_the_first_rows_a_fresh_copy_of_the_sheet_goes_on_without_a_question(panel, journal, path):
    text = path.read_text("utf-8")
    assert run.run(options(path, first=1), panel, journal, Person()).sent == 1
    path.write_text(text, "utf-8")
    outcome = run.run(options(path), panel, journal, Person())
    assert (outcome.exit_status, outcome.blocked, outcome.sent) == (0, "", 1)


@pytest.mark.e2e
@pytest.mark.parametrize("wrong", [{"expect_rows": 3}, {"expect_total": Decimal("0.19")}])
def test_a_wrong_control_total_sends_nothing(sandbox, panel, journal, path, wrong):
    before = count(sandbox)
    outcome = run.run(options(path, **wrong), panel, journal, Person())
    assert (outcome.exit_status, outcome.blocked != "", count(sandbox)) == (3, True, before)


@pytest.mark.e2e
def test_a_control_total_still_fits_when_some_rows_are_placed(panel, journal, path):
    expected = {"expect_rows": 2, "expect_total": Decimal("0.18")}
    for _ in range(3):
        assert run.run(options(path, first=1, **expected), panel, journal, Person()).exit_status == 0


@pytest.mark.e2e
def test_check_sends_and_writes_nothing(sandbox, panel, journal, path):
    before, text = count(sandbox), path.read_bytes()
    plan = run.check(options(path), panel, journal)
    assert (len(plan.to_send), plan.total, plan.prices.balance.currency) == (2, Decimal("0.18"), "USD")
    assert (count(sandbox), path.read_bytes()) == (before, text)


@pytest.mark.e2e
def test_following_waits_until_the_orders_are_final(sandbox, panel, journal, path):
    class Patient(Person):
        def following(self, _orders, _final):
            sandbox.advance(100_000)

    outcome = run.run(replace(options(path), wait=None, poll=0.01), panel, journal, Patient())
    assert (outcome.exit_status, {entry.final for entry in outcome.entries.values()}) == (0, {True})


@pytest.mark.e2e
def test_status_asks_once_places_nothing_and_writes(sandbox, panel, journal, path):
    run.run(options(path), panel, journal, Person())
    text = path.read_text("utf-8-sig")
    path.write_text(text + f"2,{LINK}/3,100" + "," * (text.partition("\n")[0].count(",") - 2) + "\n", "utf-8")
    assert len(run.check(options(path), panel, journal).to_send) == 1
    before = count(sandbox)
    asked = sandbox.calls("status")
    outcome = run.status(options(path), panel, journal, Person(agreed=False))
    assert (outcome.exit_status, outcome.plan.to_send, outcome.written.in_place) == (0, (), True)
    assert (count(sandbox), sandbox.calls("status") - asked) == (before, 1)
    assert list(read_sheet(path).frame["order_status"])[:2] == ["Pending", "Pending"]


@pytest.mark.e2e
def test_status_speaks_of_wrong_ids_and_not_of_rows_that_are_not_placed(panel, journal, path):
    header, first, _ = path.read_text("utf-8").splitlines()
    path.write_text(f"{header},order_id\n{first},999\n2,{LINK}/2,x,\n", "utf-8")
    outcome = run.status(options(path), panel, journal, Person())
    assert [problem.row for problem in outcome.plan.problems] == [2]
    assert (outcome.exit_status, outcome.entries) == (3, {})


@pytest.mark.e2e
def test_what_a_dead_process_left_behind_is_in_doubt_before_anything_is_decided(panel, journal, path):
    dead = Journal(f"sqlite:///{journal.path}")
    account = dead.ensure_account(panel.url, "default")
    campaign = dead.ensure_campaign(account, "week")
    Ledger(dead, account, campaign, dead.open_batch(campaign, "week.csv")).submitting()
    dead.close()
    assert [e.state for e in run.check(options(path), panel, journal).matching.entries.values()] == [State.IN_DOUBT]
    outcome = run.run(options(path), panel, journal, Person())
    assert (outcome.exit_status, outcome.sent, outcome.count(State.IN_DOUBT)) == (4, 1, 1)
